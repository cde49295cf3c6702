// PromptTokens: prompts to tokens, so that no text of a message is ever read as a control token.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "engines/chat_prompt.h"
#include "engines/llama_model.h"

namespace selvedge::engines {

// A mark is a token that structures prompts or ends completions: control, unknown and
// end-of-generation tokens, and user-defined ones that look like such (<|…|>) or that the chat
// template writes.
//
// A prompt whose contents hold no mark is cut into tokens as one text, as the model was trained.
// Otherwise template and contents are cut apart: the template's marks become tokens, those in
// contents stay text. Between a content and its neighbours no token is merged then, and
// vocabularies of the SentencePiece kind see a space at the seam.
class PromptTokens {
 public:
  // Both must outlive it.
  PromptTokens(const LlamaModel& model, const ChatPrompt& chat_prompt);

  // The tokens of a chat, the assistant's turn opened. Errors: those of ChatPrompt::render.
  Result<std::vector<llama_token>> chat(const std::vector<wire::ChatMessage>& messages) const;

  // The tokens of a prompt that the caller has put into the model's format: marks are read as
  // tokens.
  std::vector<llama_token> raw(std::string_view prompt) const;

 private:
  struct Mark {
    std::string text;
    // llama.cpp reads user-defined tokens in any text: it must be cut inside them.
    bool user_defined = false;
  };

  bool holds_mark(std::string_view text) const;
  bool mark_across_seams(const std::vector<PromptPart>& parts) const;
  std::vector<llama_token> content_tokens(std::string_view text) const;
  std::vector<llama_token> apart(const std::vector<PromptPart>& parts) const;
  std::vector<llama_token> template_marks(const std::vector<PromptPart>& parts) const;
  std::string with_marks_broken(std::string_view text) const;
  void begin(std::vector<llama_token>& tokens) const;

  const LlamaModel& model_;
  const ChatPrompt& chat_prompt_;
  std::vector<Mark> marks_;
  std::size_t mark_bytes_max_ = 0;
  bool first_bytes_[256] = {};  // Of the marks.
};

}  // namespace selvedge::engines
