// Own id: which names a user may give to a model that is no model of Workers AI.
#pragma once

#include <span>
#include <string_view>

#include "base/result.h"
#include "catalog/catalog.h"

namespace selvedge::catalog {

// Holds for "llama3:8b", "my-org/my-model" and "@cf/me/x": up to 100 letters, digits and `._:+-`,
// in up to 4 parts between slashes, each beginning with a letter or digit; an @ only in front. The
// names of the catalogue's files, and what doors read as something else ("cf/…", "proxy"), are
// taken. Errors: invalid_input, in words for who chose the name.
Status check_own_id(std::span<const Artifact> artifacts, std::string_view id);

}  // namespace selvedge::catalog
