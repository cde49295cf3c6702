// Fault: one switch of the test kit that makes calls fail.
#pragma once

#include <cstddef>
#include <optional>
#include <string_view>

#include "api/call_names.h"
#include "api/kit_rule.h"
#include "base/result.h"

namespace selvedge::api {

// WHAT[+EVENTS] and a rule behind it (KitRule). WHAT is Cloudflare's number (3040), a code by its
// name (queue_full), or `cut`: the connection breaks in the middle of the answer. With +EVENTS the
// failure comes in a stream, after so many events; answers that are no stream are then left alone.
// A number strikes the product that has it, a name and `cut` both.
struct Fault {
  KitRule rule;
  bool cut = false;
  Code code = Code::internal;
  Product product = Product::none;  // None: Workers AI and Vectorize.
  std::optional<std::size_t> after_events;

  // Decided when the answer is there; else before the call is looked at.
  bool late() const { return cut || after_events.has_value(); }
};

// Errors: invalid_input (names the part at fault).
Result<Fault> parse_fault(std::string_view text);

// Whether `call` is one of those that the fault is about: by product, and by the rule's WHERE. The
// bot's calls are meant only where WHERE says so.
bool concerns(const KitRule& rule, Product product, const CallNames& call);

// What the client is told: the hosted service's words where clients search for them.
Error fault_error(const Fault& fault, const CallNames& call);

}  // namespace selvedge::api
