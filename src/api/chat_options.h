// Chat options: tools, choices of tools and formats of answers, in the shapes of all doors.
#pragma once

#include <optional>
#include <string>

#include <nlohmann/json_fwd.hpp>

#include "base/result.h"
#include "wire/messages.h"

namespace selvedge::api {

// What is wrong with one of them, in OpenAI's words; `param` is its path there.
struct ChatFault {
  std::string param;
  std::string message;
  std::string code = {};
};
using MaybeFault = std::optional<ChatFault>;

// `tools` as a list of any of
//   {"type":"function","function":{"name","description"?,"parameters"?}}   OpenAI's chat
//   {"type"?:"function","name","description"?,"parameters"?}               Responses, and the
//   legacy
//   {"type"?:"custom","name","description"?,"input_schema"?}               Anthropic's
// into the first of these forms. An empty list is none.
MaybeFault read_tools(const nlohmann::json& tools, wire::ChatOptions& options);

// "auto", "none", "required", "any", {"type":"function","function":{"name"}},
// {"type":"function","name"}, {"type":"auto"|"any"|"none"}, {"type":"tool","name"}. "none" takes
// the tools away. To be read after the tools.
MaybeFault read_tool_choice(const nlohmann::json& choice, wire::ChatOptions& options);

// {"type":"text"|"json_object"|"json_schema","json_schema"?}: a schema as it is, or as
// {"name","schema","strict"}.
MaybeFault read_response_format(const nlohmann::json& format, wire::ChatOptions& options);

// A schema by itself, as an object or as its text; `param` names it.
MaybeFault read_schema(const nlohmann::json& schema, const std::string& param,
                       wire::ChatOptions& options);

// `reasoning_effort` and `chat_template_kwargs` into the template's variables; either may be null.
MaybeFault read_template_values(const nlohmann::json* effort, const nlohmann::json* values,
                                wire::ChatOptions& options);

// The calls of an assistant's turn, OpenAI's or {"name","arguments":{…}}, as
// wire::ChatMessage::tool_calls has them. Arguments that are no JSON object become one.
MaybeFault read_called_tools(const nlohmann::json& calls, const std::string& param,
                             std::string& text);

// Of an object whose members were put in order by parse_ordered_object: its text in that order.
std::string ordered_text(const nlohmann::json& value);

// As json_reader's parse_object, but inside of what asks for a form of answers the order of
// `properties` is kept, in a member "propertyOrdering" beside them: models write in that order.
Result<nlohmann::json> parse_ordered_object(std::string_view text);

}  // namespace selvedge::api
