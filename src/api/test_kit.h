// Test kit: faults and latency, which a server that is told so adds to its answers.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <boost/asio/awaitable.hpp>

#include "api/call_names.h"
#include "api/door_form.h"
#include "api/fault.h"
#include "api/kit_rule.h"
#include "base/result.h"
#include "http/message.h"

namespace selvedge::api {

namespace asio = boost::asio;

struct TestKitOptions {
  std::vector<std::string> faults;     // As parse_fault takes them.
  std::vector<std::string> latencies;  // As parse_latency takes them.
  std::uint64_t seed = 0;              // What is drawn follows from it.
  // Every switch that is on, as it stands on the command line, for the log and /health: those above
  // and those that other layers heed.
  std::vector<std::string> switches;
};

// "200ms" or "50ms-500ms" and a rule behind it: so long the answer waits; of two, drawn between.
struct Latency {
  KitRule rule;
  std::chrono::milliseconds least{0};
  std::chrono::milliseconds most{0};
};
// Errors: invalid_input.
Result<Latency> parse_latency(std::string_view text);

// One call on its way through the kit.
struct KitCall {
  CallNames names;
  DoorForm form = DoorForm::plain;
  std::string request_id;   // For errors that tell one; also the one of the answer, if it has none.
  std::string own_fault;    // Headers of the request; empty: none.
  std::string own_latency;  // The same.
};

// I/O thread only. Each rule counts the calls that it concerns, whatever the other rules do; of
// several faults that strike one call the first counts, latencies add up.
class TestKit {
 public:
  static constexpr std::string_view kFaultHeader = "selvedge-fault";
  static constexpr std::string_view kLatencyHeader = "selvedge-latency";

  TestKit() = default;
  // Errors: invalid_input.
  static Result<std::shared_ptr<TestKit>> create(TestKitOptions options);

  const std::vector<std::string>& switches() const { return switches_; }

  // Whether the kit has to look at `request` at all.
  bool has_part_in(const http::Request& request) const;

  // The answer of `work`, later and otherwise as the rules and the request's own headers say:
  // `selvedge-fault: 3040+2` and `selvedge-latency: 200ms`, without rate, count and pattern. An
  // answer that was struck says so in its header selvedge-fault.
  using Work = std::function<asio::awaitable<http::Response>()>;
  asio::awaitable<http::Response> act(KitCall call, Work work);

 private:
  struct CountedFault {
    Fault fault;
    std::uint64_t seen = 0;
  };
  struct CountedLatency {
    Latency latency;
    std::uint64_t seen = 0;
  };

  std::chrono::milliseconds latency_of(const CallNames& call);
  // The first that strikes now; null: none.
  const Fault* striking(const KitCall& call, bool late, bool stream);

  std::vector<CountedFault> faults_;
  std::vector<CountedLatency> latencies_;
  std::vector<std::string> switches_;
  std::uint64_t seed_ = 0;
};

}  // namespace selvedge::api
