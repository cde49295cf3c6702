// Messages between the server and a runner: one model, one socket pair, both directions.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/result.h"

namespace selvedge::wire {

// Names one task on one runner; chosen by the server, never reused while the runner lives. 0 names
// the model itself.
using TaskId = std::uint64_t;

enum class ModelKind : std::uint8_t { text_generation, embedding, speech, image, ranking };
enum class Pooling : std::uint8_t { mean, cls };
enum class FinishReason : std::uint8_t { stop, length, cancelled };

// A picture in the content of a message.
struct InlinePicture {
  std::uint32_t at = 0;  // Bytes of the content before it; those of a message in order.
  std::string bytes;     // Of a file: its format is found out.
};

struct ChatMessage {
  std::string role;  // system, user, assistant or tool; checked by the sender.
  std::string content;
  std::string tool_calls = {};  // Of the assistant: JSON [{"id","function":{"name","arguments"}}].
  std::string tool_call_id = {};             // Of a tool's turn: the call that it answers.
  std::string name = {};                     // The same: the tool's name.
  std::string reasoning = {};                // Of the assistant: what it thought before `content`.
  std::vector<InlinePicture> pictures = {};  // Of the user; the model must have a projector.
};

// What a conversation asks for beyond its messages. Texts of JSON are checked by the sender.
struct ChatOptions {
  std::string tools = {};        // [{"type":"function","function":{…}}]; empty = none.
  std::string tool_choice = {};  // auto (also when empty), required, or the name of one tool.
  bool parallel_tool_calls = true;
  std::string json_schema = {};      // The completion is JSON of this schema; empty = any text.
  std::string template_values = {};  // An object: variables for the chat template.
  bool parse_reasoning = false;      // Reasoning is told apart from the text, where there is any.

  friend bool operator==(const ChatOptions&, const ChatOptions&) = default;
};

// Added to a token's logit before anything else looks at it: -100 all but bans it, 100 all but
// forces it.
struct TokenBias {
  std::int32_t token = 0;
  float bias = 0;
};

// Ranges are checked by the sender; the runner clamps what would harm it.
struct Sampling {
  double temperature = 0.6;
  double top_p = 1.0;      // 1 = off
  std::int32_t top_k = 0;  // 0 = off
  std::uint64_t seed = 0;
  bool has_seed = false;  // Without one the runner draws a seed.
  double repetition_penalty = 1.0;
  double frequency_penalty = 0.0;
  double presence_penalty = 0.0;
  std::vector<TokenBias> logit_bias =
      {};                         // Tokens outside the vocabulary are refused by the runner.
  bool logprobs = false;          // Pieces carry their tokens.
  std::int32_t top_logprobs = 0;  // Alternatives told for each token, 0 to kTopLogprobsMax.
};
inline constexpr std::int32_t kTopLogprobsMax = 20;

// ---- server -> runner ----

// A further file of a model: "vae", "clip_l", "t5xxl", "projector" ...
struct ModelPart {
  std::string role;
  std::string path;
};

// First message on the wire. The runner answers Loaded or Failed{task 0}.
struct Load {
  std::string model_path;
  ModelKind kind = ModelKind::text_generation;
  std::int32_t context_tokens = 0;  // Per sequence; 0 = the model's own, bounded by the runner.
  std::int32_t sequences_max = 1;   // Sequences that run in one batch.
  std::int32_t threads_max = 1;     // Most threads a Grant will ever give.
  std::vector<ModelPart> parts = {};
};

// Threads the runner may compute with from its next step on; 0 = pause. Answered by Granted as soon
// as it holds. A runner starts with 0.
struct Grant {
  std::int32_t threads = 0;
};

struct Generate {
  TaskId task = 0;
  std::vector<ChatMessage>
      messages;        // Rendered by the model's own chat template, unless `raw` or empty.
  std::string prompt;  // Used when `messages` is empty: as one user message, or as is when `raw`.
  bool raw = false;
  std::int32_t tokens_max = 256;
  std::vector<std::string> stop;  // The completion ends before the first of these.
  Sampling sampling;
  // tokens_max is lowered to what the prompt leaves of the window; else such a task is refused.
  bool cut_to_window = false;
  std::int32_t window_tokens = 0;  // Held to this window if it is smaller than the model's; 0 = no.
  ChatOptions chat = {};           // Of `prompt` and `raw` only the schema counts.
  std::string adapter = {};        // Path of a LoRA adapter in GGUF, or empty.
};

// "The estimated number of input and maximum output tokens (n) exceeded …": context_overflow in the
// words of the hosted service, which clients take the numbers from.
Error window_exceeded(std::int64_t prompt_tokens, std::int64_t tokens_max,
                      std::int64_t window_tokens);

// The window of `task` on a model whose own is `model_tokens`.
std::int32_t window_of(const Generate& task, std::int32_t model_tokens);

// Answered by one Embeddings, rows in the order of `texts`, L2-normalised. Longer texts are cut at
// the window.
struct Embed {
  TaskId task = 0;
  std::vector<std::string> texts;
  Pooling pooling = Pooling::mean;
};

// Answered by Tokens. Control tokens are not parsed: the text is content.
struct Tokenize {
  TaskId task = 0;
  std::string text;
};

// Answered by Ranks: how well each text answers the query, or without one, how much of each label
// the text has. Query and text together are cut at the window.
struct Rank {
  TaskId task = 0;
  std::string query;
  std::vector<std::string> texts;
};

// Answered by Progress, any number of times, and one Transcript.
struct Transcribe {
  TaskId task = 0;
  std::string audio;           // The bytes of a file: its format is found out.
  std::string language;        // ISO 639-1; empty: found out.
  bool translate = false;      // Into English.
  std::string prompt;          // Text before the audio, for names and style.
  std::string prefix;          // With which the transcript of the first window begins.
  bool skip_silence = false;   // Only what a detector of voices takes for speech is transcribed.
  std::int32_t beam_size = 0;  // 0 = greedy.
  bool condition_on_previous_text = true;
  double no_speech_threshold = 0.6;
  double compression_ratio_threshold = 2.4;
  double log_prob_threshold = -1.0;
  double temperature = 0;  // Of the first attempt at a window; each further one has 0.2 more.
};

// Answered by Progress, any number of times, and one Picture.
struct Draw {
  TaskId task = 0;
  std::string prompt;
  std::string negative_prompt;
  std::int32_t width = 0;  // Pixels; 0 = of `image`, else the side that the model was trained for.
  std::int32_t height = 0;
  std::int32_t steps = 20;
  double guidance = 7.5;
  double strength = 1.0;  // How far a picture is drawn away from `image`: 0 to 1.
  std::uint64_t seed = 0;
  bool has_seed = false;  // Without one the runner draws a seed.
  std::string image;      // The bytes of a file to begin from, or empty.
  std::string mask;       // The bytes of a file: white is drawn anew, black stays; or empty.
  std::string sampler;    // As the engine names it, "lcm"; empty: what suits the model.
  std::string scheduler;  // The same, "sgm_uniform".
  std::vector<std::string> references;  // The bytes of files that the picture is to take up.
};

struct Cancel {
  TaskId task = 0;
};

struct Ping {
  std::uint64_t number = 0;
};

// The runner ends with exit code 0.
struct Shutdown {};

// ---- runner -> server ----

struct LoadProgress {
  float fraction = 0;
};

struct Loaded {
  std::string architecture;         // general.architecture, e.g. "llama".
  std::string name;                 // general.name, may be empty.
  std::int32_t context_tokens = 0;  // Per sequence, as granted.
  std::int32_t training_context_tokens = 0;
  std::int32_t embedding_dimensions = 0;
  std::int32_t vocabulary_tokens = 0;
  bool has_chat_template = false;
  std::uint64_t memory_bytes = 0;  // Resident after loading.
};

struct Granted {
  std::int32_t threads = 0;
};

// A token that could have stood in a place, and the natural logarithm of its probability: the
// log-softmax of the model's own logits, before bias, penalties and temperature. What is hopeless
// has kLogprobMin.
struct TokenChoice {
  std::string bytes;  // Possibly part of a character; control tokens by their name.
  float logprob = 0;
};
inline constexpr float kLogprobMin = -9999.0f;

// A token of the completion. The bytes of all tokens in a row are the completion's text, ill-formed
// sequences aside (the text has U+FFFD there); of a token that holds the beginning of a stop string
// only the bytes before it count.
struct TokenLogprob {
  std::string bytes;
  float logprob = 0;
  std::vector<TokenChoice> top = {};  // The likeliest first; as many as were asked for.
};

// What a piece adds to the `index`th tool call of the completion. The first one of a call has its
// name; the arguments in a row are the text of a JSON object.
struct ToolCallDelta {
  std::int32_t index = 0;
  std::string id = {};  // Where the model wrote one.
  std::string name = {};
  std::string arguments = {};

  friend bool operator==(const ToolCallDelta&, const ToolCallDelta&) = default;
};

// A piece of the completion: whole UTF-8 characters, possibly several tokens.
struct Piece {
  TaskId task = 0;
  std::string text;
  std::int32_t tokens = 0;
  std::vector<TokenLogprob> logprobs =
      {};  // Tokens whose text is sent with this piece; when asked for.
  std::string reasoning = {};
  std::vector<ToolCallDelta> tool_calls = {};
};

// The last message of a Generate that worked (or was cancelled).
struct Finished {
  TaskId task = 0;
  FinishReason reason = FinishReason::stop;
  std::int32_t prompt_tokens = 0;
  std::int32_t cached_tokens = 0;  // Of the prompt, not computed again.
  std::int32_t completion_tokens = 0;
  std::string stop = {};  // The stop string that ended it, if one did.
};

struct Embeddings {
  TaskId task = 0;
  std::int32_t dimensions = 0;
  std::vector<float> values;               // [texts x dimensions], row-major.
  std::vector<std::int32_t> token_counts;  // Per text, after the cut.
};

struct Tokens {
  TaskId task = 0;
  std::vector<std::int32_t> ids;
  std::vector<std::uint32_t>
      ends;  // Byte offset in the text where each token ends, never decreasing.
};

struct Ranks {
  TaskId task = 0;
  // [texts], or [texts x labels], row-major, of a model with labels: any finite number.
  std::vector<float> scores;
  std::vector<std::int32_t> token_counts;  // Per text or pair, after the cut.
  std::vector<std::string> labels;
};

// How far a task has come.
struct Progress {
  TaskId task = 0;
  std::int32_t done = 0;   // Steps of a picture, seconds of audio.
  std::int32_t total = 0;  // 0 = not known.
};

struct SpokenWord {
  std::string text;
  double start_s = 0;
  double end_s = 0;
};

struct SpokenSegment {
  double start_s = 0;
  double end_s = 0;
  std::string text;
  double temperature = 0;
  double mean_logprob = 0;
  double compression_ratio = 0;
  double no_speech_probability = 0;
  std::vector<SpokenWord> words = {};
};

struct Transcript {
  TaskId task = 0;
  std::string language;  // ISO 639-1.
  double language_probability = 0;
  double duration_s = 0;
  double duration_voiced_s = 0;  // Without what was skipped as silence.
  std::vector<SpokenSegment> segments;
  std::string language_name;  // "english".
};

struct Picture {
  TaskId task = 0;
  std::int32_t width = 0;
  std::int32_t height = 0;
  std::string pixels;  // [height x width x 3], red, green, blue.
  std::uint64_t seed = 0;
  // Width and height of each of the references, in turn.
  std::vector<std::int32_t> reference_sides;
};

// What the adapters that are loaded take, told when it changes.
struct AdapterMemory {
  std::uint64_t bytes = 0;
};

// Ends task `task` (0: the model could not be loaded; the runner exits).
struct Failed {
  TaskId task = 0;
  Code code = Code::internal;
  std::string message;
};

struct Pong {
  std::uint64_t number = 0;
};

using Message =
    std::variant<Load, Grant, Generate, Embed, Tokenize, Cancel, Ping, Shutdown, LoadProgress,
                 Loaded, Granted, Piece, Finished, Embeddings, Tokens, Failed, Pong, Rank, Ranks,
                 Transcribe, Transcript, Draw, Picture, Progress, AdapterMemory>;

// A frame is a 4-byte little-endian length (of what follows), one byte for the kind (the variant's
// index), and the fields in order: integers little-endian, strings and lists with a 4-byte count.
// See docs/formats/frames.md.
inline constexpr std::size_t kFrameHeaderBytes = 4;

// The whole frame, header included.
std::string encode(const Message& message);

// `body` is a frame without its 4-byte header. Errors: corrupt_data (unknown kind, short, long,
// count out of range).
Result<Message> decode(std::string_view body);

}  // namespace selvedge::wire
