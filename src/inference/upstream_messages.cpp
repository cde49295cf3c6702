// Upstream messages: JSON out and in.
#include "inference/upstream_messages.h"

#include <algorithm>
#include <cmath>
#include <span>
#include <utility>

#include <nlohmann/json.hpp>

#include "base/base64.h"
#include "base/utf8.h"

namespace selvedge::inference {
namespace {

using nlohmann::json;

constexpr std::size_t kWordsBytesMax = 500;

json sampling_of(const wire::Sampling& sampling) {
  json body = {{"temperature", sampling.temperature}, {"top_p", std::min(sampling.top_p, 1.0)}};
  if (sampling.has_seed) body["seed"] = static_cast<std::int64_t>(sampling.seed);
  if (sampling.frequency_penalty != 0) body["frequency_penalty"] = sampling.frequency_penalty;
  if (sampling.presence_penalty != 0) body["presence_penalty"] = sampling.presence_penalty;
  // Not OpenAI's, but of most servers that one runs oneself; sent only when it was asked for.
  if (sampling.top_k > 0) body["top_k"] = sampling.top_k;
  if (sampling.repetition_penalty != 1) body["repeat_penalty"] = sampling.repetition_penalty;
  for (const wire::TokenBias& bias : sampling.logit_bias) {
    body["logit_bias"][std::to_string(bias.token)] = bias.bias;
  }
  return body;
}

std::string text_of(const json& from, const char* name) {
  const auto found = from.find(name);
  return found != from.end() && found->is_string() ? found->get<std::string>() : std::string();
}

std::int32_t count_of(const json& from, const char* name) {
  const auto found = from.find(name);
  return found != from.end() && found->is_number_integer()
             ? static_cast<std::int32_t>(
                   std::clamp<std::int64_t>(found->get<std::int64_t>(), 0, INT32_MAX))
             : 0;
}

Usage usage_of(const json& from) {
  Usage usage;
  const auto told = from.find("usage");
  if (told == from.end() || !told->is_object()) return usage;
  usage.prompt_tokens = count_of(*told, "prompt_tokens");
  usage.completion_tokens = count_of(*told, "completion_tokens");
  const auto details = told->find("prompt_tokens_details");
  if (details != told->end() && details->is_object()) {
    usage.cached_tokens = count_of(*details, "cached_tokens");
  }
  return usage;
}

wire::TokenChoice choice_of(const json& token) {
  wire::TokenChoice choice;
  const auto bytes = token.find("bytes");
  if (bytes != token.end() && bytes->is_array()) {
    for (const json& byte : *bytes) {
      if (byte.is_number_integer()) choice.bytes += static_cast<char>(byte.get<int>());
    }
  } else {
    choice.bytes = text_of(token, "token");
  }
  const auto logprob = token.find("logprob");
  choice.logprob =
      logprob != token.end() && logprob->is_number() ? logprob->get<float>() : wire::kLogprobMin;
  return choice;
}

void add_logprobs(const json& choice, std::vector<wire::TokenLogprob>& to) {
  const auto logprobs = choice.find("logprobs");
  if (logprobs == choice.end() || !logprobs->is_object()) return;
  const auto content = logprobs->find("content");
  if (content == logprobs->end() || !content->is_array()) return;
  for (const json& token : *content) {
    if (!token.is_object()) continue;
    const wire::TokenChoice own = choice_of(token);
    wire::TokenLogprob one{own.bytes, own.logprob};
    const auto top = token.find("top_logprobs");
    if (top != token.end() && top->is_array()) {
      for (const json& other : *top) {
        if (other.is_object()) one.top.push_back(choice_of(other));
      }
    }
    to.push_back(std::move(one));
  }
}

// The text that an error body has for people, cut.
std::string words_of(std::string_view body) {
  const json parsed = json::parse(body, nullptr, false);
  std::string words;
  if (parsed.is_object()) {
    const auto error = parsed.find("error");
    if (error != parsed.end() && error->is_object()) words = text_of(*error, "message");
    if (error != parsed.end() && error->is_string()) words = error->get<std::string>();
    if (words.empty()) words = text_of(parsed, "message");
  }
  words.resize(utf8::floor_boundary(words, std::min(words.size(), kWordsBytesMax)));
  return words;
}

std::string data_url_of(std::string_view picture) {
  std::string url = picture.starts_with("RIFF")   ? "data:image/webp;base64,"
                    : picture.starts_with("\xff") ? "data:image/jpeg;base64,"
                                                  : "data:image/png;base64,";
  append_base64(url, std::as_bytes(std::span(picture)));
  return url;
}

// A text, or with pictures a list of parts.
json content_of(const wire::ChatMessage& message) {
  if (message.pictures.empty()) return message.content;
  json parts = json::array();
  std::size_t at = 0;
  const auto add_text = [&](std::size_t end) {
    if (end <= at) return;
    parts.push_back({{"type", "text"}, {"text", message.content.substr(at, end - at)}});
    at = end;
  };
  for (const wire::InlinePicture& picture : message.pictures) {
    add_text(std::min<std::size_t>(picture.at, message.content.size()));
    parts.push_back({{"type", "image_url"}, {"image_url", {{"url", data_url_of(picture.bytes)}}}});
  }
  add_text(message.content.size());
  return parts;
}

json message_of(const wire::ChatMessage& message) {
  json turn = {{"role", message.role}, {"content", content_of(message)}};
  if (!message.tool_calls.empty()) {
    turn["tool_calls"] = json::parse(message.tool_calls, nullptr, false);
    for (json& call : turn["tool_calls"]) call["type"] = "function";
  }
  if (!message.tool_call_id.empty()) turn["tool_call_id"] = message.tool_call_id;
  if (!message.name.empty()) turn["name"] = message.name;
  return turn;
}

void add_chat_options(const wire::ChatOptions& chat, json& body) {
  if (!chat.tools.empty()) {
    body["tools"] = json::parse(chat.tools, nullptr, false);
    const std::string choice = chat.tool_choice.empty() ? "auto" : chat.tool_choice;
    const bool word = choice == "auto" || choice == "required";
    body["tool_choice"] =
        word ? json(choice) : json({{"type", "function"}, {"function", {{"name", choice}}}});
    if (!chat.parallel_tool_calls) body["parallel_tool_calls"] = false;
  }
  if (!chat.template_values.empty()) {
    body["chat_template_kwargs"] = json::parse(chat.template_values, nullptr, false);
  }
  if (!chat.json_schema.empty()) {
    body["response_format"] = {
        {"type", "json_schema"},
        {"json_schema",
         {{"name", "answer"}, {"schema", json::parse(chat.json_schema, nullptr, false)}}}};
  }
}

// Arguments come in parts, or, of some servers, as an object at once.
void add_tool_calls(const json& part, std::vector<wire::ToolCallDelta>& to) {
  const auto calls = part.find("tool_calls");
  if (calls == part.end() || !calls->is_array()) return;
  for (std::size_t at = 0; at < calls->size(); ++at) {
    const json& call = (*calls)[at];
    if (!call.is_object()) continue;
    wire::ToolCallDelta delta;
    delta.index = call.contains("index") ? count_of(call, "index") : static_cast<std::int32_t>(at);
    delta.id = text_of(call, "id");
    const auto function = call.find("function");
    if (function != call.end() && function->is_object()) {
      delta.name = text_of(*function, "name");
      delta.arguments = text_of(*function, "arguments");
      const auto given = function->find("arguments");
      if (given != function->end() && given->is_object()) delta.arguments = given->dump();
    }
    to.push_back(std::move(delta));
  }
}

}  // namespace

UpstreamBody upstream_body(const Upstream& upstream, const GenerateTask& task) {
  json body = sampling_of(task.sampling);
  body["model"] = upstream.model;
  body["max_tokens"] = task.tokens_max;
  body["stream"] = true;
  body["stream_options"] = {{"include_usage", true}};
  if (!task.stop.empty()) body["stop"] = task.stop;
  const bool plain = task.raw && task.messages.empty();
  if (plain) {
    body["prompt"] = task.prompt;
    if (task.sampling.logprobs) body["logprobs"] = task.sampling.top_logprobs;
    return {"/completions", body.dump(-1, ' ', false, json::error_handler_t::replace)};
  }
  json messages = json::array();
  for (const wire::ChatMessage& message : task.messages) {
    messages.push_back(message_of(message));
  }
  if (messages.empty()) messages.push_back({{"role", "user"}, {"content", task.prompt}});
  body["messages"] = std::move(messages);
  add_chat_options(task.chat, body);
  if (task.sampling.logprobs) {
    body["logprobs"] = true;
    body["top_logprobs"] = task.sampling.top_logprobs;
  }
  return {"/chat/completions", body.dump(-1, ' ', false, json::error_handler_t::replace)};
}

UpstreamBody upstream_body(const Upstream& upstream, const EmbedTask& task) {
  const json body = {
      {"model", upstream.model}, {"input", task.texts}, {"encoding_format", "float"}};
  return {"/embeddings", body.dump(-1, ' ', false, json::error_handler_t::replace)};
}

Result<UpstreamChunk> parse_upstream_chunk(std::string_view data) {
  const json parsed = json::parse(data, nullptr, false);
  if (!parsed.is_object()) return Error{Code::unavailable, "the upstream sent what is no JSON"};
  const auto error = parsed.find("error");
  if (error != parsed.end() && !error->is_null()) {
    return Error{Code::unavailable, "the upstream failed: " + words_of(data)};
  }
  UpstreamChunk chunk;
  chunk.piece.usage = usage_of(parsed);
  const auto choices = parsed.find("choices");
  if (choices == parsed.end() || !choices->is_array() || choices->empty()) return chunk;
  const json& choice = choices->front();
  if (!choice.is_object()) return Error{Code::unavailable, "the upstream sent no choice"};
  chunk.piece.text = text_of(choice, "text");
  for (const char* form : {"delta", "message"}) {
    const auto part = choice.find(form);
    if (part == choice.end() || !part->is_object()) continue;
    chunk.piece.text += text_of(*part, "content");
    // Newer servers have the shorter name, some of them both.
    const std::string thought = text_of(*part, "reasoning_content");
    chunk.piece.reasoning += thought.empty() ? text_of(*part, "reasoning") : thought;
    add_tool_calls(*part, chunk.piece.tool_calls);
  }
  add_logprobs(choice, chunk.piece.logprobs);
  const std::string reason = text_of(choice, "finish_reason");
  chunk.ended = !reason.empty();
  if (reason == "length") chunk.piece.reason = wire::FinishReason::length;
  return chunk;
}

Result<Embeddings> parse_upstream_embeddings(std::string_view body, std::size_t texts,
                                             std::int32_t promised) {
  const Error wrong{Code::unavailable, "the upstream sent no vector for each text"};
  const json parsed = json::parse(body, nullptr, false);
  if (!parsed.is_object()) return wrong;
  const auto data = parsed.find("data");
  if (data == parsed.end() || !data->is_array() || data->size() != texts) return wrong;
  Embeddings out;
  out.usage = usage_of(parsed);
  std::size_t own = 0;
  std::vector<const json*> rows(texts, nullptr);
  for (std::size_t at = 0; at < texts; ++at) {
    const json& each = (*data)[at];
    if (!each.is_object()) return wrong;
    const auto place = each.find("index");
    const std::size_t row =
        place != each.end() && place->is_number_unsigned() ? place->get<std::size_t>() : at;
    const auto values = each.find("embedding");
    if (row >= texts || values == each.end() || !values->is_array() || values->empty())
      return wrong;
    if (own == 0) own = values->size();
    if (values->size() != own) return wrong;
    rows[row] = &*values;
  }
  const std::size_t wide = promised > 0 ? static_cast<std::size_t>(promised) : own;
  if (own > wide) {
    return Error{Code::model_load_failed, "the upstream makes vectors of " + std::to_string(own) +
                                              " dimensions; the id promises " +
                                              std::to_string(wide)};
  }
  out.dimensions = static_cast<std::int32_t>(wide);
  out.values.resize(texts * wide);
  for (std::size_t row = 0; row < texts; ++row) {
    if (rows[row] == nullptr) return wrong;
    double squares = 0;
    for (std::size_t at = 0; at < own; ++at) {
      const json& value = (*rows[row])[at];
      if (!value.is_number()) return wrong;
      out.values[row * wide + at] = value.get<float>();
      squares += value.get<double>() * value.get<double>();
    }
    if (!(squares > 0) || !std::isfinite(squares)) return wrong;
    const auto scale = static_cast<float>(1 / std::sqrt(squares));
    for (std::size_t at = 0; at < own; ++at) out.values[row * wide + at] *= scale;
  }
  return out;
}

Error upstream_failure(const Upstream& upstream, int status, std::string_view body) {
  const std::string who = "the upstream of model " + upstream.id;
  const std::string words = words_of(body);
  const std::string said = words.empty() ? std::string() : ": " + words;
  if (status == 401 || status == 403) {
    return Error{Code::unavailable,
                 who + " refused the key" +
                     (upstream.key_variable.empty()
                          ? " (none is set; give it a key_variable)"
                          : " in the environment variable " + upstream.key_variable)};
  }
  if (status == 404) return Error{Code::unavailable, who + " has no such path or model" + said};
  if (status == 429) return Error{Code::queue_full, who + " is busy" + said};
  if (status == 408 || status == 504) return Error{Code::deadline_exceeded, who + " took too long"};
  if (status == 400 && words.find("context") != words.npos) {
    return Error{Code::context_overflow, words};
  }
  if (status == 400 || status == 413 || status == 422) {
    return Error{Code::invalid_input, who + " refused the call" + said};
  }
  return Error{Code::unavailable, who + " answered " + std::to_string(status) + said};
}

bool worth_another_try(int status) {
  return status == 408 || status == 409 || status == 429 || status >= 500;
}

}  // namespace selvedge::inference
