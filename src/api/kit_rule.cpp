// Kit rule: the little grammar, and draws without a generator's state.
#include "api/kit_rule.h"

#include <algorithm>
#include <charconv>
#include <optional>
#include <utility>

namespace selvedge::api {
namespace {

Error malformed(std::string_view text, std::string_view part, std::string_view wanted) {
  return Error{Code::invalid_input,
               "\"" + std::string(text) + "\": " + std::string(part) + " " + std::string(wanted)};
}

// From 1.
std::optional<std::uint64_t> ordinal(std::string_view text) {
  std::uint64_t number = 0;
  const auto read = std::from_chars(text.data(), text.data() + text.size(), number);
  if (read.ec != std::errc() || read.ptr != text.data() + text.size() || number == 0) return {};
  return number;
}

Status read_which(std::string_view text, std::string_view which, KitRule& rule) {
  const Error error = malformed(text, "after '#'", "stands a call or several: 3, 1-3, 3- or /3");
  if (which.starts_with('/')) {
    const auto every = ordinal(which.substr(1));
    if (!every) return error;
    rule.every = *every;
    return ok_status();
  }
  const std::size_t dash = which.find('-');
  const auto first = ordinal(which.substr(0, dash));
  if (!first) return error;
  rule.first = *first;
  if (dash == which.npos) {
    rule.last = *first;
  } else if (dash + 1 < which.size()) {
    const auto last = ordinal(which.substr(dash + 1));
    if (!last || *last < *first) return error;
    rule.last = *last;
  }
  return ok_status();
}

Status read_rate(std::string_view text, std::string_view rate, KitRule& rule) {
  const auto read =
      std::from_chars(rate.data(), rate.data() + rate.size(), rule.rate, std::chars_format::fixed);
  const bool whole = read.ec == std::errc() && read.ptr == rate.data() + rate.size();
  if (whole && rule.rate >= 0 && rule.rate <= 1) return ok_status();
  return malformed(text, "after ':'", "stands a rate from 0 to 1, as in 0.1");
}

// Takes what follows the first `mark` off `head`.
std::optional<std::string_view> take_part(std::string_view& head, char mark) {
  const std::size_t at = head.find(mark);
  if (at == head.npos) return std::nullopt;
  const std::string_view part = head.substr(at + 1);
  head = head.substr(0, at);
  return part;
}

// Steele, Lea and Flood's SplitMix64: every bit of the result hangs on every bit of `value`.
std::uint64_t mixed(std::uint64_t value) {
  value += 0x9e3779b97f4a7c15ULL;
  value = (value ^ (value >> 30U)) * 0xbf58476d1ce4e5b9ULL;
  value = (value ^ (value >> 27U)) * 0x94d049bb133111ebULL;
  return value ^ (value >> 31U);
}

}  // namespace

Result<CutRule> cut_rule(std::string_view text) {
  CutRule cut;
  cut.rule.text = text;
  std::string_view head = text;
  if (const auto where = take_part(head, '@')) {
    if (where->empty()) return malformed(text, "after '@'", "stands which calls, as in @ai/run");
    cut.rule.where = *where;
  }
  if (const auto which = take_part(head, '#')) SEL_CHECK_OK(read_which(text, *which, cut.rule));
  if (const auto rate = take_part(head, ':')) SEL_CHECK_OK(read_rate(text, *rate, cut.rule));
  cut.action = head;
  return cut;
}

bool is_where(const KitRule& rule, std::span<const std::string> names) {
  if (rule.where.empty()) return true;
  return std::any_of(names.begin(), names.end(),
                     [&](const std::string& name) { return matches_glob(rule.where, name); });
}

bool strikes(const KitRule& rule, std::uint64_t count, std::uint64_t seed) {
  if (count < rule.first || count > rule.last || count % rule.every != 0) return false;
  return rule.rate >= 1 || drawn(seed, rule.text, count) < rule.rate;
}

double drawn(std::uint64_t seed, std::string_view what, std::uint64_t count) {
  std::uint64_t value = mixed(seed);
  for (const char c : what) value = mixed(value ^ static_cast<unsigned char>(c));
  value = mixed(value ^ count);
  constexpr double kSteps = 9'007'199'254'740'992.0;  // 2^53: as many as a double holds below 1.
  return static_cast<double>(value >> 11U) / kSteps;
}

bool matches_glob(std::string_view pattern, std::string_view text) {
  // Where the last '*' stands, and how much of the text it has taken so far.
  std::size_t star = pattern.npos;
  std::size_t taken = 0;
  std::size_t at = 0;
  std::size_t in_text = 0;
  while (in_text < text.size()) {
    if (at < pattern.size() && pattern[at] == '*') {
      star = at++;
      taken = in_text;
    } else if (at < pattern.size() && pattern[at] == text[in_text]) {
      ++at;
      ++in_text;
    } else if (star != pattern.npos) {
      at = star + 1;
      in_text = ++taken;
    } else {
      return false;
    }
  }
  return pattern.find_first_not_of('*', at) == pattern.npos;
}

}  // namespace selvedge::api
