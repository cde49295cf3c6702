// Cell formats: what the number in a cell of a spreadsheet means.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace selvedge::markdown {

enum class CellFormat : std::uint8_t { number, date, percent };

// Of a number format in Excel's language: a date when it has parts of one outside of quoted text.
CellFormat format_of_code(std::string_view code);
// Of the formats that files name by number alone. Source: ECMA-376 part 1, 18.8.30.
CellFormat built_in_format(int id);

// "2024-02-29", "2024-02-29 13:30:00", or "13:30:00" of a day's part alone. `serial` counts days
// from 1899-12-30, or from 1904-01-01. Empty: no such date.
std::string date_text(double serial, bool from_1904);

// The number as people would write it: without the last digits, which are errors of rounding.
std::string number_text(double number);
std::string percent_text(double number);

}  // namespace selvedge::markdown
