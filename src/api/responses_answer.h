// Responses answer: a turn as OpenAI's response object, or as its events.
#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "api/turn_blocks.h"
#include "catalog/catalog.h"

namespace selvedge::api {

struct ResponsesHead {
  std::string uuid;                            // Ids are made of it.
  std::int64_t created_s = 0;                  // Since 1970.
  std::string echoed;                          // See ResponsesCall.
  const catalog::ModelEntry* entry = nullptr;  // For the price.
};

// {"id":"resp_…","object":"response",…}
std::string responses_json(const ResponsesHead& head, const Turn& turn);

// response.created … response.completed, each with its number.
class ResponsesForm final : public TurnForm {
 public:
  // `error_json` makes the door's form of an error.
  explicit ResponsesForm(ResponsesHead head) : head_(std::move(head)) {}
  void begin(std::size_t index, const Block& block) override;
  void delta(std::size_t index, const Block& block, const std::string& added) override;
  void end(std::size_t index, const Block& block) override;
  void first() override;
  void last(const Turn& turn) override;
  std::string error_event(const Error& error) override;

 private:
  std::string event(std::string_view type, std::string_view members);

  ResponsesHead head_;
  std::size_t number_ = 0;
};

}  // namespace selvedge::api
