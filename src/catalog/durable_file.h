// Durable file: bytes that a power cut does not take back.
#pragma once

#include <filesystem>
#include <string_view>

#include "base/result.h"

namespace selvedge::catalog {

// Creates or empties `file`, writes `content` and syncs it. Its name is durable only after
// rename_durably. Errors: io.
Status write_durably(const std::filesystem::path& file, std::string_view content);

// Gives `from` the name `to` in the same folder and syncs the folder and its parent. Errors: io.
Status rename_durably(const std::filesystem::path& from, const std::filesystem::path& to);

}  // namespace selvedge::catalog
