// PromptTokens: finds marks in contents, and keeps them text.
#include "engines/prompt_tokens.h"

#include <algorithm>
#include <utility>

namespace selvedge::engines {
namespace {

constexpr std::string_view kZeroWidthSpace = "\xE2\x80\x8B";

bool looks_like_mark(std::string_view text) {
  return (text.starts_with("<|") && text.ends_with("|>")) ||
         (text.starts_with("<｜") && text.ends_with("｜>"));
}

bool is_blank(std::string_view text) { return text.find_first_not_of(" \t\r\n") == text.npos; }

void append(std::vector<llama_token>& tokens, const std::vector<llama_token>& more) {
  tokens.insert(tokens.end(), more.begin(), more.end());
}

std::size_t first_character_bytes(std::string_view text) {
  std::size_t bytes = 1;
  while (bytes < text.size() && (static_cast<unsigned char>(text[bytes]) & 0xC0) == 0x80) ++bytes;
  return bytes;
}

// The first byte of all characters U+C0000 to U+FFFFF; only plane 15 of them is assigned to anyone.
constexpr char kPlane15 = '\xF3';
constexpr std::size_t kKeptMax = 0xFFFE;
constexpr std::string_view kBlanks = " \t\r\n\v\f";

unsigned char lower(char byte) {
  const auto value = static_cast<unsigned char>(byte);
  return value >= 'A' && value <= 'Z' ? static_cast<unsigned char>(value + 32) : value;
}

bool same_letters(std::string_view left, std::string_view right) {
  return std::equal(left.begin(), left.end(), right.begin(), right.end(),
                    [](char a, char b) { return lower(a) == lower(b); });
}

// U+F0000 and on.
std::string character_of(std::size_t number) {
  const char bytes[] = {kPlane15, static_cast<char>(0xB0 | (number >> 12)),
                        static_cast<char>(0x80 | ((number >> 6) & 0x3F)),
                        static_cast<char>(0x80 | (number & 0x3F))};
  return {bytes, sizeof bytes};
}

// Of a character that character_of made; else a number that is none.
std::size_t number_of(std::string_view character) {
  if (character.size() != 4) return kKeptMax;
  const auto at = [&](std::size_t byte) { return static_cast<unsigned char>(character[byte]); };
  if (at(1) < 0xB0) return kKeptMax;
  return (at(1) & 0x0FU) << 12 | (at(2) & 0x3FU) << 6 | (at(3) & 0x3FU);
}

}  // namespace

bool has_pictures(const std::vector<wire::ChatMessage>& messages) {
  return std::ranges::any_of(messages,
                             [](const auto& message) { return !message.pictures.empty(); });
}

PromptTokens::PromptTokens(const LlamaModel& model, const ChatPrompt& chat_prompt)
    : model_(model), chat_prompt_(chat_prompt) {
  const std::string& source = chat_prompt.source();
  const llama_vocab* vocabulary = model.vocabulary();
  for (llama_token token = 0; token < llama_vocab_n_tokens(vocabulary); ++token) {
    const auto attributes = llama_vocab_get_attr(vocabulary, token);
    const bool control = (attributes & (LLAMA_TOKEN_ATTR_CONTROL | LLAMA_TOKEN_ATTR_UNKNOWN)) != 0;
    const bool user_defined = (attributes & LLAMA_TOKEN_ATTR_USER_DEFINED) != 0;
    const bool ends = llama_vocab_is_eog(vocabulary, token);
    if (!control && !user_defined && !ends) continue;
    const std::string text = llama_vocab_get_text(vocabulary, token);
    if (is_blank(text)) continue;
    if (!control && !ends && !looks_like_mark(text) && source.find(text) == source.npos) continue;
    marks_.push_back({text, user_defined});
    mark_bytes_max_ = std::max(mark_bytes_max_, text.size());
    first_bytes_[static_cast<unsigned char>(text.front())] = true;
    first_bytes_[lower(text.front())] = true;
  }
  // The longest first: of two marks that begin alike llama.cpp reads the longer one.
  std::sort(marks_.begin(), marks_.end(), [](const Mark& left, const Mark& right) {
    return left.text.size() > right.text.size();
  });
}

Result<std::vector<llama_token>> PromptTokens::chat(
    const std::vector<wire::ChatMessage>& messages) const {
  if (has_pictures(messages)) return chat_with_pictures(messages);
  SEL_TRY(parts, chat_prompt_.render(messages));
  std::vector<llama_token> tokens;
  const bool marked =
      std::any_of(messages.begin(), messages.end(),
                  [this](const auto& message) { return holds_mark(message.content); }) ||
      mark_across_seams(parts);
  if (!marked) {
    std::string prompt;
    for (const PromptPart& part : parts) prompt += part.text;
    tokens = model_.tokenize(prompt, true);
    begin(tokens);
    return tokens;
  }
  // An operation of the template may have lost track of where a text came from. Then the template
  // seems to write marks that it does not write around harmless contents, and the contents with
  // their marks broken by an invisible character take the place of the original.
  std::vector<wire::ChatMessage> broken = messages;
  for (wire::ChatMessage& message : broken) message.content = with_marks_broken(message.content);
  SEL_TRY(broken_parts, chat_prompt_.render(broken));
  const bool tracked = template_marks(parts) == template_marks(broken_parts);
  tokens = apart(tracked ? parts : broken_parts);
  begin(tokens);
  return tokens;
}

Result<std::vector<llama_token>> PromptTokens::chat_with_pictures(
    const std::vector<wire::ChatMessage>& messages) const {
  TextGuard guard(*this);
  std::vector<wire::ChatMessage> guarded = messages;
  for (wire::ChatMessage& message : guarded) message.content = guard.guarded_content(message);
  SEL_TRY(parts, chat_prompt_.render(guarded));
  std::string prompt;
  for (const PromptPart& part : parts) prompt += part.text;
  return guarded_prompt(prompt, guard);
}

std::vector<llama_token> PromptTokens::raw(std::string_view prompt) const {
  std::vector<llama_token> tokens = model_.tokenize(prompt, true);
  begin(tokens);
  return tokens;
}

bool PromptTokens::holds_mark(std::string_view text) const {
  bool seen[256] = {};
  bool possible = false;
  for (const char byte : text) {
    const auto at = static_cast<unsigned char>(byte);
    seen[at] = true;
    possible = possible || first_bytes_[at];
  }
  if (!possible) return false;
  return std::any_of(marks_.begin(), marks_.end(), [&](const Mark& mark) {
    return seen[static_cast<unsigned char>(mark.text.front())] && text.find(mark.text) != text.npos;
  });
}

// A content that ends in "<|eot_id" before a template that goes on with "|>".
bool PromptTokens::mark_across_seams(const std::vector<PromptPart>& parts) const {
  std::string before;
  for (const PromptPart& part : parts) {
    const std::size_t reach = mark_bytes_max_ > 0 ? mark_bytes_max_ - 1 : 0;
    const std::size_t tail = std::min(before.size(), reach);
    const std::string seam = before.substr(before.size() - tail) + part.text.substr(0, reach);
    for (const Mark& mark : marks_) {
      const std::size_t at = tail >= mark.text.size() ? tail - mark.text.size() + 1 : 0;
      const std::size_t found = seam.find(mark.text, at);
      if (found < tail && found + mark.text.size() > tail) return true;
    }
    before.append(part.text);
    before.erase(0, before.size() - std::min(before.size(), reach));
  }
  return false;
}

std::vector<llama_token> PromptTokens::content_tokens(std::string_view text) const {
  std::vector<llama_token> tokens;
  while (!text.empty()) {
    std::size_t cut = text.size();
    for (const Mark& mark : marks_) {
      if (!mark.user_defined) continue;
      const std::size_t at = text.find(mark.text);
      if (at == text.npos) continue;
      cut = std::min(cut, at + first_character_bytes(mark.text));
    }
    append(tokens, model_.tokenize(text.substr(0, cut), false));
    text.remove_prefix(cut);
  }
  return tokens;
}

std::vector<llama_token> PromptTokens::apart(const std::vector<PromptPart>& parts) const {
  std::vector<llama_token> tokens;
  for (const PromptPart& part : parts) {
    append(tokens, part.content ? content_tokens(part.text) : model_.tokenize(part.text, true));
  }
  return tokens;
}

std::vector<llama_token> PromptTokens::template_marks(const std::vector<PromptPart>& parts) const {
  std::vector<llama_token> found;
  for (const PromptPart& part : parts) {
    if (part.content) continue;
    for (const llama_token token : model_.tokenize(part.text, true)) {
      const bool mark = model_.has_attribute(
          token, static_cast<llama_token_attr>(LLAMA_TOKEN_ATTR_CONTROL | LLAMA_TOKEN_ATTR_UNKNOWN |
                                               LLAMA_TOKEN_ATTR_USER_DEFINED));
      if (mark || llama_vocab_is_eog(model_.vocabulary(), token)) found.push_back(token);
    }
  }
  return found;
}

std::string PromptTokens::with_marks_broken(std::string_view text) const {
  std::string broken(text);
  for (const Mark& mark : marks_) {
    const std::size_t first = first_character_bytes(mark.text);
    for (std::size_t at = broken.find(mark.text); at != broken.npos;
         at = broken.find(mark.text, at + first)) {
      broken.insert(at + first, kZeroWidthSpace);
    }
  }
  return broken;
}

// Bytes of the mark that begins `text`; 0 when none does.
std::size_t PromptTokens::mark_at(std::string_view text) const {
  for (const Mark& mark : marks_) {
    if (same_letters(text.substr(0, mark.text.size()), mark.text)) return mark.text.size();
  }
  return 0;
}

// Bytes at the head of `text` that could end a mark.
std::size_t PromptTokens::end_of_mark(std::string_view text) const {
  std::size_t longest = 0;
  for (const Mark& mark : marks_) {
    for (std::size_t bytes = mark.text.size() - 1; bytes > longest; --bytes) {
      const std::string_view end = std::string_view(mark.text).substr(mark.text.size() - bytes);
      if (same_letters(text.substr(0, bytes), end)) longest = bytes;
    }
  }
  return longest;
}

// Bytes at the tail of `text` that could begin one.
std::size_t PromptTokens::begin_of_mark(std::string_view text) const {
  std::size_t longest = 0;
  for (const Mark& mark : marks_) {
    for (std::size_t bytes = mark.text.size() - 1; bytes > longest; --bytes) {
      if (bytes > text.size()) continue;
      const std::string_view begin = std::string_view(mark.text).substr(0, bytes);
      if (same_letters(text.substr(text.size() - bytes), begin)) longest = bytes;
    }
  }
  return longest;
}

Result<std::vector<llama_token>> PromptTokens::guarded_prompt(std::string_view prompt,
                                                              const TextGuard& guard) const {
  std::vector<llama_token> tokens;
  std::vector<bool> seen(guard.pictures_, false);
  while (!prompt.empty()) {
    const std::size_t at = std::min(prompt.find(kPlane15), prompt.size());
    if (at > 0) append(tokens, model_.tokenize(prompt.substr(0, at), true));
    prompt.remove_prefix(at);
    if (prompt.empty()) break;
    const std::string_view character = prompt.substr(0, first_character_bytes(prompt));
    const std::size_t number = number_of(character);
    prompt.remove_prefix(character.size());
    // Only the guard writes such characters.
    if (number >= guard.kept_.size()) continue;
    const TextGuard::Kept& kept = guard.kept_[number];
    if (kept.picture) {
      tokens.push_back(picture_token(*kept.picture));
      seen[*kept.picture] = true;
    } else {
      append(tokens, content_tokens(kept.text));
    }
  }
  if (std::ranges::find(seen, false) != seen.end()) {
    return Error{Code::invalid_input, "messages: the model's chat template leaves a picture out"};
  }
  begin(tokens);
  return tokens;
}

void TextGuard::keep(std::string& out, std::string_view text) {
  // So many different ones are only private characters, which are nobody's text.
  if (kept_.size() >= kKeptMax) return;
  const auto [found, added] = numbers_.try_emplace(std::string(text), kept_.size());
  if (added) kept_.push_back({std::string(text)});
  out += character_of(found->second);
}

std::string TextGuard::guarded_content(const wire::ChatMessage& message) {
  std::string out;
  std::size_t at = 0;
  const std::string_view content = message.content;
  for (const wire::InlinePicture& picture : message.pictures) {
    const std::size_t end = std::clamp<std::size_t>(picture.at, at, content.size());
    out += guarded(content.substr(at, end - at));
    at = end;
    // Without a character for it the picture counts as left out.
    if (kept_.size() < kKeptMax) {
      out += character_of(kept_.size());
      kept_.push_back({{}, pictures_});
    }
    ++pictures_;
  }
  return out + guarded(content.substr(at));
}

std::string TextGuard::guarded(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  const std::size_t body_begin = std::min(text.find_first_not_of(kBlanks), text.size());
  const std::size_t body_end = text.find_last_not_of(kBlanks) + 1;
  std::size_t at = 0;
  const std::size_t head = tokens_.end_of_mark(text.substr(body_begin));
  const std::string_view body = text.substr(0, std::max(body_begin, body_end));
  const std::size_t tail = tokens_.begin_of_mark(body.substr(body_begin));
  while (at < text.size()) {
    const std::string_view rest = text.substr(at);
    std::size_t bytes = 0;
    if (tokens_.first_bytes_[lower(rest.front())]) bytes = tokens_.mark_at(rest);
    if (bytes == 0 && at == body_begin) bytes = head;
    if (bytes == 0 && at < body.size() && body.size() - at <= tail) bytes = body.size() - at;
    if (bytes == 0 && rest.starts_with(kPlane15)) bytes = first_character_bytes(rest);
    if (bytes == 0) {
      out += text[at++];
    } else {
      keep(out, rest.substr(0, bytes));
      at += bytes;
    }
  }
  return out;
}

// The beginning-of-sequence token, unless the template has written it.
void PromptTokens::begin(std::vector<llama_token>& tokens) const {
  const llama_token bos = llama_vocab_bos(model_.vocabulary());
  if (bos == LLAMA_TOKEN_NULL || !llama_vocab_get_add_bos(model_.vocabulary())) return;
  if (!tokens.empty() && tokens.front() == bos) return;
  tokens.insert(tokens.begin(), bos);
}

}  // namespace selvedge::engines
