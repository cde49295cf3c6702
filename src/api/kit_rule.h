// Kit rule: which calls a switch of the test kit acts on.
#pragma once

#include <cstdint>
#include <limits>
#include <span>
#include <string>
#include <string_view>

#include "base/result.h"

namespace selvedge::api {

// Written behind what a switch does:  [:RATE] [#WHICH] [@WHERE]
//   :0.1          one call in ten, drawn
//   #3  #1-3  #3-  #/3   the third call alone; the first three; all from the third on; every third
//   @vectorize/query  @ai/run  '@@cf/meta/*'  @docs     see CallNames; * stands for anything
// Calls are counted among those that WHERE names. Rate and count hold together.
struct KitRule {
  std::string text;  // The switch as written, for the log and the answers.
  double rate = 1;
  std::uint64_t first = 1;
  std::uint64_t last = std::numeric_limits<std::uint64_t>::max();
  std::uint64_t every = 1;
  std::string where;  // Empty: everywhere.
};

// Cuts `text` into the action in front and the rule. Errors: invalid_input (names the part).
struct CutRule {
  std::string action;
  KitRule rule;
};
Result<CutRule> cut_rule(std::string_view text);

// Whether any of `names` is what the rule's WHERE means.
bool is_where(const KitRule& rule, std::span<const std::string> names);

// Whether the rule strikes the call number `count`, from 1, of those that it names.
bool strikes(const KitRule& rule, std::uint64_t count, std::uint64_t seed);

// A number from 0 up to 1 that follows from its arguments alone.
double drawn(std::uint64_t seed, std::string_view what, std::uint64_t count);

// `*` stands for any text, also none, slashes too; everything else for itself.
bool matches_glob(std::string_view pattern, std::string_view text);

}  // namespace selvedge::api
