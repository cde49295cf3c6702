// ScriptedEngine: hashes instead of weights.
#include "scripted_engine.h"

#include <algorithm>
#include <cctype>
#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <optional>
#include <thread>
#include <tuple>
#include <utility>

#include <nlohmann/json.hpp>
#include <unistd.h>

#include "engines/input_picture.h"
#include "engines/token_logprobs.h"
#include "text_units.h"

namespace selvedge::scripted {
namespace {

using nlohmann::ordered_json;
using std::chrono::milliseconds;

constexpr int kContextTokensDefault = 4096;
constexpr int kCompletionTokensDefault = 12;
constexpr int kVocabularyTokens = 30'000;
// A step sleeps no longer than this, so that frames are answered while a slow completion runs.
constexpr milliseconds kNap{2};

constexpr std::string_view kWords[] = {" thread", " cloth", " loom", " warp",   " weft", " edge",
                                       " weave",  " linen", " wool", " dye",    " bolt", " hem",
                                       " stitch", " spool", " yarn", " pattern"};

[[noreturn]] void hang() {
  while (true) ::pause();
}

int argument_in_name(std::string_view name, std::string_view key, int otherwise) {
  const std::size_t at = name.find(key);
  if (at == name.npos) return otherwise;
  return std::atoi(std::string(name.substr(at + key.size())).c_str());
}

std::string last_user_text(const wire::Generate& task) {
  if (task.messages.empty()) return task.prompt;
  for (auto message = task.messages.rbegin(); message != task.messages.rend(); ++message) {
    if (message->role == "user") return message->content;
  }
  return {};
}

// The content, a picture as [picture 8x8], or what it is instead.
std::string shown_content(const wire::ChatMessage& message) {
  std::string text;
  std::size_t at = 0;
  for (const wire::InlinePicture& picture : message.pictures) {
    text += message.content.substr(at, picture.at - at);
    at = picture.at;
    const auto read =
        engines::decode_picture(picture.bytes, engines::PictureUse::colours, "picture");
    text += read.ok() ? "[picture " + std::to_string(read->width) + "x" +
                            std::to_string(read->height) + "]"
                      : "[" + read.error().message + "]";
  }
  return text + message.content.substr(at);
}

std::string received_text(const wire::Generate& task) {
  if (task.messages.empty()) return task.prompt;
  std::string text;
  for (const wire::ChatMessage& message : task.messages) {
    text += message.role;
    if (!message.name.empty()) text += " " + message.name;
    if (!message.tool_call_id.empty()) text += " (" + message.tool_call_id + ")";
    text += ": " + shown_content(message);
    if (!message.reasoning.empty()) text += " [thought " + message.reasoning + "]";
    if (!message.tool_calls.empty()) text += " [calls " + message.tool_calls + "]";
    text += "\n";
  }
  return text;
}

std::string short_number(double value) {
  char text[32];
  std::snprintf(text, sizeof text, "%g", value);
  return text;
}

std::string sampling_text(const wire::Generate& task) {
  const wire::Sampling& sampling = task.sampling;
  std::string text = "temperature " + short_number(sampling.temperature) + ", top_p " +
                     short_number(sampling.top_p) + ", top_k " + std::to_string(sampling.top_k) +
                     ", repetition_penalty " + short_number(sampling.repetition_penalty) +
                     ", frequency_penalty " + short_number(sampling.frequency_penalty) +
                     ", presence_penalty " + short_number(sampling.presence_penalty) +
                     ", max_tokens " + std::to_string(task.tokens_max);
  if (sampling.has_seed) text += ", seed " + std::to_string(sampling.seed);
  for (const wire::TokenBias& one : sampling.logit_bias) {
    text += ", bias " + std::to_string(one.token) + " " + short_number(one.bias);
  }
  if (sampling.logprobs) text += ", top_logprobs " + std::to_string(sampling.top_logprobs);
  if (!task.adapter.empty()) text += ", lora";
  if (!task.stop.empty()) text += ", stop " + std::to_string(task.stop.size());
  return text;
}

std::string options_text(const wire::Generate& task) {
  const wire::ChatOptions& chat = task.chat;
  std::string text = "tools " + (chat.tools.empty() ? "none" : chat.tools);
  text += ", choice " + (chat.tool_choice.empty() ? "auto" : chat.tool_choice);
  text += chat.parallel_tool_calls ? ", parallel" : ", one at a time";
  text += ", schema " + (chat.json_schema.empty() ? "none" : chat.json_schema);
  text += ", values " + (chat.template_values.empty() ? "none" : chat.template_values);
  return text + (chat.parse_reasoning ? ", reasoning apart" : ", reasoning in the text");
}

// The smallest value that meets a plain schema.
ordered_json smallest(const ordered_json& schema) {
  const auto list = [&schema](const char* name) {
    const bool there = schema.contains(name) && schema[name].is_array() && !schema[name].empty();
    return there ? schema[name] : ordered_json(ordered_json::array());
  };
  if (schema.contains("const")) return schema["const"];
  if (!list("enum").empty()) return list("enum")[0];
  for (const char* any : {"anyOf", "oneOf"}) {
    if (!list(any).empty()) return smallest(list(any)[0]);
  }
  const bool typed = schema.contains("type") && schema["type"].is_string();
  const std::string type = typed ? schema["type"].get<std::string>() : "object";
  if (type == "string") return "";
  if (type == "integer" || type == "number")
    return schema.contains("minimum") ? schema["minimum"] : ordered_json(0);
  if (type == "boolean") return false;
  if (type == "null") return nullptr;
  if (type == "array") return ordered_json::array();
  ordered_json object = ordered_json::object();
  for (const auto& name : list("required")) {
    if (!name.is_string()) continue;
    const auto key = name.get<std::string>();
    const bool known = schema.contains("properties") && schema["properties"].contains(key);
    object[key] = known ? smallest(schema["properties"][key]) : ordered_json();
  }
  return object;
}

bool after_a_tool(const wire::Generate& task) {
  return !task.messages.empty() && task.messages.back().role == "tool";
}

// The calls that the words, or the choice of a tool, ask for: name and arguments.
std::vector<std::pair<std::string, std::string>> calls_of(const wire::Generate& task,
                                                          const Script& script) {
  std::vector<std::pair<std::string, std::string>> calls;
  if (task.chat.tools.empty() || after_a_tool(task)) return calls;
  for (const std::string& call : script.calls) {
    const std::size_t space = std::min(call.find(' '), call.size());
    calls.emplace_back(call.substr(0, space), space == call.size() ? "{}" : call.substr(space + 1));
  }
  const std::string& choice = task.chat.tool_choice;
  if (!calls.empty() || choice.empty() || choice == "auto") return calls;
  for (const auto& tool : ordered_json::parse(task.chat.tools)) {
    const auto& function = tool["function"];
    if (choice != "required" && function["name"] != choice) continue;
    calls.emplace_back(function["name"], smallest(function["parameters"]).dump());
    break;
  }
  return calls;
}

std::int32_t token_id(std::string_view unit) {
  return static_cast<std::int32_t>(text_hash(without_spaces(unit)) % kVocabularyTokens);
}

// The words that the biases leave; all of them when they leave none.
std::vector<std::string_view> drawable_words(const wire::Sampling& sampling) {
  constexpr float kDecisive = 50;
  std::vector<std::string_view> words(std::begin(kWords), std::end(kWords));
  for (const wire::TokenBias& one : sampling.logit_bias) {
    const auto is_it = [&](std::string_view word) { return token_id(word) == one.token; };
    if (one.bias <= -kDecisive) std::erase_if(words, is_it);
    const auto found = std::find_if(words.begin(), words.end(), is_it);
    if (one.bias >= kDecisive && found != words.end()) return {*found};
  }
  if (words.empty()) words.assign(std::begin(kWords), std::end(kWords));
  return words;
}

wire::TokenLogprob logprob_of(const std::string& token, std::int32_t top_logprobs) {
  constexpr float kDrawn = -0.25f;
  wire::TokenLogprob told{token, kDrawn, {}};
  const auto count = static_cast<std::size_t>(std::clamp(top_logprobs, 0, wire::kTopLogprobsMax));
  if (count > 0) told.top.push_back({token, kDrawn});
  for (std::size_t at = 0; told.top.size() < count; ++at) {
    std::string other =
        at < std::size(kWords) ? std::string(kWords[at]) : " word" + std::to_string(at);
    if (other == token) continue;
    told.top.push_back({std::move(other), -1.0f - static_cast<float>(told.top.size())});
  }
  return told;
}

std::vector<std::string> tokens_of(const wire::Generate& task, const Script& script,
                                   const std::string& user_text) {
  std::optional<std::string> text = script.say;
  if (script.echo) text = received_text(task);
  if (script.sampling) text = sampling_text(task);
  if (script.options) text = options_text(task);
  if (!text && after_a_tool(task)) text = "The tool said: " + task.messages.back().content;
  if (!text && !task.chat.json_schema.empty()) {
    text = smallest(ordered_json::parse(task.chat.json_schema)).dump();
  }
  if (script.think && !task.chat.parse_reasoning) {
    text = "<think>" + *script.think + "</think>" + text.value_or("");
  }
  std::vector<std::string> tokens;
  if (text) {
    if (script.bytes) {
      for (const char byte : *text) tokens.emplace_back(1, byte);
    } else {
      for (const std::string_view unit : text_units(*text)) tokens.emplace_back(unit);
    }
    if (script.tokens) tokens.resize(static_cast<std::size_t>(std::max(0, *script.tokens)), "…");
    return tokens;
  }
  const int count = std::max(0, script.tokens.value_or(kCompletionTokensDefault));
  std::uint64_t state = text_hash(user_text, task.sampling.has_seed ? task.sampling.seed + 1 : 0);
  const std::vector<std::string_view> words = drawable_words(task.sampling);
  for (int at = 0; at < count; ++at) {
    state = state * 6364136223846793005u + 1442695040888963407u;
    const std::string_view word = words[(state >> 60) % words.size()];
    tokens.emplace_back(at == 0 ? word.substr(1) : word);
  }
  return tokens;
}

// How often each word stands in `text`.
std::map<std::string, int> words_of(std::string_view text) {
  std::map<std::string, int> words;
  for (const std::string_view unit : text_units(text)) {
    std::string word(without_spaces(unit));
    for (char& c : word) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    if (!word.empty()) ++words[word];
  }
  return words;
}

wire::Ranks ranks_of(const wire::Rank& task) {
  wire::Ranks ranks;
  ranks.task = task.task;
  const auto asked = words_of(task.query);
  if (task.query.empty()) ranks.labels = {"NEGATIVE", "POSITIVE"};
  for (const std::string& text : task.texts) {
    auto words = words_of(text);
    const std::size_t tokens = text_units(task.query).size() + text_units(text).size() + 3;
    ranks.token_counts.push_back(static_cast<std::int32_t>(tokens));
    if (task.query.empty()) {
      ranks.scores.push_back(4.0f * static_cast<float>(words["bad"]));
      ranks.scores.push_back(4.0f * static_cast<float>(words["good"]));
      continue;
    }
    float score = -1;
    for (const auto& [word, count] : asked) score += words.contains(word) ? 2.0f : 0.0f;
    ranks.scores.push_back(score);
  }
  return ranks;
}

wire::Picture picture_of(const wire::Draw& draw) {
  constexpr std::int32_t kBlockSide = 8;
  std::uint64_t origin = text_hash(draw.prompt, draw.seed + 1);
  for (const std::string* other : {&draw.negative_prompt, &draw.image, &draw.mask}) {
    if (!other->empty()) origin = text_hash(*other, origin);
  }
  for (const std::string& reference : draw.references) origin = text_hash(reference, origin);
  wire::Picture picture{draw.task, draw.width, draw.height, {}, draw.seed, {}};
  for (const std::string& reference : draw.references) {
    const auto read = engines::decode_picture(reference, engines::PictureUse::colours, "reference");
    if (read.ok()) {
      picture.reference_sides.insert(picture.reference_sides.end(), {read->width, read->height});
    }
  }
  const auto pixels = static_cast<std::size_t>(draw.width) * static_cast<std::size_t>(draw.height);
  picture.pixels.reserve(pixels * 3);
  for (std::int32_t row = 0; row < draw.height; ++row) {
    for (std::int32_t column = 0; column < draw.width; ++column) {
      const auto block = static_cast<std::uint64_t>(row / kBlockSide) * 1'000'003 +
                         static_cast<std::uint64_t>(column / kBlockSide);
      const std::uint64_t colour = (origin ^ block) * 6364136223846793005u;
      for (const int shift : {56, 48, 40}) {
        picture.pixels += static_cast<char>(static_cast<unsigned char>(colour >> shift));
      }
    }
  }
  return picture;
}

}  // namespace

ModelScript parse_model_script(std::string_view file_name, std::string_view content) {
  ModelScript script;
  const auto asked = [&](std::string_view name) {
    return file_name.find(name) != file_name.npos || command(content, name).has_value();
  };
  const auto number = [&](const char* name, int otherwise) {
    if (const auto argument = command(content, name)) return std::atoi(argument->c_str());
    return argument_in_name(file_name, std::string(name) + "-", otherwise);
  };
  script.fail = asked("fail-load");
  script.crash = asked("crash-load");
  script.hang = asked("hang-load");
  script.slow_ms = number("slow-load", 0);
  script.dimensions = std::max(1, number("dimensions", script.dimensions));
  script.context_tokens = std::max(0, number("context", 0));
  return script;
}

// A running task of either kind.
struct ScriptedEngine::Sequence {
  wire::TaskId task = 0;
  Script script;
  Clock::time_point due;
  std::optional<wire::Embed> embed;
  std::optional<wire::Rank> rank;
  std::optional<wire::Transcribe> transcribe;
  std::optional<wire::Draw> draw;
  std::vector<std::string> tokens;
  std::size_t next = 0;
  std::deque<wire::Piece> before;  // What is thought.
  std::deque<wire::Piece> after;   // What is called.
  std::int32_t others = 0;         // Of these pieces, sent.
  engines::CompletionText text{{}};
  std::int32_t tokens_max = 0;
  std::int32_t prompt_tokens = 0;
  std::int32_t unsent_tokens = 0;
  bool logprobs = false;
  std::int32_t top_logprobs = 0;
  engines::UnsentLogprobs unsent_logprobs;
};

ScriptedEngine::ScriptedEngine(const wire::Load& load, const ModelScript& model)
    : kind_(load.kind),
      context_tokens_(model.context_tokens > 0  ? model.context_tokens
                      : load.context_tokens > 0 ? load.context_tokens
                                                : kContextTokensDefault),
      sequences_max_(static_cast<std::size_t>(std::max(1, load.sequences_max))),
      dimensions_(model.dimensions) {}

ScriptedEngine::~ScriptedEngine() = default;

void ScriptedEngine::set_threads(std::int32_t) {}

Status ScriptedEngine::start_generate(wire::Generate task) {
  if (kind_ != wire::ModelKind::text_generation) {
    return Error{Code::model_unsupported, "scripted model: makes no text"};
  }
  auto sequence = std::make_unique<Sequence>();
  sequence->task = task.task;
  const std::string user_text = last_user_text(task);
  sequence->script = parse_script(user_text);
  sequence->tokens_max = std::max(1, task.tokens_max);
  sequence->prompt_tokens = static_cast<std::int32_t>(text_units(received_text(task)).size());
  const std::int32_t window_tokens = wire::window_of(task, context_tokens_);
  if (task.cut_to_window && sequence->prompt_tokens < window_tokens) {
    sequence->tokens_max = std::min(sequence->tokens_max, window_tokens - sequence->prompt_tokens);
  }
  if (sequence->prompt_tokens + sequence->tokens_max > window_tokens) {
    return wire::window_exceeded(sequence->prompt_tokens, sequence->tokens_max, window_tokens);
  }
  for (const wire::TokenBias& one : task.sampling.logit_bias) {
    if (one.token >= 0 && one.token < kVocabularyTokens) continue;
    return Error{Code::invalid_input, "logit_bias: there is no token " + std::to_string(one.token) +
                                          "; the last one is " +
                                          std::to_string(kVocabularyTokens - 1)};
  }
  sequence->logprobs = task.sampling.logprobs;
  sequence->top_logprobs = task.sampling.top_logprobs;
  const auto calls = calls_of(task, sequence->script);
  if (calls.empty() || sequence->script.say) {
    sequence->tokens = tokens_of(task, sequence->script, user_text);
  }
  add_pieces(task, calls, *sequence);
  sequence->text = engines::CompletionText(std::move(task.stop));
  sequence->due = Clock::now() + milliseconds(sequence->script.delay_ms);
  sequences_.push_back(std::move(sequence));
  return ok_status();
}

Status ScriptedEngine::start_embed(wire::Embed task) {
  if (kind_ != wire::ModelKind::embedding) {
    return Error{Code::model_unsupported, "scripted model: makes no embeddings"};
  }
  auto sequence = std::make_unique<Sequence>();
  sequence->task = task.task;
  std::string all;
  for (const std::string& text : task.texts) all += text;
  sequence->script = parse_script(all);
  sequence->due = Clock::now() + milliseconds(sequence->script.delay_ms);
  sequence->embed = std::move(task);
  sequences_.push_back(std::move(sequence));
  return ok_status();
}

Status ScriptedEngine::start_rank(wire::Rank task) {
  if (kind_ != wire::ModelKind::ranking) {
    return Error{Code::model_unsupported, "scripted model: ranks no texts"};
  }
  auto sequence = std::make_unique<Sequence>();
  sequence->task = task.task;
  std::string all = task.query;
  for (const std::string& text : task.texts) all += text;
  sequence->script = parse_script(all);
  sequence->due = Clock::now() + milliseconds(sequence->script.delay_ms);
  sequence->rank = std::move(task);
  sequences_.push_back(std::move(sequence));
  return ok_status();
}

Status ScriptedEngine::start_transcribe(wire::Transcribe task) {
  if (kind_ != wire::ModelKind::speech) {
    return Error{Code::model_unsupported, "scripted model: transcribes nothing"};
  }
  if (task.audio.empty() || task.audio.starts_with("no audio")) {
    return Error{Code::invalid_input, "audio: no format that is read here"};
  }
  auto sequence = std::make_unique<Sequence>();
  sequence->task = task.task;
  sequence->script = parse_script(task.audio);
  sequence->due = Clock::now() + milliseconds(sequence->script.delay_ms);
  sequence->transcribe = std::move(task);
  sequences_.push_back(std::move(sequence));
  return ok_status();
}

Status ScriptedEngine::start_draw(wire::Draw task) {
  if (kind_ != wire::ModelKind::image) {
    return Error{Code::model_unsupported, "scripted model: draws no pictures"};
  }
  for (const auto& [bytes, use, name] :
       {std::tuple(&task.image, engines::PictureUse::colours, "image"),
        std::tuple(&task.mask, engines::PictureUse::mask, "mask")}) {
    if (bytes->empty()) continue;
    SEL_TRY(picture, engines::decode_picture(*bytes, use, name));
    if (task.width == 0) task.width = picture.width;
    if (task.height == 0) task.height = picture.height;
  }
  constexpr std::int32_t kSideDefault = 64;
  if (task.width <= 0) task.width = kSideDefault;
  if (task.height <= 0) task.height = kSideDefault;
  for (std::size_t at = 0; at < task.references.size(); ++at) {
    SEL_CHECK_OK(engines::decode_picture(task.references[at], engines::PictureUse::colours,
                                         "input_image_" + std::to_string(at)));
  }
  if (!task.has_seed) task.seed = 1;
  auto sequence = std::make_unique<Sequence>();
  sequence->task = task.task;
  sequence->script = parse_script(task.prompt);
  sequence->due = Clock::now() + milliseconds(sequence->script.delay_ms);
  sequence->draw = std::move(task);
  sequences_.push_back(std::move(sequence));
  return ok_status();
}

Result<wire::Tokens> ScriptedEngine::tokenize(const wire::Tokenize& task) {
  wire::Tokens tokens;
  tokens.task = task.task;
  for (const std::string_view unit : text_units(task.text)) {
    tokens.ids.push_back(token_id(unit));
    const auto end = unit.data() + unit.size() - task.text.data();
    tokens.ends.push_back(static_cast<std::uint32_t>(end));
  }
  return tokens;
}

void ScriptedEngine::cancel(wire::TaskId task, std::vector<wire::Message>& events) {
  const auto found = std::find_if(sequences_.begin(), sequences_.end(),
                                  [task](const auto& one) { return one->task == task; });
  if (found == sequences_.end()) return;
  const Sequence& sequence = **found;
  if (sequence.embed || sequence.rank || sequence.transcribe || sequence.draw) {
    events.push_back(wire::Failed{task, Code::cancelled, "cancelled"});
  } else {
    events.push_back(wire::Finished{task, wire::FinishReason::cancelled, sequence.prompt_tokens, 0,
                                    static_cast<std::int32_t>(sequence.next)});
  }
  sequences_.erase(found);
}

bool ScriptedEngine::has_work() const { return !sequences_.empty(); }

Status ScriptedEngine::step(std::vector<wire::Message>& events) {
  const auto now = Clock::now();
  const std::size_t running = std::min(sequences_.size(), sequences_max_);
  bool advanced = false;
  for (std::size_t at = 0; at < running; ++at) {
    std::unique_ptr<Sequence>& sequence = sequences_[at];
    if (sequence->due > now) continue;
    advanced = true;
    if (!advance(*sequence, events)) sequence.reset();
  }
  std::erase(sequences_, nullptr);
  if (!advanced) std::this_thread::sleep_for(kNap);
  return ok_status();
}

// One token (or the embedding); false when the task has ended.
bool ScriptedEngine::advance(Sequence& sequence, std::vector<wire::Message>& events) {
  const Script& script = sequence.script;
  const auto made = static_cast<std::int32_t>(sequence.next);
  if (script.crash_after && made >= *script.crash_after) std::abort();
  if (script.hang_after && made >= *script.hang_after) hang();
  if (script.exit) ::_exit(3);
  if (script.fail) {
    events.push_back(wire::Failed{sequence.task, *script.fail, "failed as scripted"});
    return false;
  }
  if (sequence.embed) {
    events.push_back(embeddings_of(*sequence.embed));
    return false;
  }
  if (sequence.rank) {
    events.push_back(ranks_of(*sequence.rank));
    return false;
  }
  if (sequence.transcribe) return advance_transcription(sequence, events);
  if (sequence.draw) return advance_drawing(sequence, events);
  if (send_other(sequence, sequence.before, events)) return true;
  if (sequence.next >= sequence.tokens.size() && send_other(sequence, sequence.after, events)) {
    return true;
  }
  const bool more = sequence.next < sequence.tokens.size() && made < sequence.tokens_max;
  std::string text;
  if (more) {
    const std::string& token = sequence.tokens[sequence.next++];
    text = sequence.text.add(token);
    if (sequence.logprobs) {
      sequence.unsent_logprobs.add(logprob_of(token, sequence.top_logprobs));
    }
    ++sequence.unsent_tokens;
    sequence.due += milliseconds(script.delay_ms);
  }
  const bool stopped = sequence.text.stopped();
  const bool ended = stopped || (sequence.next >= sequence.tokens.size() && sequence.after.empty());
  const bool full = static_cast<std::int32_t>(sequence.next) >= sequence.tokens_max;
  if (ended || full) text += sequence.text.finish();
  const std::size_t sent_bytes = sequence.text.sent_bytes();
  auto logprobs = ended || full ? sequence.unsent_logprobs.finish(sent_bytes)
                                : sequence.unsent_logprobs.take(sent_bytes);
  if (!text.empty() || !logprobs.empty()) {
    events.push_back(wire::Piece{sequence.task, text, std::exchange(sequence.unsent_tokens, 0),
                                 std::move(logprobs)});
  }
  if (!ended && !full) return true;
  events.push_back(wire::Finished{
      sequence.task, ended ? wire::FinishReason::stop : wire::FinishReason::length,
      sequence.prompt_tokens, 0, static_cast<std::int32_t>(sequence.next) + sequence.others,
      sequence.text.stop()});
  return false;
}

// Reasoning and calls, unit by unit.
void ScriptedEngine::add_pieces(const wire::Generate& task,
                                const std::vector<std::pair<std::string, std::string>>& calls,
                                Sequence& sequence) {
  if (sequence.script.think && task.chat.parse_reasoning) {
    for (const std::string_view unit : text_units(*sequence.script.think)) {
      wire::Piece piece{task.task, "", 1};
      piece.reasoning = unit;
      sequence.before.push_back(std::move(piece));
    }
  }
  for (std::size_t at = 0; at < calls.size(); ++at) {
    if (at > 0 && !task.chat.parallel_tool_calls) break;
    const auto index = static_cast<std::int32_t>(at);
    wire::Piece first{task.task, "", 1};
    first.tool_calls = {{index, "", calls[at].first, ""}};
    sequence.after.push_back(std::move(first));
    for (const std::string_view unit : text_units(calls[at].second)) {
      wire::Piece piece{task.task, "", 1};
      piece.tool_calls = {{index, "", "", std::string(unit)}};
      sequence.after.push_back(std::move(piece));
    }
  }
}

// False when there is none left.
bool ScriptedEngine::send_other(Sequence& sequence, std::deque<wire::Piece>& pieces,
                                std::vector<wire::Message>& events) {
  if (pieces.empty()) return false;
  events.push_back(std::move(pieces.front()));
  pieces.pop_front();
  ++sequence.others;
  sequence.due += milliseconds(sequence.script.delay_ms);
  return true;
}

// One step, or the picture; false when it is drawn.
bool ScriptedEngine::advance_drawing(Sequence& sequence, std::vector<wire::Message>& events) {
  const wire::Draw& draw = *sequence.draw;
  const auto done = static_cast<std::int32_t>(sequence.next);
  events.push_back(wire::Progress{sequence.task, done, draw.steps});
  if (done < draw.steps) {
    ++sequence.next;
    sequence.due += milliseconds(sequence.script.delay_ms);
    return true;
  }
  events.push_back(picture_of(draw));
  return false;
}

// With a delay half of it is told first; false when it is whole.
bool ScriptedEngine::advance_transcription(Sequence& sequence, std::vector<wire::Message>& events) {
  constexpr std::int32_t kSteps = 2;
  wire::Transcript transcript = transcript_of(*sequence.transcribe, sequence.script);
  const auto seconds = static_cast<std::int32_t>(std::lround(transcript.duration_s));
  const auto done = static_cast<std::int32_t>(sequence.next);
  if (sequence.script.delay_ms > 0 && done < kSteps) {
    events.push_back(wire::Progress{sequence.task, seconds * done / kSteps, seconds});
    ++sequence.next;
    sequence.due += milliseconds(sequence.script.delay_ms);
    return true;
  }
  events.push_back(wire::Progress{sequence.task, seconds, seconds});
  events.push_back(std::move(transcript));
  return false;
}

wire::Embeddings ScriptedEngine::embeddings_of(const wire::Embed& task) const {
  const auto dimensions = static_cast<std::size_t>(dimensions_);
  wire::Embeddings answer;
  answer.task = task.task;
  answer.dimensions = dimensions_;
  answer.values.assign(task.texts.size() * dimensions, 0.0f);
  for (std::size_t row = 0; row < task.texts.size(); ++row) {
    float* values = answer.values.data() + row * dimensions;
    const auto units = text_units(task.texts[row]);
    for (const std::string_view unit : units) {
      const std::string_view word = without_spaces(unit);
      if (word.empty()) continue;
      const std::uint64_t hash = text_hash(word, task.pooling == wire::Pooling::cls ? 1 : 0);
      values[hash % dimensions] += (hash >> 63) != 0 ? -1.0f : 1.0f;
    }
    double square = 0;
    for (std::size_t at = 0; at < dimensions; ++at) {
      square += static_cast<double>(values[at]) * static_cast<double>(values[at]);
    }
    if (square == 0) values[0] = 1;
    const auto scale = static_cast<float>(square == 0 ? 1.0 : 1.0 / std::sqrt(square));
    for (std::size_t at = 0; at < dimensions; ++at) values[at] *= scale;
    answer.token_counts.push_back(static_cast<std::int32_t>(units.size()) + 2);
  }
  return answer;
}

wire::Transcript ScriptedEngine::transcript_of(const wire::Transcribe& task, const Script& script) {
  constexpr double kBytesPerSecond = 32'000;
  constexpr double kWordSeconds = 0.25;
  wire::Transcript transcript;
  transcript.task = task.task;
  transcript.language = task.language.empty() ? "en" : task.language;
  transcript.language_name = transcript.language == "en" ? "english" : transcript.language;
  transcript.language_probability = task.language.empty() ? 0.5 : 1;
  transcript.duration_s = static_cast<double>(task.audio.size()) / kBytesPerSecond;
  transcript.duration_voiced_s = transcript.duration_s * (task.skip_silence ? 0.5 : 1);
  std::string text = script.say.value_or(std::to_string(task.audio.size()) + " bytes");
  if (script.echo) {
    text = std::string(task.translate ? "translate" : "transcribe") + ", language '" +
           task.language + "', prompt '" + task.prompt + "', prefix '" + task.prefix + "', beam " +
           std::to_string(task.beam_size) + ", temperature " + short_number(task.temperature) +
           ", thresholds " + short_number(task.no_speech_threshold) + ' ' +
           short_number(task.compression_ratio_threshold) + ' ' +
           short_number(task.log_prob_threshold) +
           (task.condition_on_previous_text ? "" : ", unconditioned");
  }
  wire::SpokenSegment segment;
  segment.text = " " + text;
  segment.mean_logprob = -0.25;
  segment.compression_ratio = 1;
  segment.no_speech_probability = 0.125;
  for (const std::string_view unit : text_units(text)) {
    const std::string_view word = without_spaces(unit);
    if (word.empty()) continue;
    segment.words.push_back({std::string(word), segment.end_s, segment.end_s + kWordSeconds});
    segment.end_s += kWordSeconds;
  }
  transcript.segments.push_back(std::move(segment));
  return transcript;
}

Result<engines::LoadedEngine> load_scripted_engine(const wire::Load& load,
                                                   const engines::LoadProgress& progress) {
  const std::filesystem::path path = load.model_path;
  std::ifstream file(path, std::ios::binary);
  std::string content(4096, '\0');
  file.read(content.data(), static_cast<std::streamsize>(content.size()));
  if (!file.is_open()) {
    return Error{Code::model_load_failed, "scripted model: no such file: " + path.string()};
  }
  content.resize(static_cast<std::size_t>(file.gcount()));
  const ModelScript script = parse_model_script(path.filename().string(), content);
  if (script.crash) std::abort();
  if (script.hang) hang();
  for (int step = 0; step <= 10; ++step) {
    if (!progress(static_cast<float>(step) / 10)) {
      return Error{Code::cancelled, "scripted model: the load was given up"};
    }
    std::this_thread::sleep_for(milliseconds(script.slow_ms / 10));
  }
  if (script.fail) {
    return Error{Code::model_load_failed,
                 "scripted model: " + path.filename().string() + ": fails as scripted"};
  }
  wire::Loaded facts;
  facts.architecture = "scripted";
  facts.name = path.filename().string();
  facts.training_context_tokens = kContextTokensDefault;
  facts.context_tokens = script.context_tokens > 0 ? script.context_tokens
                         : load.context_tokens > 0 ? load.context_tokens
                                                   : kContextTokensDefault;
  facts.embedding_dimensions = script.dimensions;
  facts.vocabulary_tokens = kVocabularyTokens;
  facts.has_chat_template = true;
  facts.memory_bytes = 8u << 20;
  return engines::LoadedEngine{std::make_unique<ScriptedEngine>(load, script), std::move(facts)};
}

}  // namespace selvedge::scripted
