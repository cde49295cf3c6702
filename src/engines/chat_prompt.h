// ChatPrompt: messages to the text of a prompt, by the chat template inside the model file.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "engines/llama_model.h"
#include "wire/messages.h"

struct common_chat_template;

namespace selvedge::engines {

// A run of a rendered prompt: what the template wrote, or what came out of a message.
struct PromptPart {
  std::string text;
  bool content = false;
};

// Jinja templates are run by llama.cpp's own interpreter, which follows the contents of messages
// through the template's operations, so that the parts can be told apart.
//
// A model without a template gets ChatML when its vocabulary has those marks, else plain lines:
//   System: <content>\n\nUser: <content>\n\nAssistant:
class ChatPrompt {
 public:
  // `model` must outlive it. Errors: model_load_failed (a template that is no Jinja).
  static Result<std::unique_ptr<ChatPrompt>> open(const LlamaModel& model);

  explicit ChatPrompt(std::unique_ptr<common_chat_template> chat_template);
  ~ChatPrompt();

  // The prompt up to where the assistant's answer begins; neighbours differ in `content`.
  // Errors: invalid_input (an unknown role, or roles in an order that the template refuses).
  Result<std::vector<PromptPart>> render(const std::vector<wire::ChatMessage>& messages) const;

  // Errors: invalid_input (a role that no template knows: it would be written into the prompt).
  static Status check_roles(const std::vector<wire::ChatMessage>& messages);

  // The template's source.
  const std::string& source() const;

 private:
  std::unique_ptr<common_chat_template> template_;
};

}  // namespace selvedge::engines
