// Own id: letters, parts, and names that mean something else.
#include "catalog/own_id.h"

#include <algorithm>
#include <cstddef>
#include <string>

#include "base/utf8.h"

namespace selvedge::catalog {
namespace {

constexpr std::size_t kBytesMax = 100;
constexpr std::size_t kShownBytesMax = 128;
constexpr int kPartsMax = 4;

bool is_letter_or_digit(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

bool is_plain(std::string_view part) {
  constexpr std::string_view kSigns = "._:+-";
  return !part.empty() && is_letter_or_digit(part.front()) &&
         std::ranges::all_of(
             part, [&](char c) { return is_letter_or_digit(c) || kSigns.find(c) != kSigns.npos; });
}

bool has_form(std::string_view id) {
  if (id.size() > kBytesMax) return false;
  if (id.starts_with('@')) id.remove_prefix(1);
  for (int parts = 0; parts < kPartsMax; ++parts) {
    const std::size_t slash = id.find('/');
    if (!is_plain(id.substr(0, slash))) return false;
    if (slash == id.npos) return true;
    id.remove_prefix(slash + 1);
  }
  return false;
}

}  // namespace

Status check_own_id(std::span<const Artifact> artifacts, std::string_view id) {
  const std::string shown =
      "\"" + std::string(id.substr(0, utf8::floor_boundary(id, kShownBytesMax))) + "\"";
  if (!has_form(id)) {
    return Error{Code::invalid_input,
                 shown +
                     " cannot be a model's id: expected up to 100 letters, digits and ._:+- in "
                     "parts between slashes, such as my-org/my-model, @cf/me/x or llama3:8b"};
  }
  for (const std::string_view provider : {"cf/", "hf/", "workers-ai/"}) {
    if (!id.starts_with(provider)) continue;
    return Error{Code::invalid_input,
                 shown +
                     " cannot be a model's id: OpenAI's clients write ids of Workers AI so; "
                     "take one that begins with @cf/, or otherwise"};
  }
  // The door of wrangler's remote bindings has this place among the models.
  const bool taken = std::ranges::any_of(
      artifacts, [id](const Artifact& artifact) { return artifact.name == id; });
  if (id == "proxy" || taken) {
    return Error{Code::invalid_input, shown + " cannot be a model's id: the name is taken"};
  }
  return ok_status();
}

}  // namespace selvedge::catalog
