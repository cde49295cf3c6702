// Float list: a JSON array of plain numbers into float32, the hot loop of every write.
#pragma once

#include <cstddef>
#include <optional>
#include <string_view>
#include <vector>

namespace selvedge::api {

// Appends the numbers of `array`, a JSON text of one array from its bracket on (white space may
// follow), each rounded to double and then to float32. False: something in it is not a number that
// float32 can hold, or not JSON; `out` is as it was.
bool append_float_list(std::string_view array, std::vector<float>& out);

// The same of the array that `text` begins with, whatever follows it: how many bytes it has.
std::optional<std::size_t> read_float_list(std::string_view text, std::vector<float>& out);

}  // namespace selvedge::api
