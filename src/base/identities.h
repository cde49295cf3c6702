// Identities: the ids and the clock of answers: random and real, or repeatable under a seed.
#pragma once

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>

namespace selvedge {

// One thread.
class Identities {
 public:
  // Without a seed: everything is drawn.
  explicit Identities(std::optional<std::uint64_t> seed = std::nullopt) : seed_(seed) {}

  // A UUID for what `parts` tell, random (version 4) in form. Under a seed it follows from the
  // seed, the parts, and how often they were asked for before, not from what else was asked: calls
  // that run side by side do not change each other's ids.
  std::string uuid(std::initializer_list<std::string_view> parts);

  // Seconds since 1970, for answers that tell when they were made. Under a seed it stands still:
  // 2026-01-01T00:00:00Z.
  std::int64_t now_s() const;

  bool seeded() const { return seed_.has_value(); }

 private:
  std::optional<std::uint64_t> seed_;
  std::unordered_map<std::string, std::uint64_t> asked_;  // By digest; emptied when it is large.
};

}  // namespace selvedge
