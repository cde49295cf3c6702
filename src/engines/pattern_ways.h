// Pattern ways: how many places of a regular expression a grammar that follows it has open at once.
#pragma once

#include <cstddef>
#include <string_view>

namespace selvedge::engines {

// About at most; 0: too many, or it repeats what may be empty. `pattern` as json_text_pattern()
// writes it: anchored, groups without names.
std::size_t ways_of_pattern(std::string_view pattern);

}  // namespace selvedge::engines
