// JSON writer: strings, shortest floats, times.
#include "api/json_writer.h"

#include <array>
#include <charconv>
#include <chrono>
#include <cmath>
#include <cstdio>

#include "base/check.h"
#include "base/utf8.h"

namespace selvedge::api {
namespace {

bool needs_escape(unsigned char byte) { return byte < 0x20 || byte == '"' || byte == '\\'; }

void append_escape(std::string& json, unsigned char byte) {
  switch (byte) {
    case '"':
      json += "\\\"";
      return;
    case '\\':
      json += "\\\\";
      return;
    case '\n':
      json += "\\n";
      return;
    case '\r':
      json += "\\r";
      return;
    case '\t':
      json += "\\t";
      return;
    default: {
      char text[8];
      std::snprintf(text, sizeof text, "\\u%04x", byte);
      json += text;
    }
  }
}

struct CivilTime {
  explicit CivilTime(std::int64_t microseconds) {
    namespace chrono = std::chrono;
    const chrono::sys_time<chrono::microseconds> time{chrono::microseconds(microseconds)};
    const auto midnight = chrono::floor<chrono::days>(time);
    date = chrono::year_month_day(midnight);
    clock = chrono::hh_mm_ss<chrono::seconds>(chrono::floor<chrono::seconds>(time - midnight));
    microsecond = static_cast<int>((time - chrono::floor<chrono::seconds>(time)).count());
  }

  std::chrono::year_month_day date;
  std::chrono::hh_mm_ss<std::chrono::seconds> clock;
  int microsecond = 0;
};

void append_date_and_clock(std::string& json, const CivilTime& time) {
  char text[64];
  std::snprintf(
      text, sizeof text, "\"%04d-%02u-%02uT%02d:%02d:%02d", static_cast<int>(time.date.year()),
      static_cast<unsigned>(time.date.month()), static_cast<unsigned>(time.date.day()),
      static_cast<int>(time.clock.hours().count()), static_cast<int>(time.clock.minutes().count()),
      static_cast<int>(time.clock.seconds().count()));
  json += text;
}

void append_fraction(std::string& json, int fraction, int digits) {
  char text[32];
  std::snprintf(text, sizeof text, ".%0*dZ\"", digits, fraction);
  json += text;
}

}  // namespace

void append_string(std::string& json, std::string_view text) {
  std::string mended;
  if (!utf8::valid(text)) {
    mended = utf8::repaired(text);
    text = mended;
  }
  json += '"';
  std::size_t begin = 0;
  for (std::size_t at = 0; at < text.size(); ++at) {
    const auto byte = static_cast<unsigned char>(text[at]);
    if (!needs_escape(byte)) continue;
    json.append(text, begin, at - begin);
    append_escape(json, byte);
    begin = at + 1;
  }
  json.append(text, begin);
  json += '"';
}

void append_float(std::string& json, float value) {
  if (!std::isfinite(value)) {
    json += "null";
    return;
  }
  if (value == 0) value = 0;  // JavaScript prints -0 as 0.
  char text[32];
  const auto end = std::to_chars(text, text + sizeof text, value);
  json.append(text, end.ptr);
}

void append_double(std::string& json, double value) {
  if (!std::isfinite(value)) {
    json += "null";
    return;
  }
  constexpr double kWholeMax = 9'007'199'254'740'992.0;
  char text[64];
  const bool whole = std::abs(value) < kWholeMax && value == std::floor(value);
  const auto end = whole ? std::to_chars(text, text + sizeof text, static_cast<std::int64_t>(value))
                         : std::to_chars(text, text + sizeof text, value);
  json.append(text, end.ptr);
}

std::string decimal_text(double value, int places) {
  std::array<char, 64> text;
  const auto end = std::to_chars(text.data(), text.data() + text.size(), value,
                                 std::chars_format::fixed, places);
  SEL_CHECK(end.ec == std::errc());
  std::string number(text.data(), end.ptr);
  if (places > 0) number.erase(number.find_last_not_of('0') + 1);
  if (number.ends_with('.')) number.pop_back();
  return number;
}

void append_floats(std::string& json, std::span<const float> values) {
  json += '[';
  for (std::size_t at = 0; at < values.size(); ++at) {
    if (at != 0) json += ',';
    append_float(json, values[at]);
  }
  json += ']';
}

void append_time(std::string& json, std::int64_t microseconds) {
  const CivilTime time(microseconds);
  append_date_and_clock(json, time);
  append_fraction(json, time.microsecond, 6);
}

void append_time_ms(std::string& json, std::int64_t microseconds) {
  const CivilTime time(microseconds);
  append_date_and_clock(json, time);
  append_fraction(json, time.microsecond / 1'000, 3);
}

}  // namespace selvedge::api
