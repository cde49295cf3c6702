// Tool calls: the calls of one completion, out of the deltas in which they come.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "wire/messages.h"

namespace selvedge::api {

struct ToolCall {
  std::string id;
  std::string name;
  std::string arguments;  // The text of a JSON object.
};

// The id of the `at`th call of what `seed` names: nine letters and digits, which is what the
// strictest chat templates take when the call comes back.
std::string tool_call_id(std::string_view seed, std::size_t at);

class ToolCalls {
 public:
  // Ids follow from `seed` where the model writes none.
  explicit ToolCalls(std::string seed) : seed_(std::move(seed)) {}

  // What `delta` adds to which call; the first of a call, and no other, has its id and name.
  struct Added {
    std::size_t index = 0;
    std::string id = {};
    std::string name = {};
    std::string arguments = {};

    bool first() const { return !id.empty(); }
  };
  Added add(const wire::ToolCallDelta& delta);

  // Nothing more comes: a call without arguments gets none, as an object.
  void finish();

  // The completion was cut off: a last call without whole arguments is none.
  void drop_cut();

  bool empty() const { return calls_.empty(); }
  const std::vector<ToolCall>& all() const { return calls_; }

 private:
  std::string seed_;
  std::vector<ToolCall> calls_;
};

// [{"id","type":"function","function":{"name","arguments":"…"}}]
void append_openai_calls(std::string& json, const std::vector<ToolCall>& calls);
// [{"name","arguments":{…}}]
void append_legacy_calls(std::string& json, const std::vector<ToolCall>& calls);

// `text` where it is a JSON object, else "{}": a completion that was cut off has half of one.
std::string object_text(std::string_view text);

}  // namespace selvedge::api
