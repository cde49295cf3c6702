// Completion text: holds back what may turn out to be a stop string or half a character.
#include "engines/completion_text.h"

#include <algorithm>
#include <utility>

#include "base/utf8.h"

namespace selvedge::engines {
namespace {

// Bytes at the end of `text` that begin `stop` without completing it.
std::size_t begun_bytes(std::string_view text, std::string_view stop) {
  for (std::size_t bytes = std::min(text.size(), stop.size() - 1); bytes > 0; --bytes) {
    if (text.ends_with(stop.substr(0, bytes))) return bytes;
  }
  return 0;
}

}  // namespace

CompletionText::CompletionText(std::vector<std::string> stops) : stops_(std::move(stops)) {
  std::erase_if(stops_, [](const std::string& stop) { return stop.empty(); });
}

std::string CompletionText::add(std::string_view bytes) {
  if (stopped_) return {};
  held_.append(bytes);
  std::size_t stop_at = std::string::npos;
  std::size_t hold_bytes = 0;
  for (const std::string& stop : stops_) {
    const std::size_t found = held_.find(stop);
    if (found < stop_at) stop_ = stop;
    stop_at = std::min(stop_at, found);
    hold_bytes = std::max(hold_bytes, begun_bytes(held_, stop));
  }
  if (stop_at != std::string::npos) {
    stopped_ = true;
    std::string text = take(stop_at);
    held_.clear();
    return text;
  }
  std::size_t ready_bytes = held_.size() - hold_bytes;
  ready_bytes -= utf8::incomplete_tail_bytes(std::string_view(held_).substr(0, ready_bytes));
  return take(ready_bytes);
}

std::string CompletionText::finish() { return take(held_.size()); }

std::string CompletionText::take(std::size_t bytes) {
  std::string text = utf8::repaired(std::string_view(held_).substr(0, bytes));
  held_.erase(0, bytes);
  sent_bytes_ += bytes;
  return text;
}

}  // namespace selvedge::engines
