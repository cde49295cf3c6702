// Languages: what the codes of translation models stand for.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace selvedge::api {

// "French" for "fr", "FR", "fr-CA" and "french"; "Hindi" for "hin_Deva" and "hi". A name that is no
// code is taken as it is ("Brazilian Portuguese"); nothing for what is no name of a language.
std::optional<std::string> language_name(std::string_view code);

}  // namespace selvedge::api
