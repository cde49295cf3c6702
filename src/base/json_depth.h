// JSON depth: how far arrays and objects stand in each other, before anything parses them.
#pragma once

#include <string_view>

namespace selvedge {

// True when no more than limits::json_depth_max arrays and objects stand in each other. Says
// nothing about the rest of the text.
bool within_depth(std::string_view text);

}  // namespace selvedge
