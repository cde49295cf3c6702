// Whisper check: one pass over the head and the table of tensors.
#include "catalog/whisper_check.h"

#include <array>
#include <string>
#include <unordered_set>
#include <utility>

#include "catalog/gguf_cursor.h"

namespace selvedge::catalog {
namespace {

constexpr std::uint32_t kMagic = 0x67676d6c;
constexpr std::uint64_t kFileBytesMax = std::uint64_t{16} << 30;
constexpr std::int32_t kTokenBytesMax = 1'024;
constexpr std::int32_t kNameBytesMax = 128;
constexpr std::size_t kTensorsMax = 4'096;
constexpr std::int32_t kFilterBins = 201;

struct TensorType {
  std::int32_t number;
  std::uint64_t elements;  // Of a block.
  std::uint64_t bytes;
};
constexpr std::array<TensorType, 7> kTensorTypes = {
    {{0, 1, 4}, {1, 1, 2}, {2, 32, 18}, {3, 32, 20}, {6, 32, 22}, {7, 32, 24}, {8, 32, 34}}};

// Each step returns an empty text, or what is wrong.
class Reader {
 public:
  explicit Reader(GgufCursor cursor) : cursor_(std::move(cursor)) {}

  std::string run() {
    std::uint32_t magic = 0;
    std::int32_t first = 0;
    if (!cursor_.read(magic) || !cursor_.read(first)) return "it is shorter than a header";
    if (magic != kMagic) return "it is no file of whisper.cpp";
    // A detector's name is 10 bytes long; no vocabulary is that small.
    constexpr std::int32_t kDetectorNameBytes = 10;
    std::string wrong = first == kDetectorNameBytes ? detector_head(first) : speech_head(first);
    while (wrong.empty() && cursor_.remaining() > 0) wrong = tensor();
    if (wrong.empty() && summary_.tensor_count == 0) wrong = "it holds no weights";
    return wrong;
  }

  GgufSummary summary() { return std::move(summary_); }

 private:
  std::string speech_head(std::int32_t vocabulary);
  std::string tokens(std::int32_t most);
  std::string detector_head(std::int32_t name_bytes);
  std::string tensor();
  bool read_text(std::string& text, std::int32_t bytes);

  GgufCursor cursor_;
  GgufSummary summary_;
  std::unordered_set<std::string> names_;
};

bool Reader::read_text(std::string& text, std::int32_t bytes) {
  text.clear();
  for (std::int32_t at = 0; at < bytes; ++at) {
    char byte = 0;
    if (!cursor_.read(byte)) return false;
    text += byte;
  }
  return true;
}

std::string Reader::speech_head(std::int32_t vocabulary) {
  struct {
    std::int32_t audio_context, audio_state, audio_heads, audio_layers;
    std::int32_t text_context, text_state, text_heads, text_layers;
    std::int32_t mels, type;
  } head{};
  if (!cursor_.read(head)) return "it is shorter than a header";
  const auto [name, known] = [&]() -> std::pair<const char*, bool> {
    switch (head.audio_layers) {
      case 4:
        return {"whisper tiny", true};
      case 6:
        return {"whisper base", true};
      case 12:
        return {"whisper small", true};
      case 24:
        return {"whisper medium", true};
      case 32:
        return {"whisper large", true};
      default:
        return {"", false};
    }
  }();
  const bool sizes_fit = known && vocabulary >= 51'864 && vocabulary <= 51'866 &&
                         head.audio_context == 1'500 && head.text_context == 448 &&
                         head.audio_state == head.text_state && head.audio_state >= 64 &&
                         head.audio_state <= 2'048 && head.text_layers >= 1 &&
                         head.text_layers <= 32 && (head.mels == 80 || head.mels == 128);
  const bool heads_fit = head.audio_heads == head.text_heads && head.audio_state % 64 == 0 &&
                         head.audio_heads == head.audio_state / 64;
  if (!sizes_fit || !heads_fit) return "its sizes are those of no Whisper model";
  constexpr std::int32_t kTypesPerVersion = 1'000;
  if (head.type < 0 || head.type % kTypesPerVersion > 20)
    return "its weights are of an unknown type";
  std::int32_t mels = 0;
  std::int32_t bins = 0;
  if (!cursor_.read(mels) || !cursor_.read(bins) || mels != head.mels || bins != kFilterBins) {
    return "its filters are none";
  }
  if (!cursor_.skip(static_cast<std::uint64_t>(mels * bins) * sizeof(float))) {
    return "its filters are cut";
  }
  summary_.version = 1;
  summary_.architecture = "whisper";
  summary_.name = name;
  summary_.task = Task::automatic_speech_recognition;
  summary_.context_tokens = head.text_context;
  summary_.dimensions = head.text_state;
  return tokens(vocabulary);
}

std::string Reader::tokens(std::int32_t most) {
  std::int32_t count = 0;
  if (!cursor_.read(count) || count < 50'000 || count > most) return "its vocabulary is none";
  for (std::int32_t at = 0; at < count; ++at) {
    std::int32_t bytes = 0;
    const bool fits = cursor_.read(bytes) && bytes >= 0 && bytes <= kTokenBytesMax &&
                      cursor_.skip(static_cast<std::uint64_t>(bytes));
    if (!fits) return "token " + std::to_string(at) + " is cut or too long";
  }
  return {};
}

std::string Reader::detector_head(std::int32_t name_bytes) {
  std::string name;
  std::array<std::int32_t, 6> head{};  // Version (3), window, context, layers of the encoder.
  if (!read_text(name, name_bytes) || !cursor_.read(head)) return "it is shorter than a header";
  if (name != "silero-16k" || head[3] != 512 || head[4] != 64 || head[5] != 4) {
    return "it is no detector of voices that is read here";
  }
  // In, out and kernel of each layer; then input and hidden width of the memory, in and out of the
  // last layer.
  constexpr std::array<std::int32_t, 16> kSizes = {129, 128, 3,   128, 64,  3,   64,  64,
                                                   3,   64,  128, 3,   128, 128, 128, 1};
  for (const std::int32_t expected : kSizes) {
    std::int32_t size = 0;
    if (!cursor_.read(size) || size != expected)
      return "its sizes are those of no detector of voices";
  }
  summary_.version = 1;
  summary_.architecture = "silero-vad";
  summary_.name = name;
  summary_.task = Task::voice_activity_detection;
  return {};
}

std::string Reader::tensor() {
  const std::string which = "tensor " + std::to_string(summary_.tensor_count);
  std::int32_t dimensions = 0;
  std::int32_t name_bytes = 0;
  std::int32_t type = 0;
  if (!cursor_.read(dimensions) || !cursor_.read(name_bytes) || !cursor_.read(type)) {
    return which + " is cut";
  }
  const TensorType* known = nullptr;
  for (const TensorType& one : kTensorTypes) {
    if (one.number == type) known = &one;
  }
  const bool sane = known != nullptr && dimensions >= 0 && dimensions <= 4 && name_bytes >= 1 &&
                    name_bytes <= kNameBytesMax && summary_.tensor_count < kTensorsMax;
  if (!sane) return which + " is of an unknown form";
  std::uint64_t elements = 1;
  for (std::int32_t at = 0; at < dimensions; ++at) {
    std::int32_t size = 0;
    // whisper.cpp multiplies in 32 bits.
    constexpr std::uint64_t kElementsMax = 0x7fffffff;
    if (!cursor_.read(size) || size < 1 ||
        elements > kElementsMax / static_cast<std::uint64_t>(size)) {
      return which + " has sizes that are none";
    }
    elements *= static_cast<std::uint64_t>(size);
  }
  std::string name;
  if (!read_text(name, name_bytes) || !names_.insert(name).second) {
    return which + " has no name of its own";
  }
  if (elements % known->elements != 0) return which + " has no whole blocks";
  if (!cursor_.skip(elements / known->elements * known->bytes)) {
    return which + " reaches past the end of the file";
  }
  summary_.parameters += elements;
  ++summary_.tensor_count;
  return {};
}

}  // namespace

Result<GgufSummary> check_whisper(const std::filesystem::path& file) {
  SEL_TRY(cursor, GgufCursor::open(file, kFileBytesMax));
  Reader reader(std::move(cursor));
  const std::string wrong = reader.run();
  if (wrong.empty()) return reader.summary();
  return Error{Code::file_invalid, "\"" + file.filename().string() + "\": " + wrong};
}

}  // namespace selvedge::catalog
