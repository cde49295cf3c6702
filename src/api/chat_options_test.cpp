// Tests of chat options: every shape becomes one, and the order of properties is kept.
#include "api/chat_options.h"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

namespace selvedge::api {
namespace {

using nlohmann::json;

std::string tools_of(const char* text) {
  wire::ChatOptions options;
  const auto bad = read_tools(json::parse(text), options);
  return bad ? bad->param + ": " + bad->message : options.tools;
}

TEST(ChatOptions, ToolsOfAllShapesAreOne) {
  const std::string one = tools_of(
      R"([{"type":"function","function":{"name":"f","description":"d","parameters":{"type":"object"}}}])");
  EXPECT_EQ(
      one,
      R"([{"type":"function","function":{"name":"f","description":"d","parameters":{"type":"object"}}}])");
  for (
      const char* other :
      {R"([{"name":"f","description":"d","parameters":{"type":"object"}}])",
       R"([{"type":"function","name":"f","description":"d","parameters":{"type":"object"},"strict":true}])",
       R"([{"name":"f","description":"d","input_schema":{"type":"object"}}])",
       R"([{"type":"custom","name":"f","description":"d","input_schema":{}}])"}) {
    EXPECT_EQ(tools_of(other), one) << other;
  }
  EXPECT_EQ(tools_of("[]"), "");
  EXPECT_NE(tools_of(R"([{"name":"f"}])").find(R"("properties":{})"), std::string::npos);
}

TEST(ChatOptions, AChoiceNeedsItsTool) {
  wire::ChatOptions options;
  ASSERT_FALSE(read_tools(json::parse(R"([{"name":"f"},{"name":"required"}])"), options));
  EXPECT_FALSE(read_tool_choice(json::parse(R"({"type":"tool","name":"f"})"), options));
  EXPECT_EQ(options.tool_choice, "f");
  EXPECT_TRUE(read_tool_choice(json::parse(R"({"type":"tool","name":"g"})"), options));
  // It would be read as the word.
  EXPECT_TRUE(read_tool_choice(json::parse(R"({"type":"tool","name":"required"})"), options));
  EXPECT_FALSE(read_tool_choice(json("none"), options));
  EXPECT_TRUE(options.tools.empty());
  EXPECT_TRUE(read_tool_choice(json("any"), options));
}

TEST(ChatOptions, TheOrderOfPropertiesIsKeptInsideOfSchemas) {
  const auto body = parse_ordered_object(
      R"({"tools":[{"name":"f","parameters":{"properties":{"z":{"properties":{"y":1,"b":2}},"a":1}}}],)"
      R"("metadata":{"properties":{"z":1,"a":2}}})");
  ASSERT_TRUE(body.ok());
  EXPECT_FALSE((*body)["metadata"].contains("propertyOrdering"));
  wire::ChatOptions options;
  ASSERT_FALSE(read_tools((*body)["tools"], options));
  EXPECT_NE(options.tools.find(R"("properties":{"z":{"properties":{"y":1,"b":2}},"a":1})"),
            std::string::npos)
      << options.tools;
}

TEST(ChatOptions, APropertyMayBeCalledProperties) {
  const auto body = parse_ordered_object(
      R"({"tools":[{"name":"f","parameters":{"properties":{"title":{},"properties":{"type":"object","properties":{"z":1,"a":2}}}}}],)"
      R"("output_config":{"format":{"schema":{"properties":{"zeta":{},"alpha":{}}}}}})");
  ASSERT_TRUE(body.ok());
  wire::ChatOptions options;
  ASSERT_FALSE(read_tools((*body)["tools"], options));
  EXPECT_NE(
      options.tools.find(
          R"("properties":{"title":{},"properties":{"properties":{"z":1,"a":2},"type":"object"}})"),
      std::string::npos)
      << options.tools;
  EXPECT_EQ(options.tools.find("propertyOrdering"), std::string::npos);
  EXPECT_EQ(ordered_text((*body)["output_config"]),
            R"({"format":{"schema":{"properties":{"zeta":{},"alpha":{}}}}})");
}

TEST(ChatOptions, SchemasComeInAllWrappings) {
  const std::string schema = R"({"properties":{"a":{"type":"string"}},"type":"object"})";
  for (const std::string& format :
       {R"({"type":"json_schema","json_schema":)" + schema + "}",
        R"({"type":"json_schema","json_schema":{"name":"n","strict":true,"schema":)" + schema +
            "}}",
        R"({"type":"json_schema","name":"n","schema":)" + schema + "}",
        R"({"type":"json_object","json_schema":)" + schema + "}"}) {
    wire::ChatOptions options;
    const auto bad = read_response_format(json::parse(format), options);
    ASSERT_FALSE(bad) << bad->message;
    EXPECT_EQ(options.json_schema, schema) << format;
  }
  wire::ChatOptions options;
  EXPECT_FALSE(read_response_format(json::parse(R"({"type":"text"})"), options));
  EXPECT_TRUE(options.json_schema.empty());
}

TEST(ChatOptions, ArgumentsOfCallsAreAlwaysAnObject) {
  std::string text;
  ASSERT_FALSE(read_called_tools(
      json::parse(R"([{"id":"1","function":{"name":"f","arguments":"{\"a\":1}"}},)"
                  R"({"name":"g","arguments":{"b":2}},{"name":"h","arguments":"cut o"},)"
                  R"({"name":"i"}])"),
      "messages[0].tool_calls", text));
  const json calls = json::parse(text);
  ASSERT_EQ(calls.size(), 4u);
  for (const json& call : calls) {
    EXPECT_TRUE(json::parse(call["function"]["arguments"].get<std::string>()).is_object());
  }
  EXPECT_EQ(calls[0]["id"], "1");
  EXPECT_EQ(calls[2]["function"]["arguments"], R"({"value":"cut o"})");
}

}  // namespace
}  // namespace selvedge::api
