// Router: patterns cut into segments, compared in order.
#include "api/router.h"

#include <algorithm>

namespace selvedge::api {
namespace {

std::vector<std::string_view> split(std::string_view path) {
  std::vector<std::string_view> segments;
  if (path.starts_with('/')) path.remove_prefix(1);
  if (path.ends_with('/')) path.remove_suffix(1);
  if (path.empty()) return segments;
  segments.reserve(static_cast<std::size_t>(std::count(path.begin(), path.end(), '/')) + 1);
  std::size_t begin = 0;
  while (true) {
    const std::size_t end = path.find('/', begin);
    segments.push_back(path.substr(begin, end - begin));
    if (end == std::string_view::npos) return segments;
    begin = end + 1;
  }
}

std::string joined(const std::vector<std::string_view>& segments, std::size_t from) {
  std::string text;
  for (std::size_t at = from; at < segments.size(); ++at) {
    if (at != from) text += '/';
    text += segments[at];
  }
  return text;
}

bool is_rest(std::string_view wanted) { return wanted.ends_with("...}"); }

bool matches(const std::vector<std::string>& pattern, const std::vector<std::string_view>& path) {
  const bool rest = !pattern.empty() && is_rest(pattern.back());
  if (rest ? path.size() < pattern.size() : path.size() != pattern.size()) return false;
  // From the end, where patterns differ most.
  for (std::size_t at = pattern.size(); at-- > 0;) {
    const std::string& wanted = pattern[at];
    if (wanted.starts_with('{') ? path[at].empty() : wanted != path[at]) return false;
  }
  return true;
}

// What a pattern that matches has caught.
PathParameters caught(const std::vector<std::string>& pattern,
                      const std::vector<std::string_view>& path) {
  PathParameters parameters;
  for (std::size_t at = 0; at < pattern.size(); ++at) {
    const std::string& wanted = pattern[at];
    if (!wanted.starts_with('{')) continue;
    if (is_rest(wanted)) {
      parameters.add(wanted.substr(1, wanted.size() - 5), joined(path, at));
    } else {
      parameters.add(wanted.substr(1, wanted.size() - 2), std::string(path[at]));
    }
  }
  return parameters;
}

}  // namespace

asio::awaitable<http::Response> at_once(http::Response response) { co_return std::move(response); }

void PathParameters::add(std::string name, std::string value) {
  all_.emplace_back(std::move(name), std::move(value));
}

std::string_view PathParameters::get(std::string_view name) const {
  for (const auto& [key, value] : all_) {
    if (key == name) return value;
  }
  return {};
}

void Router::add(Route route) {
  Entry entry;
  for (const std::string_view segment : split(route.pattern)) entry.segments.emplace_back(segment);
  entry.route = std::move(route);
  entries_.push_back(std::move(entry));
}

Router::Found Router::find(std::string_view method, std::string_view path) const {
  Found found;
  const std::vector<std::string_view> segments = split(path);
  const std::string_view wanted = method == "HEAD" ? "GET" : method;
  for (const Entry& entry : entries_) {
    if (!matches(entry.segments, segments)) continue;
    found.allowed.push_back(entry.route.method);
    if (found.route != nullptr || entry.route.method != wanted) continue;
    found.route = &entry.route;
    found.parameters = caught(entry.segments, segments);
  }
  if (found.allowed.empty()) return found;
  if (std::find(found.allowed.begin(), found.allowed.end(), "GET") != found.allowed.end()) {
    found.allowed.emplace_back("HEAD");
  }
  found.allowed.emplace_back("OPTIONS");
  return found;
}

std::vector<std::string> Router::operations() const {
  std::vector<std::string> all;
  all.reserve(entries_.size());
  for (const Entry& entry : entries_) all.push_back(entry.route.method + " " + entry.route.pattern);
  return all;
}

std::string allow_header(const std::vector<std::string>& methods) {
  std::string text;
  for (const std::string& method : methods) {
    if (!text.empty()) text += ", ";
    text += method;
  }
  return text;
}

}  // namespace selvedge::api
