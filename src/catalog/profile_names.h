// Profile names: how people write a Profile.
#pragma once

#include <array>
#include <optional>
#include <string_view>
#include <utility>

#include "catalog/catalog.h"

namespace selvedge::catalog {

inline constexpr std::array<std::pair<std::string_view, Profile>, 3> kProfileNames = {
    {{"exact", Profile::exact}, {"small", Profile::small}, {"auto", Profile::auto_}}};

constexpr std::optional<Profile> profile_named(std::string_view name) {
  for (const auto& [known, profile] : kProfileNames) {
    if (known == name) return profile;
  }
  return std::nullopt;
}

}  // namespace selvedge::catalog
