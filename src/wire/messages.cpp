// Frame codec: messages to bytes and back; see docs/formats/frames.md.
#include "wire/messages.h"

#include <algorithm>
#include <array>
#include <bit>
#include <concepts>
#include <cstring>
#include <limits>
#include <tuple>
#include <type_traits>
#include <utility>

namespace selvedge::wire {
namespace {

static_assert(std::endian::native == std::endian::little,
              "numbers are copied as they lie in memory");
static_assert(sizeof(float) == 4 && sizeof(double) == 8);

template <class M, class T>
concept Is = std::same_as<std::remove_const_t<M>, T>;

// The fields of each message in wire order, once for both directions. A new field goes last.
auto fields(Is<InlinePicture> auto& m) { return std::tie(m.at, m.bytes); }
auto fields(Is<ChatMessage> auto& m) {
  return std::tie(m.role, m.content, m.tool_calls, m.tool_call_id, m.name, m.reasoning, m.pictures);
}
auto fields(Is<ChatOptions> auto& m) {
  return std::tie(m.tools, m.tool_choice, m.parallel_tool_calls, m.json_schema, m.template_values,
                  m.parse_reasoning);
}
auto fields(Is<TokenBias> auto& m) { return std::tie(m.token, m.bias); }
auto fields(Is<Sampling> auto& m) {
  return std::tie(m.temperature, m.top_p, m.top_k, m.seed, m.has_seed, m.repetition_penalty,
                  m.frequency_penalty, m.presence_penalty, m.logit_bias, m.logprobs,
                  m.top_logprobs);
}
auto fields(Is<ModelPart> auto& m) { return std::tie(m.role, m.path); }
auto fields(Is<Load> auto& m) {
  return std::tie(m.model_path, m.kind, m.context_tokens, m.sequences_max, m.threads_max, m.parts);
}
auto fields(Is<Grant> auto& m) { return std::tie(m.threads); }
auto fields(Is<Generate> auto& m) {
  return std::tie(m.task, m.messages, m.prompt, m.raw, m.tokens_max, m.stop, m.sampling,
                  m.cut_to_window, m.window_tokens, m.chat, m.adapter);
}
auto fields(Is<Embed> auto& m) { return std::tie(m.task, m.texts, m.pooling); }
auto fields(Is<Tokenize> auto& m) { return std::tie(m.task, m.text); }
auto fields(Is<Cancel> auto& m) { return std::tie(m.task); }
auto fields(Is<Ping> auto& m) { return std::tie(m.number); }
auto fields(Is<Shutdown> auto&) { return std::tie(); }
auto fields(Is<LoadProgress> auto& m) { return std::tie(m.fraction); }
auto fields(Is<Loaded> auto& m) {
  return std::tie(m.architecture, m.name, m.context_tokens, m.training_context_tokens,
                  m.embedding_dimensions, m.vocabulary_tokens, m.has_chat_template, m.memory_bytes);
}
auto fields(Is<Granted> auto& m) { return std::tie(m.threads); }
auto fields(Is<TokenChoice> auto& m) { return std::tie(m.bytes, m.logprob); }
auto fields(Is<TokenLogprob> auto& m) { return std::tie(m.bytes, m.logprob, m.top); }
auto fields(Is<ToolCallDelta> auto& m) { return std::tie(m.index, m.id, m.name, m.arguments); }
auto fields(Is<Piece> auto& m) {
  return std::tie(m.task, m.text, m.tokens, m.logprobs, m.reasoning, m.tool_calls);
}
auto fields(Is<Finished> auto& m) {
  return std::tie(m.task, m.reason, m.prompt_tokens, m.cached_tokens, m.completion_tokens, m.stop);
}
auto fields(Is<Embeddings> auto& m) {
  return std::tie(m.task, m.dimensions, m.values, m.token_counts);
}
auto fields(Is<Tokens> auto& m) { return std::tie(m.task, m.ids, m.ends); }
auto fields(Is<Rank> auto& m) { return std::tie(m.task, m.query, m.texts); }
auto fields(Is<Ranks> auto& m) { return std::tie(m.task, m.scores, m.token_counts, m.labels); }
auto fields(Is<Transcribe> auto& m) {
  return std::tie(m.task, m.audio, m.language, m.translate, m.prompt, m.prefix, m.skip_silence,
                  m.beam_size, m.condition_on_previous_text, m.no_speech_threshold,
                  m.compression_ratio_threshold, m.log_prob_threshold, m.temperature);
}
auto fields(Is<SpokenWord> auto& m) { return std::tie(m.text, m.start_s, m.end_s); }
auto fields(Is<SpokenSegment> auto& m) {
  return std::tie(m.start_s, m.end_s, m.text, m.temperature, m.mean_logprob, m.compression_ratio,
                  m.no_speech_probability, m.words);
}
auto fields(Is<Transcript> auto& m) {
  return std::tie(m.task, m.language, m.language_probability, m.duration_s, m.duration_voiced_s,
                  m.segments, m.language_name);
}
auto fields(Is<Draw> auto& m) {
  return std::tie(m.task, m.prompt, m.negative_prompt, m.width, m.height, m.steps, m.guidance,
                  m.strength, m.seed, m.has_seed, m.image, m.mask, m.sampler, m.scheduler,
                  m.references);
}
auto fields(Is<Picture> auto& m) {
  return std::tie(m.task, m.width, m.height, m.pixels, m.seed, m.reference_sides);
}
auto fields(Is<Progress> auto& m) { return std::tie(m.task, m.done, m.total); }
auto fields(Is<AdapterMemory> auto& m) { return std::tie(m.bytes); }
auto fields(Is<Failed> auto& m) { return std::tie(m.task, m.code, m.message); }
auto fields(Is<Pong> auto& m) { return std::tie(m.number); }

template <class T>
concept Number = std::is_arithmetic_v<T> && !std::same_as<T, bool>;
template <class T>
concept Record = requires(T& value) { fields(value); };

constexpr std::uint8_t last_of(ModelKind) { return static_cast<std::uint8_t>(ModelKind::ranking); }
constexpr std::uint8_t last_of(Pooling) { return static_cast<std::uint8_t>(Pooling::cls); }
constexpr std::uint8_t last_of(FinishReason) {
  return static_cast<std::uint8_t>(FinishReason::cancelled);
}
constexpr std::uint8_t last_of(Code) { return static_cast<std::uint8_t>(Code::internal); }

// Bytes that one element takes at least: what makes a count believable.
template <class T>
constexpr std::size_t element_bytes_min() {
  if constexpr (Number<T>) return sizeof(T);
  if constexpr (std::same_as<T, ChatMessage> || std::same_as<T, InlinePicture>) return 8;
  if constexpr (std::same_as<T, TokenBias> || std::same_as<T, TokenChoice>) return 8;
  if constexpr (std::same_as<T, ModelPart>) return 8;
  if constexpr (std::same_as<T, TokenLogprob>) return 12;
  if constexpr (std::same_as<T, SpokenWord>) return 20;
  if constexpr (std::same_as<T, SpokenSegment>) return 56;
  return 4;
}

class Writer {
 public:
  explicit Writer(std::string& bytes) : bytes_(bytes) {}

  template <Number T>
  void put(T value) {
    copy(&value, sizeof value);
  }
  void put(bool value) { put(static_cast<std::uint8_t>(value ? 1 : 0)); }
  template <class T>
    requires std::is_enum_v<T>
  void put(T value) {
    put(static_cast<std::uint8_t>(value));
  }
  void put(const std::string& text) {
    put_count(text.size());
    bytes_.append(text);
  }
  template <class T>
  void put(const std::vector<T>& list) {
    put_count(list.size());
    if constexpr (Number<T>) {
      copy(list.data(), list.size() * sizeof(T));
    } else {
      for (const T& element : list) put(element);
    }
  }
  void put(const Record auto& record) {
    std::apply([&](const auto&... field) { (put(field), ...); }, fields(record));
  }

 private:
  void put_count(std::size_t count) {
    SEL_CHECK(count <= std::numeric_limits<std::uint32_t>::max());
    put(static_cast<std::uint32_t>(count));
  }
  void copy(const void* from, std::size_t size) {
    if (size != 0) bytes_.append(static_cast<const char*>(from), size);
  }

  std::string& bytes_;
};

// Each get() is false when the bytes do not hold such a value; nothing is allocated for a count
// that the remaining bytes cannot fill.
class Reader {
 public:
  explicit Reader(std::string_view bytes) : bytes_(bytes) {}

  bool at_end() const { return bytes_.empty(); }

  template <Number T>
  bool get(T& value) {
    return copy(&value, sizeof value);
  }
  bool get(bool& value) {
    std::uint8_t byte = 0;
    if (!get(byte) || byte > 1) return false;
    value = byte == 1;
    return true;
  }
  template <class T>
    requires std::is_enum_v<T>
  bool get(T& value) {
    std::uint8_t byte = 0;
    if (!get(byte) || byte > last_of(T{})) return false;
    value = static_cast<T>(byte);
    return true;
  }
  bool get(std::string& text) {
    std::size_t count = 0;
    if (!get_count(count, 1)) return false;
    text.assign(bytes_.substr(0, count));
    bytes_.remove_prefix(count);
    return true;
  }
  template <class T>
  bool get(std::vector<T>& list) {
    std::size_t count = 0;
    if (!get_count(count, element_bytes_min<T>())) return false;
    list.resize(count);
    if constexpr (Number<T>) {
      return copy(list.data(), count * sizeof(T));
    } else {
      for (T& element : list) {
        if (!get(element)) return false;
      }
      return true;
    }
  }
  bool get(Record auto& record) {
    return std::apply([&](auto&... field) { return (get(field) && ...); }, fields(record));
  }

 private:
  bool get_count(std::size_t& count, std::size_t element_bytes) {
    std::uint32_t stated = 0;
    if (!get(stated) || stated > bytes_.size() / element_bytes) return false;
    count = stated;
    return true;
  }
  bool copy(void* to, std::size_t size) {
    if (size > bytes_.size()) return false;
    if (size != 0) std::memcpy(to, bytes_.data(), size);
    bytes_.remove_prefix(size);
    return true;
  }

  std::string_view bytes_;
};

template <std::size_t Kind>
bool decode_kind(Reader& reader, Message& message) {
  return reader.get(message.emplace<Kind>());
}

template <std::size_t... Kinds>
constexpr auto decoders(std::index_sequence<Kinds...>) {
  return std::array<bool (*)(Reader&, Message&), sizeof...(Kinds)>{&decode_kind<Kinds>...};
}

constexpr auto kDecoders = decoders(std::make_index_sequence<std::variant_size_v<Message>>());

}  // namespace

Error window_exceeded(std::int64_t prompt_tokens, std::int64_t tokens_max,
                      std::int64_t window_tokens) {
  return Error{Code::context_overflow, "The estimated number of input and maximum output tokens (" +
                                           std::to_string(prompt_tokens + tokens_max) +
                                           ") exceeded this model context window limit (" +
                                           std::to_string(window_tokens) + ")."};
}

std::int32_t window_of(const Generate& task, std::int32_t model_tokens) {
  return task.window_tokens > 0 ? std::min(task.window_tokens, model_tokens) : model_tokens;
}

std::string encode(const Message& message) {
  std::string frame(kFrameHeaderBytes, '\0');
  Writer writer(frame);
  writer.put(static_cast<std::uint8_t>(message.index()));
  std::visit([&writer](const auto& one) { writer.put(one); }, message);
  const std::size_t body_bytes = frame.size() - kFrameHeaderBytes;
  SEL_CHECK(body_bytes <= std::numeric_limits<std::uint32_t>::max());
  const auto length = static_cast<std::uint32_t>(body_bytes);
  std::memcpy(frame.data(), &length, sizeof length);
  return frame;
}

Result<Message> decode(std::string_view body) {
  Reader reader(body);
  std::uint8_t kind = 0;
  if (!reader.get(kind)) return Error{Code::corrupt_data, "runner frame: empty"};
  if (kind >= kDecoders.size()) {
    return Error{Code::corrupt_data, "runner frame: unknown kind " + std::to_string(kind)};
  }
  Message message;
  if (!kDecoders[kind](reader, message)) {
    return Error{Code::corrupt_data, "runner frame of kind " + std::to_string(kind) +
                                         ": a field is cut off or out of range"};
  }
  if (!reader.at_end()) {
    return Error{Code::corrupt_data,
                 "runner frame of kind " + std::to_string(kind) + ": bytes after the last field"};
  }
  return message;
}

}  // namespace selvedge::wire
