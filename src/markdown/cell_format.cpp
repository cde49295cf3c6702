// Dates by the calendar of std::chrono; Excel's day 60, 1900-02-29, is the day before ours.
#include "markdown/cell_format.h"

#include <array>
#include <chrono>
#include <cmath>
#include <cstdio>

namespace selvedge::markdown {

CellFormat format_of_code(std::string_view code) {
  bool quoted = false;
  bool bracketed = false;
  bool percent = false;
  for (std::size_t at = 0; at < code.size(); ++at) {
    const char c = code[at];
    if (c == '"') {
      quoted = !quoted;
    } else if (quoted) {
      continue;
    } else if (c == '\\' || c == '_' || c == '*') {
      ++at;
    } else if (c == '[') {
      // [h] counts hours; [Red] and [$-409] are no part of the value.
      bracketed = at + 1 < code.size() &&
                  std::string_view("hHmMsS").find(code[at + 1]) == std::string_view::npos;
    } else if (c == ']') {
      bracketed = false;
    } else if (bracketed) {
      continue;
    } else if (std::string_view("yYmMdDhHsS").find(c) != std::string_view::npos) {
      return CellFormat::date;
    } else if (c == '%') {
      percent = true;
    } else if (c == ';') {
      break;  // The format of positive numbers decides.
    }
  }
  return percent ? CellFormat::percent : CellFormat::number;
}

CellFormat built_in_format(int id) {
  if ((id >= 14 && id <= 22) || (id >= 27 && id <= 36) || (id >= 45 && id <= 47) ||
      (id >= 50 && id <= 58)) {
    return CellFormat::date;
  }
  return id == 9 || id == 10 ? CellFormat::percent : CellFormat::number;
}

std::string date_text(double serial, bool from_1904) {
  using std::chrono::days;
  constexpr double kSerialMax = 2'958'466;  // The year 9999.
  if (!(serial >= 0 && serial < kSerialMax)) return {};
  const auto seconds_all = static_cast<std::int64_t>(std::llround(serial * 86'400));
  std::int64_t day = seconds_all / 86'400;
  const auto seconds = static_cast<int>(seconds_all % 86'400);
  std::array<char, 48> text{};
  const int hour = seconds / 3'600;
  const int minute = seconds / 60 % 60;
  if (day == 0 && !from_1904) {
    std::snprintf(text.data(), text.size(), "%02d:%02d:%02d", hour, minute, seconds % 60);
    return text.data();
  }
  if (!from_1904 && day < 60) ++day;
  const auto start = from_1904
                         ? std::chrono::year{1904} / std::chrono::January / std::chrono::day{1}
                         : std::chrono::year{1899} / std::chrono::December / std::chrono::day{30};
  const std::chrono::year_month_day date(std::chrono::sys_days(start) + days(day));
  const int year = static_cast<int>(date.year());
  const auto month = static_cast<unsigned>(date.month());
  const auto month_day = static_cast<unsigned>(date.day());
  if (seconds == 0) {
    std::snprintf(text.data(), text.size(), "%04d-%02u-%02u", year, month, month_day);
  } else {
    std::snprintf(text.data(), text.size(), "%04d-%02u-%02u %02d:%02d:%02d", year, month, month_day,
                  hour, minute, seconds % 60);
  }
  return text.data();
}

std::string number_text(double number) {
  std::array<char, 40> text{};
  std::snprintf(text.data(), text.size(), "%.15g", number);
  return text.data();
}

std::string percent_text(double number) { return number_text(number * 100) + "%"; }

}  // namespace selvedge::markdown
