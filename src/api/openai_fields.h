// OpenAI fields: reads the properties of a request one by one, in OpenAI's words when one is wrong.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "base/result.h"
#include "wire/messages.h"

namespace selvedge::api {

// What is wrong with a request, and which of its parameters. The words and codes are those that
// public issues quote (docs/compatibility.md#openai): clients match them.
struct OpenAiFault {
  Error error;
  std::string param;  // "messages[0].content"; empty = none.
  std::string code;   // "invalid_type"; empty = the one of the error table.
};

// A parsed request, or why it is none.
template <class T>
using OpenAiParsed = std::variant<T, OpenAiFault>;

// Reads straight through: after the first fault every read gives nothing, and fault() tells it at
// the end. Null counts as absent: SDKs send every option they know.
class OpenAiFields {
 public:
  // `body` is an object and outlives this.
  explicit OpenAiFields(const nlohmann::json& body) : body_(body) {}

  // Null when absent (or after a fault).
  const nlohmann::json* find(const char* name) const;

  std::optional<bool> boolean(const char* name);
  std::optional<double> number(const char* name, double lowest, double highest);
  std::optional<std::int64_t> integer(const char* name, std::int64_t lowest, std::int64_t highest);
  std::optional<std::string> text(const char* name);

  // Only the first fault is kept.
  void fail(std::string param, std::string message, std::string_view code);
  void fail_type(std::string param, std::string_view wanted, const nlohmann::json& sent);
  void fail_missing(std::string param);
  // "Unsupported parameter: 'tools' is not supported with this model."
  void fail_unsupported(const std::string& param);

  bool ok() const { return !fault_; }
  const std::optional<OpenAiFault>& fault() const { return fault_; }

 private:
  const nlohmann::json& body_;
  std::optional<OpenAiFault> fault_;
};

// "a string", "an array", "null": how OpenAI names the type of what was sent.
std::string_view openai_type_name(const nlohmann::json& value);

// A picture that picture_input.h refuses, in OpenAI's words.
void fail_picture(OpenAiFields& fields, const std::string& param, const Error& why);
// api::check_pictures of a conversation; `param` names it.
void check_pictures(OpenAiFields& fields, const std::string& param,
                    const std::vector<wire::ChatMessage>& messages);

// "messages[3]"
std::string item_path(std::string_view list, std::size_t at);

}  // namespace selvedge::api
