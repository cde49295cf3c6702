// Router: patterns cut into segments, compared in order.
#include "api/router.h"

#include <algorithm>
#include <optional>

namespace selvedge::api {
namespace {

std::vector<std::string> split(std::string_view path) {
  std::vector<std::string> segments;
  if (path.starts_with('/')) path.remove_prefix(1);
  if (path.ends_with('/')) path.remove_suffix(1);
  if (path.empty()) return segments;
  std::size_t begin = 0;
  while (true) {
    const std::size_t end = path.find('/', begin);
    segments.emplace_back(path.substr(begin, end - begin));
    if (end == std::string_view::npos) return segments;
    begin = end + 1;
  }
}

std::string joined(const std::vector<std::string>& segments, std::size_t from) {
  std::string text;
  for (std::size_t at = from; at < segments.size(); ++at) {
    if (at != from) text += '/';
    text += segments[at];
  }
  return text;
}

std::optional<PathParameters> match(const std::vector<std::string>& pattern,
                                    const std::vector<std::string>& path) {
  PathParameters parameters;
  for (std::size_t at = 0; at < pattern.size(); ++at) {
    const std::string& wanted = pattern[at];
    if (at >= path.size()) return std::nullopt;
    if (!wanted.starts_with('{')) {
      if (wanted != path[at]) return std::nullopt;
      continue;
    }
    if (path[at].empty()) return std::nullopt;
    if (wanted.ends_with("...}")) {
      parameters.add(wanted.substr(1, wanted.size() - 5), joined(path, at));
      return parameters;
    }
    parameters.add(wanted.substr(1, wanted.size() - 2), path[at]);
  }
  if (path.size() != pattern.size()) return std::nullopt;
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
  entry.segments = split(route.pattern);
  entry.route = std::move(route);
  entries_.push_back(std::move(entry));
}

Router::Found Router::find(std::string_view method, std::string_view path) const {
  Found found;
  const std::vector<std::string> segments = split(path);
  const std::string_view wanted = method == "HEAD" ? "GET" : method;
  for (const Entry& entry : entries_) {
    auto parameters = match(entry.segments, segments);
    if (!parameters) continue;
    found.allowed.push_back(entry.route.method);
    if (found.route != nullptr || entry.route.method != wanted) continue;
    found.route = &entry.route;
    found.parameters = std::move(*parameters);
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
