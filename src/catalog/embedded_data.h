// Embedded data: the files of data/, compiled in (embed_data.cmake writes the source).
#pragma once

#include <string_view>

namespace selvedge::catalog {

std::string_view embedded_models();
std::string_view embedded_artifacts();

}  // namespace selvedge::catalog
