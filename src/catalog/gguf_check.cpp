// GGUF check: every count, length and offset of the header is compared with the file's length.
#include "catalog/gguf_check.h"

#include <algorithm>
#include <array>
#include <limits>
#include <map>
#include <optional>
#include <unordered_set>
#include <utility>
#include <vector>

#include "base/utf8.h"
#include "catalog/gguf_cursor.h"

namespace selvedge::catalog {

namespace {

constexpr std::uint64_t kHeaderBytesMax = 512ull * 1024 * 1024;
constexpr std::uint64_t kPairsMax = 65'536;
constexpr std::uint64_t kTensorsMax = 65'536;
constexpr std::int64_t kSplitsMax = 1'000;
constexpr std::uint64_t kKeyBytesMax = 256;
constexpr std::uint64_t kTensorNameBytesMax = 127;  // GGML_MAX_NAME of our engines is 128.
constexpr std::uint32_t kTensorDimensionsMax = 4;
constexpr std::uint64_t kTextBytesMax = 4'096;  // Of the few text values that are kept.
constexpr std::uint64_t kAlignmentDefault = 32;
constexpr std::uint64_t kAlignmentMax = 1024 * 1024;
constexpr auto kBytesMax = static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max());

enum ValueType : std::uint32_t { kUint32 = 4, kString = 8, kArray = 9, kValueTypes = 13 };

// Bytes of one value by type; 0 = of its own length.
constexpr std::array<std::uint64_t, kValueTypes> kValueBytes = {1, 1, 2, 2, 4, 4, 4,
                                                                1, 0, 0, 8, 8, 8};

struct TensorType {
  std::uint32_t number;
  std::uint64_t block_elements;
  std::uint64_t block_bytes;
};

// Source: ggml.h and gguf-py's GGML_QUANT_SIZES. Numbers that are missing were retired.
constexpr TensorType kTensorTypes[] = {
    {0, 1, 4},      {1, 1, 2},      {2, 32, 18},   {3, 32, 20},    {6, 32, 22},    {7, 32, 24},
    {8, 32, 34},    {9, 32, 36},    {10, 256, 84}, {11, 256, 110}, {12, 256, 144}, {13, 256, 176},
    {14, 256, 210}, {15, 256, 292}, {16, 256, 66}, {17, 256, 74},  {18, 256, 98},  {19, 256, 50},
    {20, 32, 18},   {21, 256, 110}, {22, 256, 82}, {23, 256, 136}, {24, 1, 1},     {25, 1, 2},
    {26, 1, 4},     {27, 1, 8},     {28, 1, 8},    {29, 256, 56},  {30, 1, 2},     {34, 256, 54},
    {35, 256, 66},  {39, 32, 17},   {40, 64, 36},  {41, 128, 18},  {42, 64, 18},
};

bool multiply(std::uint64_t a, std::uint64_t b, std::uint64_t& product) {
  return !__builtin_mul_overflow(a, b, &product) && product <= kBytesMax;
}

bool add(std::uint64_t a, std::uint64_t b, std::uint64_t& sum) {
  return !__builtin_add_overflow(a, b, &sum) && sum <= kBytesMax;
}

bool align(std::uint64_t bytes, std::uint64_t alignment, std::uint64_t& aligned) {
  if (!add(bytes, alignment - 1, aligned)) return false;
  aligned -= aligned % alignment;
  return true;
}

bool ends_with(std::string_view text, std::string_view end) { return text.ends_with(end); }

constexpr std::string_view kHasVisionEncoder = "clip.has_vision_encoder";

// The header's pass. Each step returns an empty text, or what is wrong.
class Reader {
 public:
  explicit Reader(GgufCursor cursor) : cursor_(std::move(cursor)) {}

  std::string run() {
    std::string wrong = start();
    for (std::uint64_t at = 0; wrong.empty() && at < pair_count_; ++at) wrong = pair(at);
    if (wrong.empty()) wrong = settle_alignment();
    if (wrong.empty()) wrong = settle_split();
    for (std::uint64_t at = 0; wrong.empty() && at < summary_.tensor_count; ++at) {
      wrong = tensor(at);
    }
    if (wrong.empty()) wrong = data();
    return wrong;
  }

  GgufSummary summary();

 private:
  std::string start();
  std::string pair(std::uint64_t at);
  std::string value(const std::string& key, std::uint32_t type);
  std::string array();
  std::string settle_alignment();
  std::string settle_split();
  std::string tensor(std::uint64_t at);
  std::string tensor_size(std::uint64_t at, std::uint64_t& bytes, std::uint64_t& last);
  std::string data();
  bool read_number(std::uint32_t type, std::int64_t& number);
  std::optional<std::int64_t> of_architecture(std::string_view name) const;
  Task guess_task() const;

  GgufCursor cursor_;
  GgufSummary summary_;
  std::uint64_t pair_count_ = 0;
  std::unordered_set<std::string> keys_;
  std::unordered_set<std::string> tensor_names_;
  std::map<std::string, std::int64_t, std::less<>> numbers_;  // Those that the summary may need.
  std::string general_type_;
  bool alignment_is_uint32_ = true;
  std::uint64_t alignment_ = kAlignmentDefault;
  std::uint64_t data_bytes_ = 0;  // Up to the end of the last tensor, without the last padding.
  bool has_outputs_ = false;
  bool draws_ = false;
};

std::string Reader::start() {
  std::uint32_t magic = 0;
  if (!cursor_.read(magic)) return "it is shorter than a header";
  if (magic != 0x46554747) {  // "GGUF"
    return "it does not start with GGUF (safetensors, PyTorch and older ggml files are not read)";
  }
  if (!cursor_.read(summary_.version)) return "it is shorter than a header";
  if ((summary_.version & 0xFFFF) == 0) return "it is big-endian";
  if (summary_.version < 2 || summary_.version > 3) {
    return "it is GGUF version " + std::to_string(summary_.version) + "; versions 2 and 3 are read";
  }
  if (!cursor_.read(summary_.tensor_count) || !cursor_.read(pair_count_)) {
    return "it is shorter than a header";
  }
  // The smallest pair takes 13 bytes, the smallest tensor 24: a count beyond that is a lie.
  if (pair_count_ > kPairsMax || pair_count_ > cursor_.remaining() / 13) {
    return "it claims " + std::to_string(pair_count_) + " keys";
  }
  if (summary_.tensor_count > kTensorsMax || summary_.tensor_count > cursor_.remaining() / 24) {
    return "it claims " + std::to_string(summary_.tensor_count) + " tensors";
  }
  return {};
}

std::string Reader::pair(std::uint64_t at) {
  std::string key;
  if (!cursor_.read_string(key, kKeyBytesMax) || key.empty()) {
    return "key " + std::to_string(at) + " is cut, empty or too long";
  }
  std::uint32_t type = 0;
  if (!cursor_.read(type)) return "key " + std::to_string(at) + " has no type";
  if (type >= kValueTypes) return "key " + std::to_string(at) + " is of an unknown type";
  if (!keys_.insert(key).second) return "key " + std::to_string(at) + " stands twice";
  std::string wrong = type == kArray ? array() : value(key, type);
  if (!wrong.empty()) return "key " + std::to_string(at) + ": " + wrong;
  return {};
}

bool Reader::read_number(std::uint32_t type, std::int64_t& number) {
  const auto take = [&](auto typed) {
    if (!cursor_.read(typed)) return false;
    number = static_cast<std::int64_t>(typed);
    return true;
  };
  switch (type) {
    case 0:
    case 7:
      return take(std::uint8_t{});
    case 1:
      return take(std::int8_t{});
    case 2:
      return take(std::uint16_t{});
    case 3:
      return take(std::int16_t{});
    case 4:
      return take(std::uint32_t{});
    case 5:
      return take(std::int32_t{});
    case 10:
      return take(std::uint64_t{});
    default:
      return take(std::int64_t{});
  }
}

std::string Reader::value(const std::string& key, std::uint32_t type) {
  if (type == kString) {
    const bool kept =
        key == "general.architecture" || key == "general.name" || key == "general.type";
    if (!kept) return cursor_.skip_string() ? "" : "its text reaches past the end of the file";
    std::string text;
    if (!cursor_.read_string(text, kTextBytesMax)) return "its text is too long or cut";
    if (key == "general.architecture") summary_.architecture = std::move(text);
    if (key == "general.name") summary_.name = std::move(text);
    if (key == "general.type") general_type_ = std::move(text);
    return {};
  }
  const bool is_float = type == 6 || type == 12;
  const bool kept = key == "general.alignment" || key == kHasVisionEncoder ||
                    ends_with(key, ".context_length") || ends_with(key, ".embedding_length") ||
                    ends_with(key, ".pooling_type") || key == "split.no" || key == "split.count" ||
                    key == "split.tensors.count" || ends_with(key, ".attention.head_count") ||
                    ends_with(key, ".attention.head_count_kv");
  if (is_float || !kept) {
    return cursor_.skip(kValueBytes[type]) ? "" : "its value reaches past the end of the file";
  }
  std::int64_t number = 0;
  if (!read_number(type, number)) return "its value reaches past the end of the file";
  if (key == "general.alignment") alignment_is_uint32_ = type == kUint32;
  numbers_[key] = number;
  return {};
}

std::string Reader::array() {
  std::uint32_t type = 0;
  std::uint64_t length = 0;
  if (!cursor_.read(type) || !cursor_.read(length)) return "its array is cut";
  if (type >= kValueTypes || type == kArray) return "its array holds an unknown type";
  if (type == kString) {
    if (length > cursor_.remaining() / 8) return "its array reaches past the end of the file";
    for (std::uint64_t at = 0; at < length; ++at) {
      if (!cursor_.skip_string()) return "its array reaches past the end of the file";
    }
    return {};
  }
  std::uint64_t bytes = 0;
  if (!multiply(length, kValueBytes[type], bytes) || !cursor_.skip(bytes)) {
    return "its array reaches past the end of the file";
  }
  return {};
}

std::string Reader::settle_alignment() {
  const auto found = numbers_.find("general.alignment");
  if (found == numbers_.end()) return {};
  const auto alignment = static_cast<std::uint64_t>(found->second);
  if (!alignment_is_uint32_ || alignment < 1 || alignment > kAlignmentMax ||
      (alignment & (alignment - 1)) != 0) {
    return "its alignment is not a power of two";
  }
  alignment_ = alignment;
  return {};
}

std::string Reader::settle_split() {
  const auto number = [this](std::string_view key, std::int64_t usual) {
    const auto found = numbers_.find(key);
    return found == numbers_.end() ? usual : found->second;
  };
  const std::int64_t count = number("split.count", 1);
  const std::int64_t at = number("split.no", 0);
  const std::int64_t tensors = number("split.tensors.count", 0);
  if (count < 0 || count > kSplitsMax || at < 0 || at >= std::max<std::int64_t>(count, 1) ||
      tensors < 0) {
    return "its place among the files of a split model cannot be";
  }
  summary_.split_count = static_cast<std::uint32_t>(std::max<std::int64_t>(count, 1));
  summary_.split_at = static_cast<std::uint32_t>(at);
  summary_.split_tensors = static_cast<std::uint64_t>(tensors);
  // The first file of a split model may have the keys alone.
  if (summary_.tensor_count == 0 && summary_.split_count == 1) return "it holds no tensors";
  return {};
}

// Reads dimensions and type; `bytes` is what the tensor takes in the file, `last` its last length.
std::string Reader::tensor_size(std::uint64_t at, std::uint64_t& bytes, std::uint64_t& last) {
  const std::string which = "tensor " + std::to_string(at);
  std::uint32_t dimension_count = 0;
  if (!cursor_.read(dimension_count)) return which + " is cut";
  if (dimension_count > kTensorDimensionsMax) {
    return which + " has " + std::to_string(dimension_count) + " dimensions";
  }
  std::uint64_t row = 1;
  std::uint64_t elements = 1;
  for (std::uint32_t dimension = 0; dimension < dimension_count; ++dimension) {
    std::uint64_t length = 0;
    if (!cursor_.read(length)) return which + " is cut";
    if (dimension == 0) row = length;
    last = dimension_count == 1 ? 1 : length;
    // An empty tensor could hide an overflow behind its zero.
    if (length == 0 || !multiply(elements, length, elements))
      return which + " has a size that cannot be";
  }
  std::uint32_t number = 0;
  if (!cursor_.read(number)) return which + " is cut";
  const auto* const type =
      std::find_if(std::begin(kTensorTypes), std::end(kTensorTypes),
                   [&](const TensorType& row_) { return row_.number == number; });
  if (type == std::end(kTensorTypes)) {
    return which + " is of type " + std::to_string(number) + ", which is not known";
  }
  if (row % type->block_elements != 0) return which + " has rows that are no whole blocks";
  if (!multiply(elements / type->block_elements, type->block_bytes, bytes)) {
    return which + " has a size that cannot be";
  }
  if (!add(summary_.parameters, elements, summary_.parameters))
    return which + " has a size that cannot be";
  return {};
}

std::string Reader::tensor(std::uint64_t at) {
  const std::string which = "tensor " + std::to_string(at);
  std::string name;
  if (!cursor_.read_string(name, kTensorNameBytesMax))
    return which + " has a name that is too long or cut";
  // Some have one matrix, others a dense one and then that of the outputs.
  const bool is_outputs = name == "cls.output.weight";
  const bool is_head = is_outputs || name == "cls.weight";
  if (name.starts_with("model.diffusion_model.")) draws_ = true;
  if (!tensor_names_.insert(std::move(name)).second) return which + " has the name of another one";
  std::uint64_t bytes = 0;
  std::uint64_t last = 1;
  std::string wrong = tensor_size(at, bytes, last);
  if (!wrong.empty()) return wrong;
  if (is_head && (is_outputs || !has_outputs_)) summary_.classifier_outputs = last;
  has_outputs_ = has_outputs_ || is_outputs;
  std::uint64_t offset = 0;
  if (!cursor_.read(offset)) return which + " is cut";
  std::uint64_t expected = 0;
  if (!align(data_bytes_, alignment_, expected)) return which + " has a size that cannot be";
  // ggml asks for the same: no gaps, no overlap, in the order of the list.
  if (offset != expected) return which + " is not where the one before it ends";
  if (!add(offset, bytes, data_bytes_)) return which + " has a size that cannot be";
  return {};
}

std::string Reader::data() {
  std::uint64_t start = 0;
  std::uint64_t end = 0;
  if (!align(cursor_.at(), alignment_, start) || !add(start, data_bytes_, end)) {
    return "its tensors have a size that cannot be";
  }
  if (end > cursor_.file_bytes()) {
    return "it is cut: its tensors end at byte " + std::to_string(end) + ", the file at " +
           std::to_string(cursor_.file_bytes());
  }
  const std::string& architecture = summary_.architecture;
  const auto plain = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '.' || c == '_';
  };
  // stable-diffusion.cpp writes no keys at all: its files are known by their tensors.
  if (draws_ && architecture.empty()) summary_.architecture = "diffusion";
  if (architecture.empty() && summary_.split_at > 0) return {};
  if (architecture.empty() || architecture.size() > 64 ||
      !std::all_of(architecture.begin(), architecture.end(), plain)) {
    return "it names no architecture";
  }
  return {};
}

std::optional<std::int64_t> Reader::of_architecture(std::string_view name) const {
  const auto found = numbers_.find(summary_.architecture + "." + std::string(name));
  if (found == numbers_.end()) return std::nullopt;
  return found->second;
}

Task Reader::guess_task() const {
  const std::string_view architecture = summary_.architecture;
  if (draws_) return Task::text_to_image;
  if (!general_type_.empty() && general_type_ != "model")
    return Task::other;  // Adapter, projector.
  for (const std::string_view image :
       {"flux", "sd1", "sd2", "sd3", "sdxl", "lumina2", "qwen_image"}) {
    if (architecture == image) return Task::text_to_image;
  }
  for (const std::string_view part : {"clip", "t5", "wavtokenizer-dec", "imatrix"}) {
    if (architecture == part) return Task::other;
  }
  constexpr std::int64_t kPoolingNone = 0;
  constexpr std::int64_t kPoolingRank = 4;
  const std::int64_t pooling = of_architecture("pooling_type").value_or(kPoolingNone);
  if (pooling == kPoolingRank || summary_.classifier_outputs > 0) return Task::text_classification;
  const bool encoder = architecture.find("bert") != std::string_view::npos ||
                       architecture.find("roberta") != std::string_view::npos ||
                       architecture == "t5encoder" || architecture == "llama-embed" ||
                       ends_with(architecture, "-embedding");
  // Decoders that were trained to embed (Qwen3-Embedding) say how they pool.
  return encoder || pooling > kPoolingNone ? Task::text_embeddings : Task::text_generation;
}

GgufSummary Reader::summary() {
  summary_.task = guess_task();
  const auto sees = numbers_.find(kHasVisionEncoder);
  summary_.projects_pictures =
      summary_.architecture == "clip" && sees != numbers_.end() && sees->second != 0;
  summary_.context_tokens =
      std::max<std::int64_t>(0, of_architecture("context_length").value_or(0));
  const std::int64_t width = of_architecture("embedding_length").value_or(0);
  if (width > 0 && width <= 1'000'000) summary_.dimensions = static_cast<std::int32_t>(width);
  const auto heads = [this](std::string_view name) {
    const std::int64_t count = of_architecture(name).value_or(0);
    return count > 0 && count <= 65'536 ? static_cast<std::uint32_t>(count) : 0;
  };
  summary_.heads = heads("attention.head_count");
  summary_.kv_heads = heads("attention.head_count_kv");
  if (summary_.kv_heads == 0) summary_.kv_heads = summary_.heads;
  summary_.name = utf8::repaired(summary_.name);
  summary_.name.resize(utf8::floor_boundary(summary_.name, 256));
  return summary_;
}

}  // namespace

Result<GgufSummary> check_gguf(const std::filesystem::path& file) {
  SEL_TRY(cursor, GgufCursor::open(file, kHeaderBytesMax));
  Reader reader(std::move(cursor));
  const std::string wrong = reader.run();
  if (!wrong.empty()) {
    return Error{Code::file_invalid,
                 "\"" + file.filename().string() + "\" is not a usable GGUF file: " + wrong};
  }
  return reader.summary();
}

}  // namespace selvedge::catalog
