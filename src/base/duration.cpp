// Duration: a number and a unit.
#include "base/duration.h"

#include <charconv>
#include <cmath>
#include <string>

namespace selvedge {
namespace {

constexpr double kMsMax = 1e12;  // Beyond any use, within 64 bits.

// Milliseconds of one `unit`; 0 = there is no such unit.
double ms_of(std::string_view unit) {
  if (unit == "ms") return 1;
  if (unit == "s") return 1'000;
  if (unit == "m") return 60'000;
  if (unit == "h") return 3'600'000;
  return 0;
}

}  // namespace

Result<std::chrono::milliseconds> parse_duration(std::string_view text) {
  const Error error{Code::invalid_input,
                    "\"" + std::string(text) +
                        "\" is no span of time: write a number and its unit, as in 500ms, 30s, "
                        "1.5s, 2m or 1h"};
  if (text == "0") return std::chrono::milliseconds(0);
  double number = 0;
  const auto read =
      std::from_chars(text.data(), text.data() + text.size(), number, std::chars_format::fixed);
  if (read.ec != std::errc() || !std::isfinite(number) || number < 0) return error;
  const double unit_ms = ms_of(text.substr(static_cast<std::size_t>(read.ptr - text.data())));
  const double ms = std::round(number * unit_ms);
  if (unit_ms == 0 || ms > kMsMax) return error;
  return std::chrono::milliseconds(static_cast<std::int64_t>(ms));
}

}  // namespace selvedge
