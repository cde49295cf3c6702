// ChatPlan: messages and options to llama.cpp's chat formats, with every text of theirs guarded.
#include "engines/chat_plan.h"

#include <algorithm>
#include <exception>
#include <utility>

#include "common/chat-peg-parser.h"
#include "common/json-schema-to-grammar.h"
#include "common/log.h"
#include "engines/schema_bounds.h"

namespace selvedge::engines {
namespace {

using json = common_json;

constexpr const char* kCallStart = "<tool_call>\n";
constexpr const char* kCallEnd = "\n</tool_call>";
// Variables that the prompt itself is made of.
constexpr const char* kOwnValues[] = {"messages", "tools", "bos_token", "eos_token",
                                      "add_generation_prompt"};

Error bad_messages() {
  // What the template says may repeat what is in the messages.
  return Error{Code::invalid_input,
               "messages: the model's chat template refuses these roles or their order"};
}

// Every text in `value`, names of members too, without marks.
json guarded(const json& value, TextGuard& guard) {
  if (value.is_string()) return json::make(guard.guarded(value.get<std::string>()));
  if (value.is_array()) {
    json list = json::array();
    for (std::size_t at = 0; at < value.size(); ++at) list.push_back(guarded(value.at(at), guard));
    return list;
  }
  if (!value.is_object()) return value;
  json object = json::object();
  for (const auto& member : value.items()) {
    object[guard.guarded(member.key())] = guarded(member.value(), guard);
  }
  return object;
}

bool wants_tools(const wire::ChatOptions& options) { return !options.tools.empty(); }

bool forces_tools(const wire::ChatOptions& options) {
  return wants_tools(options) && !options.tool_choice.empty() && options.tool_choice != "auto";
}

common_chat_msg message_of(const wire::ChatMessage& message, TextGuard* guard) {
  const auto text = [guard](const std::string& one) { return guard ? guard->guarded(one) : one; };
  common_chat_msg out;
  out.role = message.role == "developer" ? "system" : message.role;
  out.content = guard ? guard->guarded_content(message) : message.content;
  out.reasoning_content = text(message.reasoning);
  out.tool_name = text(message.name);
  out.tool_call_id = text(message.tool_call_id);
  if (message.tool_calls.empty()) return out;
  const json calls = json::parse(message.tool_calls);
  for (std::size_t at = 0; at < calls.size(); ++at) {
    const json& call = calls.at(at);
    const json& function = call.at("function");
    common_chat_tool_call one;
    one.id = text(call.value("id", ""));
    one.name = text(function.at("name").get<std::string>());
    const auto arguments = function.at("arguments").get<std::string>();
    one.arguments = guard ? guarded(json::parse(arguments), *guard).dump() : arguments;
    out.tool_calls.push_back(std::move(one));
  }
  return out;
}

void add_values(const wire::ChatOptions& options, TextGuard* guard,
                common_chat_templates_inputs& inputs) {
  if (options.template_values.empty()) return;
  const json values = json::parse(options.template_values);
  for (const auto& value : values.items()) {
    const std::string name = value.key();
    if (std::ranges::find(kOwnValues, name) != std::end(kOwnValues)) continue;
    if (name == "enable_thinking" && value.value().is_boolean()) {
      inputs.enable_thinking = value.value().get<bool>();
    }
    inputs.chat_template_kwargs[name] =
        guard ? guarded(value.value(), *guard).dump() : value.value().dump();
  }
}

// With a guard: for the prompt; without: for the grammar and the parser.
common_chat_templates_inputs inputs_of(const std::vector<wire::ChatMessage>& messages,
                                       const wire::ChatOptions& options, TextGuard* guard) {
  common_chat_templates_inputs inputs;
  for (const auto& message : messages) inputs.messages.push_back(message_of(message, guard));
  if (wants_tools(options)) {
    json tools = json::parse(options.tools);
    inputs.tools = common_chat_tools_parse_oaicompat(guard ? guarded(tools, *guard) : tools);
    inputs.tool_choice =
        forces_tools(options) ? COMMON_CHAT_TOOL_CHOICE_REQUIRED : COMMON_CHAT_TOOL_CHOICE_AUTO;
    inputs.parallel_tool_calls = options.parallel_tool_calls;
  }
  if (!wants_tools(options)) inputs.json_schema = options.json_schema;
  inputs.reasoning_format =
      options.parse_reasoning ? COMMON_REASONING_FORMAT_DEEPSEEK : COMMON_REASONING_FORMAT_NONE;
  add_values(options, guard, inputs);
  return inputs;
}

// What `work` gives; what llama.cpp throws, as an error.
template <class Work>
auto worded(const Work& work) -> decltype(work()) {
  try {
    return work();
  } catch (const std::exception& caught) {
    std::string message = std::string("json_schema: ") + caught.what();
    std::ranges::replace(message, '\n', ' ');
    return Error{Code::invalid_input, std::move(message)};
  }
}

// Of the tools those that may be called, with parameters that make a grammar.
Status bound_tools(wire::ChatOptions& options) {
  const json all = json::parse(options.tools);
  const bool named = forces_tools(options) && options.tool_choice != "required";
  json tools = json::array();
  for (std::size_t at = 0; at < all.size(); ++at) {
    json tool = all.at(at);
    json& function = tool["function"];
    const auto name = function.at("name").get<std::string>();
    if (named && name != options.tool_choice) continue;
    auto bounded = bounded_schema(common_chat_tool_parameters(function), Patterns::drop);
    Status made = bounded.ok() ? ok_status() : Status(bounded.error());
    if (made.ok()) {
      function["parameters"] = *bounded;
      auto grammar =
          worded([&]() -> Result<std::string> { return json_schema_to_grammar(*bounded); });
      if (!grammar.ok()) made = grammar.error();
    }
    if (!made.ok()) {
      return Error{Code::invalid_input,
                   "tools: parameters of " + name + ": " + made.error().message};
    }
    tools.push_back(tool);
  }
  if (tools.empty()) {
    return Error{Code::invalid_input, "tool_choice: there is no tool of this name"};
  }
  options.tools = tools.dump();
  return ok_status();
}

// ---- tools told in the system text ----

std::string instructions_of(const json& tools, const wire::ChatOptions& options) {
  std::string text = "You can call functions. They are, one a line:\n";
  for (std::size_t at = 0; at < tools.size(); ++at) {
    text += tools.at(at).at("function").dump() + "\n";
  }
  text += "To call one, write\n" + std::string(kCallStart) +
          "{\"name\": \"its name\", \"arguments\": {its arguments}}" + kCallEnd + "\n";
  text += forces_tools(options) ? "Call a function now."
                                : "Where no function helps, answer in your own words.";
  return text;
}

std::string calls_text(const wire::ChatMessage& message) {
  std::string text = message.content;
  const json calls = json::parse(message.tool_calls);
  for (std::size_t at = 0; at < calls.size(); ++at) {
    const json& function = calls.at(at).at("function");
    if (!text.empty()) text += "\n";
    text += kCallStart +
            ("{\"name\": " + function.at("name").dump() +
             ", \"arguments\": " + function.at("arguments").get<std::string>() + "}") +
            kCallEnd;
  }
  return text;
}

// Templates want users and assistants to take turns.
void append(const wire::ChatMessage& message, wire::ChatMessage& to) {
  to.content += "\n";
  for (wire::InlinePicture picture : message.pictures) {
    picture.at += static_cast<std::uint32_t>(to.content.size());
    to.pictures.push_back(std::move(picture));
  }
  to.content += message.content;
}

std::vector<wire::ChatMessage> told_messages(const std::vector<wire::ChatMessage>& messages,
                                             const std::string& instructions) {
  std::vector<wire::ChatMessage> told;
  bool after_result = false;
  for (const wire::ChatMessage& message : messages) {
    if (after_result && message.role == "user") {
      append(message, told.back());
      continue;
    }
    after_result = message.role == "tool";
    if (message.role != "tool") {
      told.push_back(
          {message.role, message.tool_calls.empty() ? message.content : calls_text(message)});
      told.back().pictures = message.pictures;
      continue;
    }
    const std::string result = "<tool_response>\n" + message.content + "\n</tool_response>";
    if (!told.empty() && told.back().role == "user") {
      append({"user", result}, told.back());
    } else {
      told.push_back({"user", result});
    }
  }
  if (instructions.empty()) return told;
  const bool has_system = !told.empty() && told.front().role == "system";
  if (!has_system) told.insert(told.begin(), {"system", ""});
  std::string& system = told.front().content;
  if (!system.empty()) system += "\n\n";
  system += instructions;
  return told;
}

common_peg_arena told_parser(const json& tools, const wire::ChatOptions& options) {
  return build_chat_peg_parser([&](common_chat_peg_builder& p) {
    const bool forced = forces_tools(options);
    auto call = p.standard_json_tools(kCallStart, kCallEnd, tools, false, true);
    auto calls = options.parallel_tool_calls ? p.one_or_more(call + p.space()) : call + p.space();
    if (!options.json_schema.empty()) {
      auto value = p.content(p.schema(p.json(), "answer", json::parse(options.json_schema)));
      if (forced) return calls + p.end();
      return p.choice({calls, value + p.space()}) + p.end();
    }
    if (forced) return p.space() + calls + p.end();
    return p.optional(p.content(p.until("<tool_call>"))) + p.optional(calls) + p.end();
  });
}

}  // namespace

ChatPlanner::ChatPlanner(const LlamaModel& model, const ChatPrompt& chat_prompt,
                         const PromptTokens& tokens, const std::string& chat_template)
    : model_(model), chat_prompt_(chat_prompt), tokens_(tokens) {
  templates_ = common_chat_templates_init(model.get(), chat_template);
  const auto caps = common_chat_templates_get_caps(templates_.get());
  const auto has = [&caps](const char* name) {
    const auto found = caps.find(name);
    return found != caps.end() && found->second;
  };
  knows_tools_ = has("supports_tools") && has("supports_tool_calls");
}

Result<std::unique_ptr<ChatPlanner>> ChatPlanner::open(const LlamaModel& model,
                                                       const ChatPrompt& chat_prompt,
                                                       const PromptTokens& tokens) {
  // Its warnings repeat what models say.
  common_log_set_verbosity_thold(-1);
  const char* own = llama_model_chat_template(model.get(), nullptr);
  const bool has_own = own != nullptr && std::string_view(own) != "chatml";
  try {
    return std::make_unique<ChatPlanner>(model, chat_prompt, tokens,
                                         has_own ? std::string() : chat_prompt.source());
  } catch (const std::exception& caught) {
    return Error{Code::model_load_failed,
                 std::string("chat template of the model: ") + caught.what()};
  }
}

Result<std::string> ChatPlanner::json_grammar(const std::string& schema) {
  SEL_TRY(held, held_schema(schema));
  return std::move(held.grammar);
}

Result<ChatPlanner::HeldSchema> ChatPlanner::held_schema(const std::string& schema) {
  return worded([&]() -> Result<HeldSchema> {
    auto bounded = bounded_schema(json::parse(schema), Patterns::refuse);
    if (bounded.ok()) return HeldSchema{bounded->dump(), json_schema_to_grammar(*bounded)};
    return Error{Code::invalid_input, "json_schema: " + bounded.error().message};
  });
}

// Of some templates the grammar of a forced call begins with any text, and never lets it end.
bool ChatPlanner::lets_words_pass(const ChatPlan& plan) const {
  if (plan.grammar.gbnf.empty()) return true;
  const auto gate = GrammarGate::open(model_, plan.grammar);
  const auto words = model_.tokenize("Hello", false);
  return gate.ok() && !words.empty() && (*gate)->allows(words.front());
}

bool ChatPlanner::reasons() const {
  if (reasons_) return *reasons_;
  try {
    common_chat_templates_inputs inputs;
    inputs.reasoning_format = COMMON_REASONING_FORMAT_DEEPSEEK;
    common_chat_msg user;
    user.role = "user";
    user.content = "x";
    inputs.messages = {user};
    reasons_ = common_chat_templates_apply(templates_.get(), inputs).supports_thinking;
  } catch (const std::exception&) {
    reasons_ = false;
  }
  return *reasons_;
}

bool ChatPlanner::needs_form(const std::vector<wire::ChatMessage>& messages,
                             const wire::ChatOptions& options) const {
  if (wants_tools(options) || !options.template_values.empty()) return true;
  const bool marked = std::ranges::any_of(messages, [](const wire::ChatMessage& message) {
    return message.role == "tool" || !message.tool_calls.empty() || !message.reasoning.empty();
  });
  return marked || (options.parse_reasoning && reasons());
}

Result<ChatPlan> ChatPlanner::plan(const std::vector<wire::ChatMessage>& messages,
                                   const wire::ChatOptions& options) const {
  SEL_CHECK_OK(chat_prompt_.check_roles(messages));
  if (!needs_form(messages, options)) {
    ChatPlan plan;
    SEL_TRY(prompt, tokens_.chat(messages));
    plan.prompt = std::move(prompt);
    if (options.json_schema.empty()) return plan;
    SEL_TRY(gbnf, json_grammar(options.json_schema));
    plan.grammar.gbnf = std::move(gbnf);
    return plan;
  }
  try {
    wire::ChatOptions bounded = options;
    if (wants_tools(options)) SEL_CHECK_OK(bound_tools(bounded));
    if (!options.json_schema.empty()) {
      SEL_TRY(held, held_schema(options.json_schema));
      bounded.json_schema = std::move(held.schema);
    }
    const bool both = wants_tools(options) && !options.json_schema.empty();
    const bool about_tools =
        wants_tools(options) || std::ranges::any_of(messages, [](const wire::ChatMessage& message) {
          return message.role == "tool" || !message.tool_calls.empty();
        });
    if ((!knows_tools_ && about_tools) || both) return told_form(messages, bounded);
    SEL_TRY(plan, own_form(messages, bounded));
    if (forces_tools(options) && lets_words_pass(plan)) return told_form(messages, bounded);
    return plan;
  } catch (const std::exception&) {
    return bad_messages();
  }
}

Result<ChatPlan> ChatPlanner::own_form(const std::vector<wire::ChatMessage>& messages,
                                       const wire::ChatOptions& options) const {
  TextGuard guard(tokens_);
  common_chat_params params =
      common_chat_templates_apply(templates_.get(), inputs_of(messages, options, &guard));
  const std::string prompt = std::move(params.prompt);
  if (guard.used()) {
    params = common_chat_templates_apply(templates_.get(), inputs_of(messages, options, nullptr));
  }
  ChatPlan plan;
  SEL_TRY(tokens, tokens_.guarded_prompt(prompt, guard));
  plan.prompt = std::move(tokens);
  plan.grammar.gbnf = std::move(params.grammar);
  plan.grammar.lazy = params.grammar_lazy;
  plan.grammar.triggers = std::move(params.grammar_triggers);
  plan.grammar.preserved = params.preserved_tokens;
  plan.grammar.begun = params.generation_prompt;
  plan.grammar.thinking_start = params.thinking_start_tag;
  plan.grammar.thinking_ends = params.thinking_end_tags;
  plan.stops = std::move(params.additional_stops);
  common_chat_parser_params parser(params);
  parser.reasoning_format =
      options.parse_reasoning ? COMMON_REASONING_FORMAT_DEEPSEEK : COMMON_REASONING_FORMAT_NONE;
  if (!params.parser.empty()) parser.parser.load(params.parser);
  plan.reader.emplace(std::move(parser));
  return plan;
}

Result<ChatPlan> ChatPlanner::told_form(const std::vector<wire::ChatMessage>& messages,
                                        const wire::ChatOptions& options) const {
  ChatPlan plan;
  const json tools = wants_tools(options) ? json::parse(options.tools) : json::array();
  const std::string instructions = wants_tools(options) ? instructions_of(tools, options) : "";
  SEL_TRY(prompt, tokens_.chat(told_messages(messages, instructions)));
  plan.prompt = std::move(prompt);
  if (!wants_tools(options)) {
    if (options.json_schema.empty()) return plan;
    plan.grammar.gbnf = json_schema_to_grammar(json::parse(options.json_schema));
    return plan;
  }
  const common_peg_arena parser = told_parser(tools, options);
  plan.grammar.lazy = !forces_tools(options) && options.json_schema.empty();
  if (plan.grammar.lazy) {
    plan.grammar.triggers = {{COMMON_GRAMMAR_TRIGGER_TYPE_WORD, "<tool_call>"}};
  }
  plan.grammar.gbnf = build_grammar([&](const common_grammar_builder& builder) {
    parser.build_grammar(builder, plan.grammar.lazy);
  });
  common_chat_parser_params reading;
  reading.format = COMMON_CHAT_FORMAT_PEG_NATIVE;
  reading.parser = parser;
  plan.reader.emplace(std::move(reading));
  return plan;
}

}  // namespace selvedge::engines
