// Link targets: what may stand in a link of the Markdown.
#pragma once

#include <string>
#include <string_view>

namespace selvedge::markdown {

// `target` without white space at its ends and line breaks inside; empty when it is a program
// (javascript:), or bytes (data:). With `hostname`, relative targets are made absolute: it is a
// host, or a URL.
std::string link_target(std::string_view target, std::string_view hostname = {});

}  // namespace selvedge::markdown
