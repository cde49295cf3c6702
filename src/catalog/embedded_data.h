// Embedded data: the files of data/, compiled in (embed_data.cmake writes the source).
#pragma once

#include <span>
#include <string_view>

namespace selvedge::catalog {

std::string_view embedded_models();
std::string_view embedded_artifacts();
std::span<const std::string_view> embedded_schemas();  // One text a file of data/schemas.

}  // namespace selvedge::catalog
