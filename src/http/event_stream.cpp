// Parses text/event-stream as the WHATWG standard says (ids and retry times are not needed here).
#include "http/event_stream.h"

namespace selvedge::http {

void EventStream::feed(std::string_view bytes) {
  pending_.append(bytes);
  std::size_t from = 0;
  for (;;) {
    const std::size_t end = pending_.find('\n', from);
    if (end == std::string::npos) break;
    std::string_view text(pending_.data() + from, end - from);
    if (text.ends_with('\r')) text.remove_suffix(1);
    line(text);
    from = end + 1;
  }
  pending_.erase(0, from);
}

void EventStream::line(std::string_view text) {
  if (text.empty()) {
    if (has_data_) on_event_(event_);
    event_ = {};
    has_data_ = false;
    return;
  }
  const std::size_t colon = text.find(':');
  const std::string_view field = text.substr(0, colon);
  std::string_view value = colon == std::string_view::npos ? "" : text.substr(colon + 1);
  if (value.starts_with(' ')) value.remove_prefix(1);
  if (field == "event") event_.event = value;
  if (field == "data") {
    if (has_data_) event_.data.push_back('\n');
    event_.data.append(value);
    has_data_ = true;
  }
}

}  // namespace selvedge::http
