// EventStream: reads server-sent events out of the bytes of a response.
#pragma once

#include <functional>
#include <string>
#include <string_view>

namespace selvedge::http {

struct ServerEvent {
  std::string event;  // Empty for the default kind.
  std::string data;   // Lines joined by '\n'.
};

// Feed it bytes in any portions; it calls `on_event` for each whole event. Comments are skipped.
class EventStream {
 public:
  explicit EventStream(std::function<void(const ServerEvent&)> on_event)
      : on_event_(std::move(on_event)) {}
  void feed(std::string_view bytes);

 private:
  void line(std::string_view text);

  std::function<void(const ServerEvent&)> on_event_;
  std::string pending_;
  ServerEvent event_;
  bool has_data_ = false;
};

}  // namespace selvedge::http
