// OpenAI logprobs: tokens, their bytes and their rivals.
#include "api/openai_logprobs.h"

#include <set>
#include <string_view>

#include "api/json_writer.h"
#include "base/utf8.h"

namespace selvedge::api {
namespace {

std::string token_text(std::string_view bytes) {
  if (utf8::valid(bytes)) return std::string(bytes);
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string text;
  for (const char one : bytes) {
    const auto byte = static_cast<unsigned char>(one);
    if (byte >= 0x20 && byte < 0x7F) {
      text += one;
      continue;
    }
    text += "\\x";
    text += kDigits[byte >> 4];
    text += kDigits[byte & 15];
  }
  return text;
}

// The older form marks such a token.
std::string completion_token_text(std::string_view bytes) {
  return utf8::valid(bytes) ? std::string(bytes) : "bytes:" + token_text(bytes);
}

void append_token(std::string& json, std::string_view bytes, float logprob) {
  json += "{\"token\":";
  append_string(json, token_text(bytes));
  json += ",\"logprob\":";
  append_float(json, logprob);
  json += ",\"bytes\":[";
  for (std::size_t at = 0; at < bytes.size(); ++at) {
    if (at != 0) json += ',';
    append_integer(json, static_cast<int>(static_cast<unsigned char>(bytes[at])));
  }
  json += ']';
}

template <class List, class Write>
void append_list(std::string& json, const List& list, Write write) {
  json += '[';
  bool first = true;
  for (const auto& one : list) {
    if (!first) json += ',';
    first = false;
    write(one);
  }
  json += ']';
}

// An object cannot hold two tokens of one text: the likelier one stays.
void append_rivals(std::string& json, const wire::TokenLogprob& token) {
  std::set<std::string> written;
  json += '{';
  const auto add = [&](std::string_view bytes, float logprob) {
    const std::string text = completion_token_text(bytes);
    if (!written.insert(text).second) return;
    if (written.size() > 1) json += ',';
    append_string(json, text);
    json += ':';
    append_float(json, logprob);
  };
  for (const wire::TokenChoice& one : token.top) add(one.bytes, one.logprob);
  add(token.bytes, token.logprob);
  json += '}';
}

std::size_t characters_of(std::string_view bytes) {
  std::size_t count = 0;
  for (const char byte : bytes) count += (static_cast<unsigned char>(byte) & 0xC0) != 0x80;
  return count;
}

}  // namespace

void append_chat_logprobs(std::string& json, const TokenLogprobs& logprobs) {
  if (!logprobs) {
    json += "null";
    return;
  }
  json += "{\"content\":";
  append_list(json, *logprobs, [&](const wire::TokenLogprob& token) {
    append_token(json, token.bytes, token.logprob);
    json += ",\"top_logprobs\":";
    append_list(json, token.top, [&](const wire::TokenChoice& one) {
      append_token(json, one.bytes, one.logprob);
      json += '}';
    });
    json += '}';
  });
  json += ",\"refusal\":null}";
}

void append_completion_logprobs(std::string& json, const TokenLogprobs& logprobs,
                                std::size_t& characters) {
  if (!logprobs) {
    json += "null";
    return;
  }
  json += "{\"tokens\":";
  append_list(json, *logprobs, [&](const wire::TokenLogprob& token) {
    append_string(json, completion_token_text(token.bytes));
  });
  json += ",\"token_logprobs\":";
  append_list(json, *logprobs,
              [&](const wire::TokenLogprob& token) { append_float(json, token.logprob); });
  json += ",\"top_logprobs\":";
  append_list(json, *logprobs,
              [&](const wire::TokenLogprob& token) { append_rivals(json, token); });
  json += ",\"text_offset\":";
  append_list(json, *logprobs, [&](const wire::TokenLogprob& token) {
    append_integer(json, characters);
    characters += characters_of(token.bytes);
  });
  json += '}';
}

}  // namespace selvedge::api
