// JSON writer: appends values to a string, in the byte form that clients of Cloudflare read.
#pragma once

#include <concepts>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace selvedge::api {

// A quoted string. Control characters are escaped, ill-formed UTF-8 becomes U+FFFD: the result is
// always valid JSON.
void append_string(std::string& json, std::string_view text);

// The shortest decimal that reads back as the same float32: 0.2321, 1e-10; whole numbers as `0`.
// What JSON cannot say (infinity, NaN) becomes null.
void append_float(std::string& json, float value);

void append_integer(std::string& json, std::integral auto value) { json += std::to_string(value); }

// The same of a double; whole numbers below 2^53 in full, as JavaScript writes them.
void append_double(std::string& json, double value);

// "0.0453": without an exponent, with up to `places` decimals and no zeros at the end.
std::string decimal_text(double value, int places);

// [v,v,…]
void append_floats(std::string& json, std::span<const float> values);

// "2024-07-11T13:02:18.002680Z": microseconds since 1970, UTC, quoted.
void append_time(std::string& json, std::int64_t microseconds);

// "2024-07-11T13:02:18.002Z": the same, cut to milliseconds.
void append_time_ms(std::string& json, std::int64_t microseconds);

}  // namespace selvedge::api
