// Schemes are compared as browsers do, without tabs and newlines in them.
#include "markdown/link_target.h"

#include <algorithm>
#include <cctype>

#include <libxml/uri.h>

namespace selvedge::markdown {
namespace {

constexpr std::size_t kTargetBytesMax = 4'096;

// "javascript" of "javascript:x"; empty: relative.
std::string scheme_of(std::string_view target) {
  std::string scheme;
  for (const char c : target) {
    if (c == ':') return scheme;
    if (std::isalnum(static_cast<unsigned char>(c)) == 0 && c != '+' && c != '-' && c != '.') break;
    scheme += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  }
  return {};
}

std::string absolute(const std::string& target, std::string_view hostname) {
  std::string base(hostname);
  if (base.find("://") == std::string::npos) base = "https://" + base;
  if (base.find('/', base.find("://") + 3) == std::string::npos) base += '/';
  xmlChar* built = xmlBuildURI(reinterpret_cast<const xmlChar*>(target.c_str()),
                               reinterpret_cast<const xmlChar*>(base.c_str()));
  if (built == nullptr) return target;
  std::string result(reinterpret_cast<const char*>(built));
  xmlFree(built);
  return result;
}

}  // namespace

std::string link_target(std::string_view target, std::string_view hostname) {
  std::string clean;
  for (const char c : target) {
    if (c != '\t' && c != '\n' && c != '\r') clean += c;
  }
  clean.erase(0, std::min(clean.find_first_not_of(' '), clean.size()));
  while (clean.ends_with(' ')) clean.pop_back();
  const std::string scheme = scheme_of(clean);
  if (scheme == "javascript" || scheme == "vbscript" || scheme == "data" || scheme == "blob") {
    return {};
  }
  if (clean.size() > kTargetBytesMax) return {};
  if (scheme.empty() && !hostname.empty() && !clean.empty() && clean.front() != '#') {
    return absolute(clean, hostname);
  }
  return clean;
}

}  // namespace selvedge::markdown
