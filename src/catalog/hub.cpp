// Hub: one listing, page by page.
#include "catalog/hub.h"

#include <algorithm>
#include <cstdlib>
#include <utility>

#include <nlohmann/json.hpp>

#include "http/client.h"

namespace selvedge::catalog {
namespace {

using nlohmann::json;

constexpr int kPagesMax = 50;  // Of 1,000 files each.
constexpr int kSilenceMsMax = 30'000;
constexpr std::size_t kNameBytesMax = 96;
constexpr std::uint64_t kFileBytesMax = std::uint64_t{1} << 50;  // Sums of them do not overflow.

std::string variable(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? std::string() : value;
}

bool is_name(std::string_view text) {
  return !text.empty() && text.size() <= kNameBytesMax && text.front() != '.' &&
         std::ranges::all_of(text, [](char c) {
           return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                  c == '-' || c == '_' || c == '.';
         });
}

// `<https://…?cursor=…>; rel="next"`
std::string next_page(std::string_view link) {
  const std::size_t end = link.find(">; rel=\"next\"");
  if (end == link.npos) return {};
  const std::size_t begin = link.rfind('<', end);
  return begin == link.npos ? std::string() : std::string(link.substr(begin + 1, end - begin - 1));
}

std::string encoded(std::string_view path) {
  std::string text;
  while (true) {
    const std::size_t slash = path.find('/');
    text += http::percent_encoded(path.substr(0, slash));
    if (slash == path.npos) return text;
    text += '/';
    path.remove_prefix(slash + 1);
  }
}

std::string text_of(const json& object, const char* name) {
  const auto found = object.find(name);
  return found != object.end() && found->is_string() ? found->get<std::string>() : std::string();
}

std::uint64_t bytes_of(const json& object) {
  const auto found = object.find("size");
  if (found == object.end() || !found->is_number_unsigned()) return 0;
  return std::min(found->get<std::uint64_t>(), kFileBytesMax);
}

bool is_sha256(std::string_view text) {
  return text.size() == 64 && text.find_first_not_of("0123456789abcdef") == text.npos;
}

// No part of it leads out of a folder.
bool is_inside(const std::string& path) {
  return !path.empty() && path.front() != '/' && ("/" + path + "/").find("/../") == path.npos;
}

}  // namespace

Result<std::optional<HubReference>> parse_hub_reference(std::string_view text) {
  constexpr std::string_view kScheme = "hf:";
  if (!text.starts_with(kScheme)) return std::optional<HubReference>();
  text.remove_prefix(kScheme.size());
  const std::size_t owner = text.find('/');
  const std::size_t end = owner == text.npos ? text.npos : text.find('/', owner + 1);
  const std::string_view name =
      owner == text.npos ? std::string_view() : text.substr(owner + 1, end - owner - 1);
  if (!is_name(text.substr(0, owner)) || !is_name(name)) {
    return Error{Code::invalid_input,
                 "expected hf:OWNER/REPOSITORY or hf:OWNER/REPOSITORY/FILE, as in the address of "
                 "its page on huggingface.co"};
  }
  HubReference reference{std::string(text.substr(0, end)), ""};
  if (end != text.npos) reference.file = text.substr(end + 1);
  return std::optional(std::move(reference));
}

Hub Hub::from_environment() {
  std::string address = variable("HF_ENDPOINT");
  if (address.empty()) address = "https://huggingface.co";
  while (address.ends_with('/')) address.pop_back();
  return {std::move(address), variable("HF_TOKEN")};
}

std::string Hub::url_of(const std::string& repository, std::string_view file) const {
  return address_ + "/" + repository + "/resolve/main/" + encoded(file);
}

Result<std::vector<WeightsFile>> Hub::list(const std::string& repository) const {
  std::vector<WeightsFile> all;
  std::string url = address_ + "/api/models/" + repository + "/tree/main?recursive=true";
  for (int page = 0; page < kPagesMax && !url.empty(); ++page) {
    http::ClientRequest request;
    request.url = url;
    request.silence_ms_max = kSilenceMsMax;
    if (!token_.empty()) request.headers.emplace_back("authorization", "Bearer " + token_);
    const auto answer = http::send(request);
    if (!answer.ok()) {
      return Error{Code::download_failed, address_ + ": " + answer.error().message};
    }
    if (answer->status == 401 || answer->status == 403 || answer->status == 404) {
      return Error{Code::not_found,
                   address_ + "/" + repository + " cannot be seen (" +
                       std::to_string(answer->status) +
                       "): it is not there, or needs the token of somebody who may see it, in the "
                       "environment variable HF_TOKEN"};
    }
    if (answer->status != 200) {
      return Error{Code::download_failed, address_ + "/" + repository + ": the server answered " +
                                              std::to_string(answer->status)};
    }
    SEL_TRY(files, parse_hub_listing(answer->body));
    all.insert(all.end(), files.begin(), files.end());
    url = next_page(answer->headers.get("link"));
    // The token is for this server alone.
    if (!url.starts_with(address_ + "/")) url.clear();
  }
  return all;
}

Result<std::vector<WeightsFile>> parse_hub_listing(std::string_view text) {
  const json listing = json::parse(text, nullptr, false);
  if (!listing.is_array()) {
    return Error{Code::download_failed, "the list of the repository's files is no list"};
  }
  std::vector<WeightsFile> files;
  for (const json& each : listing) {
    if (!each.is_object() || text_of(each, "type") != "file") continue;
    WeightsFile file{text_of(each, "path"), bytes_of(each)};
    if (!is_inside(file.path)) continue;
    // Large files are kept by their SHA-256; the sum of a small one is git's, which is another.
    const auto large = each.find("lfs");
    if (large != each.end() && large->is_object()) {
      if (const std::string sum = text_of(*large, "oid"); is_sha256(sum)) file.sha256 = sum;
    }
    files.push_back(std::move(file));
  }
  return files;
}

}  // namespace selvedge::catalog
