// ChatPlan: how a model is asked for tools, reasoning or JSON, and how what it says is read.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "engines/chat_prompt.h"
#include "engines/chat_reader.h"
#include "engines/grammar_gate.h"
#include "engines/llama_model.h"
#include "engines/prompt_tokens.h"
#include "wire/messages.h"

namespace selvedge::engines {

struct ChatPlan {
  std::vector<llama_token> prompt;  // Pictures are picture_token.
  GrammarRules grammar = {};
  std::optional<ChatReader> reader = {};  // Without one the completion is text.
  std::vector<std::string> stops = {};    // Of the model's form, beside the caller's.
};

// Templates that describe tools are asked in their own form, by llama.cpp's knowledge of them. To
// others, and where tools and a schema are asked for at once, tools are told in the system text:
//   <tool_call>
//   {"name": "…", "arguments": {…}}
//   </tool_call>
// No text of a message, a tool or a template value is ever read as a control token.
class ChatPlanner {
 public:
  // All must outlive it. Errors: model_load_failed.
  static Result<std::unique_ptr<ChatPlanner>> open(const LlamaModel& model,
                                                   const ChatPrompt& chat_prompt,
                                                   const PromptTokens& tokens);

  // Takes `chat_template` in place of the model's own.
  ChatPlanner(const LlamaModel& model, const ChatPrompt& chat_prompt, const PromptTokens& tokens,
              const std::string& chat_template);

  // Errors: invalid_input (roles that the template refuses; a schema that makes no grammar).
  Result<ChatPlan> plan(const std::vector<wire::ChatMessage>& messages,
                        const wire::ChatOptions& options) const;

  // A grammar for JSON of this schema. Errors: invalid_input.
  static Result<std::string> json_grammar(const std::string& schema);

 private:
  // A schema as bounded_schema() leaves it, which is not to be put through it again: its patterns
  // speak of JSON text by then.
  struct HeldSchema {
    std::string schema;
    std::string grammar;
  };
  // Errors: invalid_input.
  static Result<HeldSchema> held_schema(const std::string& schema);

  // `options` with schemas that are held.
  Result<ChatPlan> own_form(const std::vector<wire::ChatMessage>& messages,
                            const wire::ChatOptions& options) const;
  Result<ChatPlan> told_form(const std::vector<wire::ChatMessage>& messages,
                             const wire::ChatOptions& options) const;
  bool needs_form(const std::vector<wire::ChatMessage>& messages,
                  const wire::ChatOptions& options) const;
  bool lets_words_pass(const ChatPlan& plan) const;
  bool reasons() const;

  const LlamaModel& model_;
  const ChatPrompt& chat_prompt_;
  const PromptTokens& tokens_;
  common_chat_templates_ptr templates_;
  bool knows_tools_ = false;
  mutable std::optional<bool> reasons_;  // Found out when first asked for.
};

}  // namespace selvedge::engines
