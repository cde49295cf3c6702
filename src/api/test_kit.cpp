// Test kit: a wait before the work, a refusal in its place, or a fault in what it gave.
#include "api/test_kit.h"

#include <algorithm>
#include <utility>

#include <boost/asio.hpp>

#include "api/faulty_body.h"
#include "api/sse.h"
#include "base/duration.h"
#include "base/limits.h"
#include "base/log.h"

namespace selvedge::api {
namespace {

using std::chrono::milliseconds;

Result<milliseconds> bounded_duration(std::string_view text) {
  SEL_TRY(time, parse_duration(text));
  if (time.count() > limits::kit_delay_ms_max) {
    return Error{Code::invalid_input, "\"" + std::string(text) + "\" is longer than 1h"};
  }
  return time;
}

// A header concerns its own request, so there is nothing to choose.
Status check_own(std::string_view header, const KitRule& rule) {
  const bool chooses = rule.rate != 1 || rule.first != 1 || rule.every != 1 ||
                       rule.last != KitRule().last || !rule.where.empty();
  if (!chooses) return ok_status();
  return Error{Code::invalid_input, "the header " + std::string(header) +
                                        " concerns its own request: it takes no rate, count or "
                                        "pattern"};
}

struct Own {
  std::optional<Fault> fault;
  milliseconds latency{0};
};

Result<Own> own_of(const KitCall& call) {
  Own own;
  if (!call.own_fault.empty()) {
    SEL_TRY(fault, parse_fault(call.own_fault));
    SEL_CHECK_OK(check_own(TestKit::kFaultHeader, fault.rule));
    own.fault = std::move(fault);
  }
  if (!call.own_latency.empty()) {
    SEL_TRY(latency, parse_latency(call.own_latency));
    SEL_CHECK_OK(check_own(TestKit::kLatencyHeader, latency.rule));
    own.latency = latency.most;
  }
  return own;
}

void announce(const Fault& fault, const KitCall& call, http::Response& response) {
  log::info("the test kit strikes: fault {} on {}", fault.rule.text, call.names.names.front());
  response.headers.set(std::string(TestKit::kFaultHeader), fault.rule.text);
}

// Of an answer that is there already.
void spoil(const Fault& fault, const KitCall& call, http::Response& response) {
  if (!response.stream) {
    response.stream = half_body(std::move(response.body));
    return;
  }
  std::optional<std::string> last_event;
  if (!fault.cut) {
    const std::string_view told = response.headers.get("cf-ai-req-id");
    const std::string_view id = told.empty() ? std::string_view(call.request_id) : told;
    last_event = sse_event(failure_json(call.form, fault_error(fault, call.names), id));
  }
  const std::size_t events = fault.after_events.value_or(1);
  response.stream =
      std::make_unique<FaultyBody>(std::move(response.stream), events, std::move(last_event));
}

asio::awaitable<void> wait(milliseconds time) {
  const auto executor = co_await asio::this_coro::executor;
  asio::steady_timer timer(executor, time);
  co_await timer.async_wait(asio::use_awaitable);
}

}  // namespace

Result<Latency> parse_latency(std::string_view text) {
  SEL_TRY(cut, cut_rule(text));
  Latency latency;
  latency.rule = std::move(cut.rule);
  const std::string_view times = cut.action;
  const std::size_t dash = times.find('-');
  SEL_TRY(least, bounded_duration(times.substr(0, dash)));
  latency.least = latency.most = least;
  if (dash == times.npos) return latency;
  SEL_TRY(most, bounded_duration(times.substr(dash + 1)));
  if (most < least) {
    return Error{Code::invalid_input,
                 "\"" + std::string(text) + "\": the longer time stands behind the shorter"};
  }
  latency.most = most;
  return latency;
}

Result<std::shared_ptr<TestKit>> TestKit::create(TestKitOptions options) {
  auto kit = std::make_shared<TestKit>();
  for (const std::string& text : options.faults) {
    SEL_TRY(fault, parse_fault(text));
    kit->faults_.push_back({std::move(fault)});
  }
  for (const std::string& text : options.latencies) {
    SEL_TRY(latency, parse_latency(text));
    kit->latencies_.push_back({std::move(latency)});
  }
  kit->switches_ = std::move(options.switches);
  kit->seed_ = options.seed;
  return kit;
}

bool TestKit::has_part_in(const http::Request& request) const {
  if (!faults_.empty() || !latencies_.empty()) return true;
  // A forwarded request has them behind a prefix.
  return std::any_of(request.headers.all().begin(), request.headers.all().end(),
                     [](const auto& header) {
                       std::string_view name = header.first;
                       constexpr std::size_t kPrefixBytes = std::string_view("mf-header-").size();
                       if (name.size() > kPrefixBytes && (name[0] | 0x20) == 'm') {
                         name.remove_prefix(kPrefixBytes);
                       }
                       const auto same = [name](std::string_view wanted) {
                         return std::equal(name.begin(), name.end(), wanted.begin(), wanted.end(),
                                           [](char a, char b) { return (a | 0x20) == (b | 0x20); });
                       };
                       return same(kFaultHeader) || same(kLatencyHeader);
                     });
}

milliseconds TestKit::latency_of(const CallNames& call) {
  milliseconds sum{0};
  for (CountedLatency& each : latencies_) {
    const Latency& latency = each.latency;
    if (!concerns(latency.rule, Product::none, call)) continue;
    if (!strikes(latency.rule, ++each.seen, seed_)) continue;
    // Drawn apart from whether it strikes.
    const double place = drawn(seed_, latency.rule.text + " for how long", each.seen);
    const auto span = static_cast<double>((latency.most - latency.least).count());
    sum += latency.least + milliseconds(static_cast<std::int64_t>(place * (span + 1)));
  }
  return sum;
}

const Fault* TestKit::striking(const KitCall& call, bool late, bool stream) {
  const Fault* first = nullptr;
  for (CountedFault& each : faults_) {
    const Fault& fault = each.fault;
    if (fault.late() != late || (fault.after_events && !stream)) continue;
    if (!concerns(fault.rule, fault.product, call.names)) continue;
    if (strikes(fault.rule, ++each.seen, seed_) && first == nullptr) first = &fault;
  }
  return first;
}

asio::awaitable<http::Response> TestKit::act(KitCall call, Work work) {
  auto read = own_of(call);
  if (!read.ok()) co_return failure_response(call.form, read.error(), call.request_id);
  const Own own = std::move(read).value();
  const milliseconds latency = own.latency + latency_of(call.names);
  if (latency.count() > 0) co_await wait(latency);
  const Fault* early = own.fault && !own.fault->late() ? &*own.fault : nullptr;
  if (const Fault* rule = striking(call, false, false); early == nullptr) early = rule;
  if (early != nullptr) {
    http::Response refusal =
        failure_response(call.form, fault_error(*early, call.names), call.request_id);
    announce(*early, call, refusal);
    co_return std::move(refusal);
  }
  auto response = co_await work();
  const bool stream = response.stream != nullptr;
  const bool own_fits = own.fault && own.fault->late() && (stream || !own.fault->after_events);
  const Fault* late = own_fits ? &*own.fault : nullptr;
  if (const Fault* rule = striking(call, true, stream); late == nullptr) late = rule;
  if (late != nullptr) {
    spoil(*late, call, response);
    announce(*late, call, response);
  }
  co_return std::move(response);
}

}  // namespace selvedge::api
