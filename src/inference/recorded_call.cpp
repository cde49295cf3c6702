// Recorded call: writing leaves out what is as usual, reading trusts nothing.
#include "inference/recorded_call.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdint>
#include <initializer_list>
#include <limits>
#include <span>
#include <string_view>
#include <utility>

#include "base/base64.h"
#include "base/limits.h"
#include "base/sha256.h"
#include "base/utf8.h"
#include "http/gunzip.h"
#include "http/gzip.h"

namespace selvedge::inference {
namespace {

using nlohmann::json;

constexpr std::size_t kDimensionsMax = 65'536;
constexpr std::int64_t kToolCallsMax = 4'096;
constexpr std::int64_t kCountMax = std::numeric_limits<std::int32_t>::max();

// ---- writing ----

// JSON holds no ill-formed text; that of a token which is part of a character is a list of bytes.
json text_json(std::string_view text) {
  if (utf8::valid(text)) return std::string(text);
  json bytes = json::array();
  for (const char c : text) bytes.push_back(static_cast<unsigned char>(c));
  return bytes;
}

// The shortest decimal that reads back as the same float32.
json float_json(float value) {
  char text[32];
  const auto written = std::to_chars(text, text + sizeof text, value);
  double number = 0;
  std::from_chars(text, written.ptr, number);
  return static_cast<float>(number) == value ? number : static_cast<double>(value);
}

template <class T>
void put(json& object, const char* name, const T& value, const T& usual) {
  if (value != usual) object[name] = value;
}

json sampling_json(const wire::Sampling& sampling) {
  const wire::Sampling usual;
  json out = json::object();
  put(out, "temperature", sampling.temperature, usual.temperature);
  put(out, "top_p", sampling.top_p, usual.top_p);
  put(out, "top_k", sampling.top_k, usual.top_k);
  if (sampling.has_seed) out["seed"] = sampling.seed;
  put(out, "repetition_penalty", sampling.repetition_penalty, usual.repetition_penalty);
  put(out, "frequency_penalty", sampling.frequency_penalty, usual.frequency_penalty);
  put(out, "presence_penalty", sampling.presence_penalty, usual.presence_penalty);
  for (const wire::TokenBias& each : sampling.logit_bias) {
    out["logit_bias"].push_back({each.token, float_json(each.bias)});
  }
  if (sampling.logprobs) out["top_logprobs"] = sampling.top_logprobs;
  return out;
}

void put_text(json& object, const char* name, const std::string& text) {
  if (!text.empty()) object[name] = text_json(text);
}

json message_json(const wire::ChatMessage& message) {
  json out = {{"role", text_json(message.role)}, {"content", text_json(message.content)}};
  put_text(out, "tool_calls", message.tool_calls);
  put_text(out, "tool_call_id", message.tool_call_id);
  put_text(out, "name", message.name);
  put_text(out, "reasoning", message.reasoning);
  // By their sums: a recording names what was asked and keeps no pictures.
  for (const wire::InlinePicture& picture : message.pictures) {
    Sha256 hash;
    hash.add(picture.bytes);
    out["pictures"].push_back({{"at", picture.at}, {"sha256", hash.hex()}});
  }
  return out;
}

json chat_json(const wire::ChatOptions& chat) {
  const wire::ChatOptions usual;
  json out = json::object();
  put_text(out, "tools", chat.tools);
  put_text(out, "tool_choice", chat.tool_choice);
  put(out, "parallel_tool_calls", chat.parallel_tool_calls, usual.parallel_tool_calls);
  put_text(out, "json_schema", chat.json_schema);
  put_text(out, "template_values", chat.template_values);
  put(out, "parse_reasoning", chat.parse_reasoning, usual.parse_reasoning);
  return out;
}

json choice_json(const std::string& bytes, float logprob) {
  return {{"token", text_json(bytes)}, {"logprob", float_json(logprob)}};
}

json delta_json(const wire::ToolCallDelta& delta) {
  json out = {{"index", delta.index}};
  if (!delta.id.empty()) out["id"] = text_json(delta.id);
  if (!delta.name.empty()) out["name"] = text_json(delta.name);
  if (!delta.arguments.empty()) out["arguments"] = text_json(delta.arguments);
  return out;
}

json piece_json(const Piece& piece) {
  const bool plain = piece.reasoning.empty() && piece.tool_calls.empty();
  if (piece.logprobs.empty() && plain) return text_json(piece.text);
  json out = {{"text", text_json(piece.text)}};
  if (!piece.reasoning.empty()) out["reasoning"] = text_json(piece.reasoning);
  for (const wire::ToolCallDelta& each : piece.tool_calls) {
    out["tool_calls"].push_back(delta_json(each));
  }
  if (piece.logprobs.empty()) return out;
  json logprobs = json::array();
  for (const wire::TokenLogprob& each : piece.logprobs) {
    json token = choice_json(each.bytes, each.logprob);
    for (const wire::TokenChoice& choice : each.top) {
      token["top"].push_back(choice_json(choice.bytes, choice.logprob));
    }
    logprobs.push_back(std::move(token));
  }
  out["logprobs"] = std::move(logprobs);
  return out;
}

json usage_json(const Usage& usage) {
  return {{"prompt_tokens", usage.prompt_tokens},
          {"cached_tokens", usage.cached_tokens},
          {"completion_tokens", usage.completion_tokens}};
}

json error_json(const Error& error) {
  return {{"code", code_name(error.code)}, {"message", text_json(error.message)}};
}

std::string hash_text(std::string_view bytes) {
  Sha256 hash;
  hash.add(bytes);
  return hash.hex();
}

json outcome_json(const wire::Transcript& transcript) {
  json segments = json::array();
  for (const wire::SpokenSegment& each : transcript.segments) {
    json words = json::array();
    for (const wire::SpokenWord& word : each.words) {
      words.push_back(
          {{"text", text_json(word.text)}, {"start", word.start_s}, {"end", word.end_s}});
    }
    segments.push_back({{"text", text_json(each.text)},
                        {"start", each.start_s},
                        {"end", each.end_s},
                        {"temperature", each.temperature},
                        {"mean_logprob", each.mean_logprob},
                        {"compression_ratio", each.compression_ratio},
                        {"no_speech_probability", each.no_speech_probability},
                        {"words", std::move(words)}});
  }
  return {{"language", text_json(transcript.language)},
          {"language_name", text_json(transcript.language_name)},
          {"language_probability", transcript.language_probability},
          {"duration", transcript.duration_s},
          {"duration_voiced", transcript.duration_voiced_s},
          {"segments", std::move(segments)}};
}

json outcome_json(const wire::Picture& picture) {
  const std::string packed = http::gzip(picture.pixels);
  std::string text;
  append_base64(text, std::as_bytes(std::span(packed)));
  json out = {{"width", picture.width},
              {"height", picture.height},
              {"seed", picture.seed},
              {"pixels", std::move(text)}};
  if (!picture.reference_sides.empty()) out["reference_sides"] = picture.reference_sides;
  return out;
}

template <class Outcome>
json worked_json(const Worked<Outcome>& worked) {
  SEL_CHECK(worked.outcome.has_value() != worked.error.has_value());
  json answer =
      worked.outcome ? outcome_json(*worked.outcome) : json{{"error", error_json(*worked.error)}};
  for (const auto& step : worked.steps) answer["progress"].push_back({step.done, step.total});
  return answer;
}

// ---- reading ----

Error damaged(std::string_view what) { return Error{Code::corrupt_data, std::string(what)}; }

const json* member(const json& object, const char* name) {
  if (!object.is_object()) return nullptr;
  const auto found = object.find(name);
  return found == object.end() ? nullptr : &*found;
}

Result<std::string> read_text(const json* value, std::string_view what) {
  const Error error = damaged(std::string(what) + " is no text");
  if (value == nullptr) return error;
  if (value->is_string()) return value->get<std::string>();
  if (!value->is_array()) return error;
  std::string text;
  for (const json& byte : *value) {
    if (!byte.is_number_unsigned() || byte.get<std::uint64_t>() > 255) return error;
    text += static_cast<char>(byte.get<unsigned>());
  }
  return text;
}

Result<std::int64_t> read_count(const json* value, std::string_view what) {
  const bool fits = value != nullptr && value->is_number_unsigned() &&
                    value->get<std::uint64_t>() <= static_cast<std::uint64_t>(kCountMax);
  if (fits) return value->get<std::int64_t>();
  return damaged(std::string(what) + " is no count");
}

Result<float> read_float(const json* value, std::string_view what) {
  if (value != nullptr && value->is_number()) {
    const auto number = static_cast<float>(value->get<double>());
    if (std::isfinite(number)) return number;
  }
  return damaged(std::string(what) + " is no number");
}

Status read_double(const json& object, const char* name, double& into) {
  const json* value = member(object, name);
  if (value == nullptr || !value->is_number() || !std::isfinite(value->get<double>())) {
    return damaged(std::string(name) + " is no number");
  }
  into = value->get<double>();
  return ok_status();
}

Status read_whole_text(const json& object, const char* name, std::string& into) {
  SEL_TRY(text, read_text(member(object, name), name));
  if (!utf8::valid(text)) return damaged(std::string(name) + " is not whole characters");
  into = std::move(text);
  return ok_status();
}

Status read_word(const json& value, wire::SpokenWord& word) {
  SEL_CHECK_OK(read_whole_text(value, "text", word.text));
  SEL_CHECK_OK(read_double(value, "start", word.start_s));
  return read_double(value, "end", word.end_s);
}

Status read_segment(const json& value, wire::SpokenSegment& segment) {
  SEL_CHECK_OK(read_whole_text(value, "text", segment.text));
  SEL_CHECK_OK(read_double(value, "start", segment.start_s));
  SEL_CHECK_OK(read_double(value, "end", segment.end_s));
  SEL_CHECK_OK(read_double(value, "temperature", segment.temperature));
  SEL_CHECK_OK(read_double(value, "mean_logprob", segment.mean_logprob));
  SEL_CHECK_OK(read_double(value, "compression_ratio", segment.compression_ratio));
  SEL_CHECK_OK(read_double(value, "no_speech_probability", segment.no_speech_probability));
  const json* words = member(value, "words");
  if (words == nullptr || !words->is_array()) return damaged("`words` is no list");
  for (const json& each : *words) {
    SEL_CHECK_OK(read_word(each, segment.words.emplace_back()));
  }
  return ok_status();
}

Result<Usage> read_usage(const json* value) {
  if (value == nullptr) return damaged("`usage` is missing");
  SEL_TRY(prompt, read_count(member(*value, "prompt_tokens"), "usage.prompt_tokens"));
  SEL_TRY(cached, read_count(member(*value, "cached_tokens"), "usage.cached_tokens"));
  SEL_TRY(completion, read_count(member(*value, "completion_tokens"), "usage.completion_tokens"));
  return Usage{static_cast<std::int32_t>(prompt), static_cast<std::int32_t>(cached),
               static_cast<std::int32_t>(completion)};
}

Result<wire::TokenChoice> read_choice(const json& value) {
  SEL_TRY(bytes, read_text(member(value, "token"), "token"));
  SEL_TRY(logprob, read_float(member(value, "logprob"), "logprob"));
  return wire::TokenChoice{std::move(bytes), logprob};
}

Result<wire::TokenLogprob> read_logprob(const json& value) {
  SEL_TRY(own, read_choice(value));
  wire::TokenLogprob token{std::move(own.bytes), own.logprob};
  const json* top = member(value, "top");
  if (top == nullptr) return token;
  if (!top->is_array()) return damaged("`top` is no list");
  for (const json& each : *top) {
    SEL_TRY(choice, read_choice(each));
    token.top.push_back(std::move(choice));
  }
  return token;
}

// Empty where it is not there.
Result<std::string> read_optional_text(const json& object, const char* name) {
  const json* value = member(object, name);
  if (value == nullptr) return std::string();
  SEL_TRY(text, read_text(value, name));
  if (!utf8::valid(text)) return damaged(std::string(name) + " is not whole characters");
  return text;
}

Result<wire::ToolCallDelta> read_delta(const json& value) {
  SEL_TRY(index, read_count(member(value, "index"), "tool_calls.index"));
  if (index > kToolCallsMax) return damaged("tool_calls.index is too large");
  SEL_TRY(id, read_optional_text(value, "id"));
  SEL_TRY(name, read_optional_text(value, "name"));
  SEL_TRY(arguments, read_optional_text(value, "arguments"));
  return wire::ToolCallDelta{static_cast<std::int32_t>(index), std::move(id), std::move(name),
                             std::move(arguments)};
}

Result<Piece> read_piece(const json& value) {
  Piece piece;
  const json* logprobs = member(value, "logprobs");
  SEL_TRY(text, read_text(value.is_object() ? member(value, "text") : &value, "a piece"));
  if (!utf8::valid(text)) return damaged("a piece is not whole characters");
  piece.text = std::move(text);
  SEL_TRY(reasoning, read_optional_text(value, "reasoning"));
  piece.reasoning = std::move(reasoning);
  if (const json* calls = member(value, "tool_calls")) {
    if (!calls->is_array()) return damaged("`tool_calls` is no list");
    for (const json& each : *calls) {
      SEL_TRY(delta, read_delta(each));
      piece.tool_calls.push_back(std::move(delta));
    }
  }
  if (logprobs == nullptr) return piece;
  if (!logprobs->is_array()) return damaged("`logprobs` is no list");
  for (const json& each : *logprobs) {
    SEL_TRY(token, read_logprob(each));
    piece.logprobs.push_back(std::move(token));
  }
  return piece;
}

Result<wire::FinishReason> read_reason(const json* value) {
  if (value != nullptr && *value == "stop") return wire::FinishReason::stop;
  if (value != nullptr && *value == "length") return wire::FinishReason::length;
  return damaged("`finish` is neither stop nor length");
}

// The error that `answer` holds; ok where it holds none.
Result<std::optional<Error>> read_error(const json& answer) {
  const json* error = member(answer, "error");
  if (error == nullptr) return std::optional<Error>();
  SEL_TRY(name, read_text(member(*error, "code"), "error.code"));
  SEL_TRY(message, read_text(member(*error, "message"), "error.message"));
  for (int at = 0; at < kCodeCount; ++at) {
    const auto code = static_cast<Code>(at);
    if (name == code_name(code)) return std::optional<Error>(Error{code, std::move(message)});
  }
  return damaged("error.code is no code of this program");
}

Result<wire::Transcript> read_transcript(const json& answer) {
  wire::Transcript transcript;
  SEL_CHECK_OK(read_whole_text(answer, "language", transcript.language));
  SEL_CHECK_OK(read_whole_text(answer, "language_name", transcript.language_name));
  SEL_CHECK_OK(read_double(answer, "language_probability", transcript.language_probability));
  SEL_CHECK_OK(read_double(answer, "duration", transcript.duration_s));
  SEL_CHECK_OK(read_double(answer, "duration_voiced", transcript.duration_voiced_s));
  const json* segments = member(answer, "segments");
  if (segments == nullptr || !segments->is_array()) return damaged("`segments` is no list");
  for (const json& each : *segments) {
    SEL_CHECK_OK(read_segment(each, transcript.segments.emplace_back()));
  }
  return transcript;
}

// Exactly `bytes`, whatever the packed ones say of themselves.
Result<std::string> unpacked(std::string_view packed, std::size_t bytes) {
  const Error error = damaged("`pixels` are not those of its size");
  http::Gunzip gunzip;
  std::string out;
  while (!packed.empty() && out.size() <= bytes) {
    const std::size_t before = out.size();
    const auto taken = gunzip.step(packed, out, bytes + 1 - before);
    if (!taken.ok() || (*taken == 0 && out.size() == before)) return error;
    packed.remove_prefix(*taken);
  }
  if (!gunzip.complete() || out.size() != bytes) return error;
  return out;
}

Result<wire::Picture> read_picture(const json& answer) {
  SEL_TRY(width, read_count(member(answer, "width"), "width"));
  SEL_TRY(height, read_count(member(answer, "height"), "height"));
  if (width < 1 || height < 1 || std::max(width, height) > limits::picture_side_max) {
    return damaged("`width` and `height` are not those of a picture");
  }
  const json* seed = member(answer, "seed");
  if (seed == nullptr || !seed->is_number_unsigned()) return damaged("`seed` is no count");
  const json* pixels = member(answer, "pixels");
  if (pixels == nullptr || !pixels->is_string()) return damaged("`pixels` is no text");
  const auto packed = base64_bytes(pixels->get_ref<const std::string&>());
  if (!packed) return damaged("`pixels` is no base64");
  SEL_TRY(bytes, unpacked(*packed, static_cast<std::size_t>(width * height * 3)));
  wire::Picture picture;
  picture.width = static_cast<std::int32_t>(width);
  picture.height = static_cast<std::int32_t>(height);
  picture.seed = seed->get<std::uint64_t>();
  picture.pixels = std::move(bytes);
  const json* sides = member(answer, "reference_sides");
  if (sides == nullptr) return picture;
  if (!sides->is_array() || sides->size() % 2 != 0) {
    return damaged("`reference_sides` is no list of pairs");
  }
  for (const json& each : *sides) {
    SEL_TRY(side, read_count(&each, "a side"));
    picture.reference_sides.push_back(static_cast<std::int32_t>(side));
  }
  return picture;
}

template <class Outcome>
Status read_steps(const json& answer, Worked<Outcome>& worked) {
  const json* steps = member(answer, "progress");
  if (steps == nullptr) return ok_status();
  if (!steps->is_array()) return damaged("`progress` is no list");
  for (const json& each : *steps) {
    if (!each.is_array() || each.size() != 2) return damaged("`progress` holds what is no pair");
    SEL_TRY(done, read_count(&each[0], "progress"));
    SEL_TRY(total, read_count(&each[1], "progress"));
    worked.steps.push_back({static_cast<std::int32_t>(done), static_cast<std::int32_t>(total)});
  }
  return ok_status();
}

template <class Outcome>
Result<Worked<Outcome>> worked_from(const json& answer, Result<Outcome> (*read)(const json&)) {
  Worked<Outcome> worked;
  SEL_TRY(error, read_error(answer));
  SEL_CHECK_OK(read_steps(answer, worked));
  worked.error = std::move(error);
  if (worked.error) return worked;
  SEL_TRY(outcome, read(answer));
  worked.outcome = std::move(outcome);
  return worked;
}

// Appends one row, which must be as long as those before.
Status read_row(const json& row, Embeddings& embeddings) {
  if (!row.is_array() || row.empty() || row.size() > kDimensionsMax) {
    return damaged("a row of `values` is no list of numbers");
  }
  if (embeddings.dimensions == 0) embeddings.dimensions = static_cast<std::int32_t>(row.size());
  if (row.size() != static_cast<std::size_t>(embeddings.dimensions)) {
    return damaged("the rows of `values` differ in length");
  }
  for (const json& each : row) {
    SEL_TRY(value, read_float(&each, "a value"));
    embeddings.values.push_back(value);
  }
  return ok_status();
}

}  // namespace

std::string AskedCall::name() const {
  const json whole = {{"kind", kind}, {"model", text_json(model)}, {"request", request}};
  Sha256 hash;
  hash.add(whole.dump());
  return kind + "-" + hash.hex();
}

AskedCall asked_call(const catalog::Resolved& model, const GenerateTask& task) {
  json request = json::object();
  for (const wire::ChatMessage& each : task.messages) {
    request["messages"].push_back(message_json(each));
  }
  if (task.messages.empty()) request["prompt"] = text_json(task.prompt);
  put(request, "raw", task.raw, false);
  request["tokens_max"] = task.tokens_max;
  for (const std::string& each : task.stop) request["stop"].push_back(text_json(each));
  json sampling = sampling_json(task.sampling);
  if (!sampling.empty()) request["sampling"] = std::move(sampling);
  put(request, "cut_to_window", task.cut_to_window, false);
  put(request, "lora", text_json(task.adapter.name), json(""));
  json chat = chat_json(task.chat);
  if (!chat.empty()) request["chat"] = std::move(chat);
  return {"generate", model.entry->id, std::move(request)};
}

AskedCall asked_call(const catalog::Resolved& model, const EmbedTask& task) {
  json request = json::object();
  request["texts"] = json::array();
  for (const std::string& each : task.texts) request["texts"].push_back(text_json(each));
  if (task.pooling == wire::Pooling::cls) request["pooling"] = "cls";
  if (task.role == EmbedRole::query) request["role"] = "query";
  if (task.role == EmbedRole::passage) request["role"] = "passage";
  return {"embed", model.entry->id, std::move(request)};
}

AskedCall asked_call(const catalog::Resolved& model, const RankTask& task) {
  json request = json::object();
  put(request, "query", text_json(task.query), json(""));
  request["texts"] = json::array();
  for (const std::string& each : task.texts) request["texts"].push_back(text_json(each));
  return {"rank", model.entry->id, std::move(request)};
}

AskedCall asked_call(const catalog::Resolved& model, const std::string& text) {
  return {"tokenize", model.entry->id, {{"text", text_json(text)}}};
}

AskedCall asked_call(const catalog::Resolved& model, const wire::Transcribe& task) {
  const wire::Transcribe usual;
  json request = {{"audio", hash_text(task.audio)}};
  put(request, "language", text_json(task.language), text_json(usual.language));
  put(request, "translate", task.translate, usual.translate);
  put(request, "prompt", text_json(task.prompt), text_json(usual.prompt));
  put(request, "prefix", text_json(task.prefix), text_json(usual.prefix));
  put(request, "skip_silence", task.skip_silence, usual.skip_silence);
  put(request, "beam_size", task.beam_size, usual.beam_size);
  put(request, "condition_on_previous_text", task.condition_on_previous_text,
      usual.condition_on_previous_text);
  put(request, "no_speech_threshold", task.no_speech_threshold, usual.no_speech_threshold);
  put(request, "compression_ratio_threshold", task.compression_ratio_threshold,
      usual.compression_ratio_threshold);
  put(request, "log_prob_threshold", task.log_prob_threshold, usual.log_prob_threshold);
  put(request, "temperature", task.temperature, usual.temperature);
  return {"transcribe", model.entry->id, std::move(request)};
}

AskedCall asked_call(const catalog::Resolved& model, const wire::Draw& task) {
  const wire::Draw usual;
  json request = {{"prompt", text_json(task.prompt)}, {"steps", task.steps}};
  put(request, "negative_prompt", text_json(task.negative_prompt), json(""));
  put(request, "width", task.width, usual.width);
  put(request, "height", task.height, usual.height);
  put(request, "guidance", task.guidance, usual.guidance);
  put(request, "strength", task.strength, usual.strength);
  if (task.has_seed) request["seed"] = task.seed;
  if (!task.image.empty()) request["image"] = hash_text(task.image);
  if (!task.mask.empty()) request["mask"] = hash_text(task.mask);
  put(request, "sampler", text_json(task.sampler), json(""));
  put(request, "scheduler", text_json(task.scheduler), json(""));
  for (const std::string& each : task.references) request["references"].push_back(hash_text(each));
  return {"draw", model.entry->id, std::move(request)};
}

json answer_json(const Generated& generated) {
  json answer = json::object();
  answer["pieces"] = json::array();
  for (const Piece& each : generated.pieces) answer["pieces"].push_back(piece_json(each));
  if (generated.error) {
    answer["error"] = error_json(*generated.error);
    return answer;
  }
  SEL_CHECK(!generated.pieces.empty() && generated.pieces.back().last);
  const Piece& last = generated.pieces.back();
  answer["finish"] = last.reason == wire::FinishReason::length ? "length" : "stop";
  put_text(answer, "stop", last.stop);
  answer["usage"] = usage_json(last.usage);
  return answer;
}

json answer_json(const Embeddings& embeddings, std::size_t rows) {
  json values = json::array();
  const auto dimensions = static_cast<std::size_t>(embeddings.dimensions);
  SEL_CHECK(embeddings.values.size() == rows * dimensions);
  for (std::size_t row = 0; row < rows; ++row) {
    json numbers = json::array();
    for (std::size_t at = 0; at < dimensions; ++at) {
      numbers.push_back(float_json(embeddings.values[row * dimensions + at]));
    }
    values.push_back(std::move(numbers));
  }
  return {{"values", std::move(values)}, {"usage", usage_json(embeddings.usage)}};
}

json answer_json(const Ranks& ranks) {
  json scores = json::array();
  for (const float score : ranks.scores) scores.push_back(float_json(score));
  json answer = {{"scores", std::move(scores)}, {"usage", usage_json(ranks.usage)}};
  for (const std::string& label : ranks.labels) answer["labels"].push_back(text_json(label));
  return answer;
}

json answer_json(const TokenSpans& tokens) { return {{"ids", tokens.ids}, {"ends", tokens.ends}}; }

json answer_json(const Worked<wire::Transcript>& transcribed) { return worked_json(transcribed); }

json answer_json(const Worked<wire::Picture>& drawn) { return worked_json(drawn); }

json answer_json(const Error& error) { return {{"error", error_json(error)}}; }

Result<Generated> generated_from(const json& answer) {
  Generated generated;
  const json* pieces = member(answer, "pieces");
  SEL_TRY(error, read_error(answer));
  if (pieces == nullptr && error) return Generated{{}, std::move(error)};
  if (pieces == nullptr || !pieces->is_array()) return damaged("`pieces` is no list");
  for (const json& each : *pieces) {
    SEL_TRY(piece, read_piece(each));
    generated.pieces.push_back(std::move(piece));
  }
  generated.error = std::move(error);
  if (generated.error) return generated;
  if (generated.pieces.empty()) return damaged("`pieces` is empty");
  SEL_TRY(reason, read_reason(member(answer, "finish")));
  SEL_TRY(usage, read_usage(member(answer, "usage")));
  Piece& last = generated.pieces.back();
  last.last = true;
  last.reason = reason;
  SEL_TRY(stop, read_optional_text(answer, "stop"));
  last.stop = std::move(stop);
  last.usage = usage;
  return generated;
}

Result<Embeddings> embeddings_from(const json& answer, std::size_t rows) {
  SEL_TRY(error, read_error(answer));
  if (error) return *error;
  const json* values = member(answer, "values");
  if (values == nullptr || !values->is_array() || values->size() != rows) {
    return damaged("`values` has no row for each text");
  }
  Embeddings embeddings;
  for (const json& row : *values) SEL_CHECK_OK(read_row(row, embeddings));
  SEL_TRY(usage, read_usage(member(answer, "usage")));
  embeddings.usage = usage;
  return embeddings;
}

Result<Ranks> ranks_from(const json& answer, std::size_t rows) {
  SEL_TRY(error, read_error(answer));
  if (error) return *error;
  Ranks ranks;
  if (const json* labels = member(answer, "labels"); labels != nullptr) {
    if (!labels->is_array() || labels->size() > kDimensionsMax) {
      return damaged("`labels` is no list");
    }
    for (const json& each : *labels) {
      SEL_TRY(label, read_text(&each, "a label"));
      ranks.labels.push_back(std::move(label));
    }
  }
  const json* scores = member(answer, "scores");
  const std::size_t wanted = rows * std::max<std::size_t>(ranks.labels.size(), 1);
  if (scores == nullptr || !scores->is_array() || scores->size() != wanted) {
    return damaged("`scores` has no score for each text and label");
  }
  for (const json& each : *scores) {
    SEL_TRY(score, read_float(&each, "a score"));
    ranks.scores.push_back(score);
  }
  SEL_TRY(usage, read_usage(member(answer, "usage")));
  ranks.usage = usage;
  return ranks;
}

Result<TokenSpans> tokens_from(const json& answer, std::size_t text_bytes) {
  SEL_TRY(error, read_error(answer));
  if (error) return *error;
  const json* ids = member(answer, "ids");
  const json* ends = member(answer, "ends");
  if (ids == nullptr || ends == nullptr || !ids->is_array() || !ends->is_array() ||
      ids->size() != ends->size()) {
    return damaged("`ids` and `ends` are no lists of one length");
  }
  TokenSpans tokens;
  std::int64_t before = 0;
  for (std::size_t at = 0; at < ids->size(); ++at) {
    SEL_TRY(id, read_count(&(*ids)[at], "an id"));
    SEL_TRY(end, read_count(&(*ends)[at], "an end"));
    if (end < before || static_cast<std::size_t>(end) > text_bytes) {
      return damaged("`ends` decrease or point behind the text");
    }
    before = end;
    tokens.ids.push_back(static_cast<std::int32_t>(id));
    tokens.ends.push_back(static_cast<std::uint32_t>(end));
  }
  return tokens;
}

Result<Worked<wire::Transcript>> transcribed_from(const json& answer) {
  return worked_from<wire::Transcript>(answer, read_transcript);
}

Result<Worked<wire::Picture>> drawn_from(const json& answer) {
  return worked_from<wire::Picture>(answer, read_picture);
}

bool is_recordable(Code code) {
  return code == Code::invalid_input || code == Code::context_overflow ||
         code == Code::model_load_failed;
}

}  // namespace selvedge::inference
