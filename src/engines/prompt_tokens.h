// PromptTokens: prompts to tokens, so that no text of a message is ever read as a control token.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/result.h"
#include "engines/chat_prompt.h"
#include "engines/llama_model.h"

namespace selvedge::engines {

class TextGuard;

// What stands for the picture `at` of a chat until it is read: no token of a vocabulary.
constexpr llama_token picture_token(std::size_t at) { return -2 - static_cast<llama_token>(at); }
constexpr bool is_picture_token(llama_token token) { return token <= -2; }
bool has_pictures(const std::vector<wire::ChatMessage>& messages);

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

  // The tokens of a chat, the assistant's turn opened. Its pictures are picture_token(0) and on, in
  // order. Errors: those of ChatPrompt::render, invalid_input (the template leaves a picture out).
  Result<std::vector<llama_token>> chat(const std::vector<wire::ChatMessage>& messages) const;

  // The tokens of a prompt that the caller has put into the model's format: marks are read as
  // tokens.
  std::vector<llama_token> raw(std::string_view prompt) const;

  // The tokens of a prompt into which a template has written texts of `guard`. Errors:
  // invalid_input (it has left a picture out).
  Result<std::vector<llama_token>> guarded_prompt(std::string_view prompt,
                                                  const TextGuard& guard) const;

 private:
  friend class TextGuard;

  struct Mark {
    std::string text;
    // llama.cpp reads user-defined tokens in any text: it must be cut inside them.
    bool user_defined = false;
  };

  Result<std::vector<llama_token>> chat_with_pictures(
      const std::vector<wire::ChatMessage>& messages) const;
  bool holds_mark(std::string_view text) const;
  bool mark_across_seams(const std::vector<PromptPart>& parts) const;
  std::vector<llama_token> content_tokens(std::string_view text) const;
  std::vector<llama_token> apart(const std::vector<PromptPart>& parts) const;
  std::vector<llama_token> template_marks(const std::vector<PromptPart>& parts) const;
  std::string with_marks_broken(std::string_view text) const;
  void begin(std::vector<llama_token>& tokens) const;
  std::size_t mark_at(std::string_view text) const;
  std::size_t end_of_mark(std::string_view text) const;
  std::size_t begin_of_mark(std::string_view text) const;

  const LlamaModel& model_;
  const ChatPrompt& chat_prompt_;
  std::vector<Mark> marks_;
  std::size_t mark_bytes_max_ = 0;
  bool first_bytes_[256] = {};  // Of the marks.
};

// Makes texts that a template may treat as it likes: what is a mark in them, or could become a part
// of one beside the template's own text, is replaced by one character for private use (plane 15),
// which no operation of a template changes. PromptTokens::guarded_prompt puts it back, as text.
// Marks count in either case of letters: a template may change it.
class TextGuard {
 public:
  // `tokens` must outlive it.
  explicit TextGuard(const PromptTokens& tokens) : tokens_(tokens) {}

  std::string guarded(std::string_view text);
  // The same of a message's content; each of its pictures is such a character, too.
  std::string guarded_content(const wire::ChatMessage& message);

  // Something was replaced.
  bool used() const { return !kept_.empty(); }

 private:
  friend class PromptTokens;

  struct Kept {
    std::string text;
    std::optional<std::size_t> picture = {};
  };

  void keep(std::string& out, std::string_view text);

  const PromptTokens& tokens_;
  std::vector<Kept> kept_;  // By the number of the character that stands for it.
  std::size_t pictures_ = 0;
  std::unordered_map<std::string, std::size_t> numbers_;
};

}  // namespace selvedge::engines
