// Messages answer: a turn as Anthropic's message, or as its events; and its errors.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "api/turn_blocks.h"
#include "http/message.h"

namespace selvedge::api {

struct MessagesHead {
  std::string uuid;                     // Ids are made of it.
  std::string model;                    // As asked for.
  std::vector<std::string> stops = {};  // Those that the caller gave.
};

// {"id":"msg_…","type":"message",…}
std::string message_json(const MessagesHead& head, const Turn& turn);

// {"type":"error","error":{"type","message"}}; the type follows from the status.
std::string messages_error_json(const Error& error);
http::Response messages_error(const Error& error);

// A path whose errors have that form.
bool is_messages_path(std::string_view path);

// message_start … message_stop.
class MessagesForm final : public TurnForm {
 public:
  explicit MessagesForm(MessagesHead head) : head_(std::move(head)) {}
  void begin(std::size_t index, const Block& block) override;
  void delta(std::size_t index, const Block& block, const std::string& added) override;
  void end(std::size_t index, const Block& block) override;
  void first() override;
  void last(const Turn& turn) override;
  std::string error_event(const Error& error) override;

 private:
  MessagesHead head_;
};

}  // namespace selvedge::api
