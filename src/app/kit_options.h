// KitOptions: the switches of the test kit, as the command line tells them.
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "api/test_kit.h"
#include "base/result.h"

namespace CLI {
class App;
}

namespace selvedge::app {

// All off by default.
struct KitOptions {
  std::string write_delay;             // "30s"; empty = writes are seen at once.
  std::vector<std::string> faults;     // As api::parse_fault takes them.
  std::vector<std::string> latencies;  // As api::parse_latency takes them.
  std::filesystem::path record;        // Folder; empty = none. At most one of the two.
  std::filesystem::path replay;
  std::optional<std::uint64_t> seed;

  // Each switch that is on, as it would stand on a command line.
  std::vector<std::string> switches() const;

  // What ids and clock of the answers follow from: the seed; 0 where answers are recorded or
  // replayed, whose bytes are to be the same; none else.
  std::optional<std::uint64_t> answer_seed() const;

  // Errors: invalid_input.
  Result<std::chrono::microseconds> delay() const;
};

// Adds the switches to `verb`, in a group of their own. `options` outlives it.
void add_kit_options(CLI::App& verb, KitOptions& options);

// The kit of a server; without a seed one is drawn. Logs each switch that is on, and the seed.
// Errors: invalid_input (names the switch at fault).
Result<std::shared_ptr<api::TestKit>> make_kit(const KitOptions& options);

}  // namespace selvedge::app
