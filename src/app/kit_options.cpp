// KitOptions: from the command line to the kit, and what the log says of it.
#include "app/kit_options.h"

#include <random>
#include <utility>

#include <CLI/CLI.hpp>

#include "base/duration.h"
#include "base/limits.h"
#include "base/log.h"

namespace selvedge::app {
namespace {

Error of_switch(std::string_view name, Error error) {
  error.message = std::string(name) + ": " + error.message;
  return error;
}

}  // namespace

std::vector<std::string> KitOptions::switches() const {
  std::vector<std::string> all;
  if (!write_delay.empty()) all.push_back("--write-delay " + write_delay);
  for (const std::string& fault : faults) all.push_back("--fault " + fault);
  for (const std::string& latency : latencies) all.push_back("--latency " + latency);
  if (!record.empty()) all.push_back("--record " + record.string());
  if (!replay.empty()) all.push_back("--replay " + replay.string());
  if (seed) all.push_back("--seed " + std::to_string(*seed));
  return all;
}

std::optional<std::uint64_t> KitOptions::answer_seed() const {
  if (seed) return seed;
  if (record.empty() && replay.empty()) return std::nullopt;
  return 0;
}

Result<std::chrono::microseconds> KitOptions::delay() const {
  if (write_delay.empty()) return std::chrono::microseconds::zero();
  auto time = parse_duration(write_delay);
  if (!time.ok()) return of_switch("--write-delay", std::move(time.error()));
  if (time->count() > limits::kit_delay_ms_max) {
    return Error{Code::invalid_input, "--write-delay: at most 1h"};
  }
  return std::chrono::microseconds(*time);
}

void add_kit_options(CLI::App& verb, KitOptions& options) {
  constexpr const char* kGroup = "Test kit (docs/testing.md)";
  verb.add_option("--write-delay", options.write_delay,
                  "Show what is written to an index only after this time, as in 30s")
      ->group(kGroup);
  verb.add_option("--fault", options.faults,
                  "Fail calls: WHAT[+EVENTS][:RATE][#WHICH][@WHERE], as in 3040:0.1@ai/run")
      ->group(kGroup)
      ->allow_extra_args(false);
  verb.add_option("--latency", options.latencies,
                  "Answer later: TIME or TIME-TIME, and [:RATE][#WHICH][@WHERE]")
      ->group(kGroup)
      ->allow_extra_args(false);
  auto* record =
      verb.add_option("--record", options.record, "Write what models answer into this folder")
          ->group(kGroup);
  verb.add_option("--replay", options.replay,
                  "Answer from a folder of --record; no model is needed or run")
      ->group(kGroup)
      ->excludes(record);
  verb.add_option("--seed", options.seed,
                  "Draw faults, latencies and the ids of answers from this number")
      ->group(kGroup);
}

Result<std::shared_ptr<api::TestKit>> make_kit(const KitOptions& options) {
  const std::uint64_t seed = options.answer_seed().value_or(std::random_device()());
  api::TestKitOptions kit;
  kit.faults = options.faults;
  kit.latencies = options.latencies;
  kit.seed = seed;
  kit.switches = options.switches();
  for (const std::string& each : options.faults) {
    auto fault = api::parse_fault(each);
    if (!fault.ok()) return of_switch("--fault", std::move(fault.error()));
  }
  for (const std::string& each : options.latencies) {
    auto latency = api::parse_latency(each);
    if (!latency.ok()) return of_switch("--latency", std::move(latency.error()));
  }
  for (const std::string& each : kit.switches) log::warn("the test kit is on: {}", each);
  const bool draws = !options.faults.empty() || !options.latencies.empty();
  if (draws && !options.answer_seed()) {
    log::warn("the test kit draws from seed {}; --seed {} repeats it", seed, seed);
  }
  return api::TestKit::create(std::move(kit));
}

}  // namespace selvedge::app
