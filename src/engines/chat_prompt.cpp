// ChatPrompt: values into the interpreter, marked parts out of it.
#include "engines/chat_prompt.h"

#include <algorithm>
#include <array>
#include <ctime>
#include <exception>
#include <utility>

#include "common/chat.h"

namespace selvedge::engines {
namespace {

constexpr const char* kChatMl =
    "{%- for message in messages -%}"
    "{{- '<|im_start|>' + message.role + '\\n' + message.content + '<|im_end|>\\n' -}}"
    "{%- endfor -%}"
    "{%- if add_generation_prompt -%}{{- '<|im_start|>assistant\\n' -}}{%- endif -%}";

constexpr const char* kPlain =
    "{%- for message in messages -%}"
    "{{- message.role | capitalize + ': ' + message.content + '\\n\\n' -}}"
    "{%- endfor -%}"
    "{%- if add_generation_prompt -%}{{- 'Assistant:' -}}{%- endif -%}";

constexpr std::array<std::string_view, 5> kRoles = {"system", "user", "assistant", "tool",
                                                    "developer"};

bool has_token(const LlamaModel& model, std::string_view text) {
  return model.tokenize(text, true).size() == 1;
}

std::string template_source(const LlamaModel& model) {
  const char* own = llama_model_chat_template(model.get(), nullptr);
  if (own != nullptr && std::string_view(own) != "chatml") return own;
  const bool chatml =
      own != nullptr || (has_token(model, "<|im_start|>") && has_token(model, "<|im_end|>"));
  return chatml ? kChatMl : kPlain;
}

std::string mark_text(const LlamaModel& model, llama_token token) {
  return token == LLAMA_TOKEN_NULL ? std::string() : model.piece(token, true);
}

// Models trained without a system role get the system text at the head of the first other message.
std::vector<wire::ChatMessage> without_system_role(std::vector<wire::ChatMessage> messages) {
  if (messages.size() < 2 || messages.front().role != "system") return messages;
  messages[1].content = messages[0].content + "\n" + messages[1].content;
  messages.erase(messages.begin());
  return messages;
}

jinja::value text_value(const std::string& text) {
  return jinja::mk_val<jinja::value_string>(text);
}

jinja::value content_value(const std::string& content, const jinja::caps& caps) {
  auto text = jinja::mk_val<jinja::value_string>(jinja::string(content, true));
  if (caps.supports_string_content || !caps.supports_typed_content) return text;
  auto part = jinja::mk_val<jinja::value_object>();
  part->insert("type", text_value("text"));
  part->insert("text", text);
  auto parts = jinja::mk_val<jinja::value_array>();
  parts->push_back(std::move(part));
  return parts;
}

jinja::value messages_value(const std::vector<wire::ChatMessage>& messages,
                            const jinja::caps& caps) {
  auto list = jinja::mk_val<jinja::value_array>();
  for (const wire::ChatMessage& message : messages) {
    auto one = jinja::mk_val<jinja::value_object>();
    one->insert("role", text_value(message.role));
    one->insert("content", content_value(message.content, caps));
    list->push_back(std::move(one));
  }
  return list;
}

std::string today(const char* format) {
  const std::time_t now = std::time(nullptr);
  std::tm parts{};
  ::localtime_r(&now, &parts);
  char text[64];
  const std::size_t bytes = std::strftime(text, sizeof text, format, &parts);
  return std::string(text, bytes);
}

}  // namespace

ChatPrompt::ChatPrompt(std::unique_ptr<common_chat_template> chat_template)
    : template_(std::move(chat_template)) {}

ChatPrompt::~ChatPrompt() = default;

const std::string& ChatPrompt::source() const { return template_->src; }

Result<std::unique_ptr<ChatPrompt>> ChatPrompt::open(const LlamaModel& model) {
  const std::string bos = mark_text(model, llama_vocab_bos(model.vocabulary()));
  const std::string eos = mark_text(model, llama_vocab_eos(model.vocabulary()));
  try {
    auto chat_template = std::make_unique<common_chat_template>(template_source(model), bos, eos);
    return std::make_unique<ChatPrompt>(std::move(chat_template));
  } catch (const std::exception& caught) {
    return Error{Code::model_load_failed,
                 std::string("chat template of the model: ") + caught.what()};
  }
}

Status ChatPrompt::check_roles(const std::vector<wire::ChatMessage>& messages) {
  for (const wire::ChatMessage& message : messages) {
    if (std::find(kRoles.begin(), kRoles.end(), message.role) != kRoles.end()) continue;
    return Error{Code::invalid_input,
                 "messages: a role that is none of system, user, assistant, tool"};
  }
  return ok_status();
}

Result<std::vector<PromptPart>> ChatPrompt::render(
    const std::vector<wire::ChatMessage>& messages) const {
  // A role is written into the prompt as the template's own text.
  SEL_CHECK_OK(check_roles(messages));
  std::vector<wire::ChatMessage> known = messages;
  for (wire::ChatMessage& message : known) {
    if (message.role == "developer") message.role = "system";
  }
  const jinja::caps& caps = template_->caps;
  if (!caps.supports_system_role) known = without_system_role(std::move(known));

  jinja::context context(template_->src);
  context.set_val("messages", messages_value(known, caps));
  context.set_val("bos_token", text_value(template_->bos_tok));
  context.set_val("eos_token", text_value(template_->eos_tok));
  context.set_val("add_generation_prompt", jinja::mk_val<jinja::value_bool>(true));
  context.set_val("enable_thinking", jinja::mk_val<jinja::value_bool>(true));
  context.set_val("date_string", text_value(today("%d %b %Y")));
  context.set_val("datetime", text_value(today("%b %d %Y")));
  std::vector<PromptPart> parts;
  try {
    jinja::runtime runtime(context);
    const jinja::value results = runtime.execute(template_->prog);
    const jinja::value_string gathered = jinja::runtime::gather_string_parts(results);
    for (const jinja::string_part& part : gathered->val_str.parts) {
      if (!part.val.empty()) parts.push_back({part.val, part.is_input});
    }
  } catch (const std::exception&) {
    // What the template says may repeat what is in the messages.
    return Error{Code::invalid_input,
                 "messages: the model's chat template refuses these roles or their order"};
  }
  return parts;
}

}  // namespace selvedge::engines
