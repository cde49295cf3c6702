// JSON number: simdjson for short ones, std::from_chars for long ones.
#include "api/json_number.h"

#include <charconv>
#include <string_view>
#include <system_error>

namespace selvedge::api {
namespace {

constexpr std::size_t kShortestMisread = 22;  // "0." and 20 digits.

}  // namespace

bool read_double(simdjson::ondemand::value value, double& number) {
  const std::string_view token = value.raw_json_token();
  if (value.get_double().get(number)) return false;  // Checks the grammar, too.
  if (token.size() < kShortestMisread) return true;
  double exact = 0;
  const auto read = std::from_chars(token.data(), token.data() + token.size(), exact);
  if (read.ec == std::errc()) number = exact;  // Else it is too small for a double: simdjson's 0.
  return true;
}

}  // namespace selvedge::api
