// ChatReader: llama.cpp's parser over all that has come, and the difference to what was told.
#include "engines/chat_reader.h"

#include <exception>
#include <utility>

namespace selvedge::engines {
namespace {

// Each look reads everything: after this many bytes only when a 64th more has come, so that a
// completion costs no more than 64 readings of its own length.
constexpr std::size_t kAlwaysBytes = 4096;
constexpr std::size_t kShare = 64;
// The parser calls itself for each level: a completion of nothing but brackets would take the
// stack.
constexpr int kBracketsMax = 200;

}  // namespace

void ChatReader::count_brackets(std::string_view text) {
  for (const char byte : text) {
    if (byte == '{' || byte == '[') ++open_brackets_;
    if (byte == '}' || byte == ']') --open_brackets_;
    if (open_brackets_ > kBracketsMax) too_deep_ = true;
  }
}

ChatReader::News ChatReader::add(std::string_view text) {
  count_brackets(text);
  if (too_deep_) return {std::string(text), {}, {}};
  whole_ += text;
  News news;
  const std::size_t unread_bytes = whole_.size() - read_bytes_;
  if (unread_bytes == 0) return news;
  if (whole_.size() > kAlwaysBytes && unread_bytes * kShare < whole_.size()) return news;
  read(true, news);
  return news;
}

ChatReader::News ChatReader::finish(std::string_view text) {
  count_brackets(text);
  if (too_deep_) return {std::string(text), {}, {}};
  whole_ += text;
  News news;
  if (read(false, news)) return news;
  read(true, news);
  if (told_.tool_calls.empty()) news.text += untold();
  return news;
}

// What of the whole is neither text nor reasoning that was told.
std::string ChatReader::untold() const {
  std::size_t begin = 0;
  for (const std::string* told : {&told_.reasoning_content, &told_.content}) {
    const std::size_t found = told->empty() ? begin : whole_.find(*told, begin);
    if (found != whole_.npos) begin = found + told->size();
  }
  return whole_.substr(begin);
}

// What the parser does not take it may read as nothing at all, or as less than before.
bool ChatReader::takes_back(const common_chat_msg& now) const {
  return !now.content.starts_with(told_.content) ||
         !now.reasoning_content.starts_with(told_.reasoning_content) ||
         now.tool_calls.size() < told_.tool_calls.size();
}

// False, and nothing new, when the parser does not take it.
bool ChatReader::read(bool partial, News& news) {
  read_bytes_ = whole_.size();
  try {
    common_chat_msg now = common_chat_parse(whole_, partial, parser_);
    if (takes_back(now)) return false;
    for (common_chat_msg_diff& diff : common_chat_msg_diff::compute_diffs(told_, now)) {
      news.text += diff.content_delta;
      news.reasoning += diff.reasoning_content_delta;
      if (diff.tool_call_index == std::string::npos) continue;
      news.tool_calls.push_back(
          {static_cast<std::int32_t>(diff.tool_call_index), std::move(diff.tool_call_delta.id),
           std::move(diff.tool_call_delta.name), std::move(diff.tool_call_delta.arguments)});
    }
    told_ = std::move(now);
    return true;
  } catch (const std::exception&) {
    news = {};
    return false;
  }
}

}  // namespace selvedge::engines
