// Upstream: the file of them.
#include "inference/upstream.h"

#include <algorithm>
#include <fstream>
#include <iterator>
#include <system_error>
#include <utility>

#include <nlohmann/json.hpp>

#include "base/log.h"
#include "catalog/task_names.h"

namespace selvedge::inference {
namespace {

using nlohmann::json;

constexpr std::size_t kIdBytesMax = 256;
constexpr std::size_t kUrlBytesMax = 2'048;
constexpr int kMsMax = 3'600'000;
constexpr int kTriesMax = 10;
constexpr std::int32_t kDimensionsMax = 65'536;

Error wrong(std::string_view what) {
  return Error{Code::file_invalid, "upstreams: " + std::string(what)};
}

template <class T>
Status take(const json& from, const char* name, T& to) {
  const auto found = from.find(name);
  if (found == from.end()) return ok_status();
  const bool fits =
      std::is_same_v<T, std::string> ? found->is_string() : found->is_number_integer();
  if (!fits) {
    return wrong(std::string(name) + ": expected a " +
                 (std::is_same_v<T, std::string> ? "text" : "whole number"));
  }
  to = found->get<T>();
  return ok_status();
}

Result<Upstream> parse_one(const json& from) {
  if (!from.is_object()) return wrong("expected a list of objects");
  Upstream one;
  SEL_CHECK_OK(take(from, "id", one.id));
  SEL_CHECK_OK(take(from, "url", one.url));
  SEL_CHECK_OK(take(from, "model", one.model));
  SEL_CHECK_OK(take(from, "key_variable", one.key_variable));
  std::string task = "Text Generation";
  SEL_CHECK_OK(take(from, "task", task));
  const auto known = catalog::task_from_name(task);
  if (!known) return wrong("task: there is none called \"" + task + "\"");
  one.task = *known;
  SEL_CHECK_OK(take(from, "dimensions", one.dimensions));
  SEL_CHECK_OK(take(from, "connect_ms_max", one.connect_ms_max));
  SEL_CHECK_OK(take(from, "silence_ms_max", one.silence_ms_max));
  SEL_CHECK_OK(take(from, "tries", one.tries));
  while (one.url.ends_with('/')) one.url.pop_back();
  if (one.model.empty()) one.model = one.id;
  SEL_CHECK_OK(check_upstream(one));
  return one;
}

bool in_range(int value, int least, int most) { return value >= least && value <= most; }

bool is_plain(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) {
    const auto byte = static_cast<unsigned char>(c);
    return byte > 0x20 && byte != 0x7F;
  });
}

}  // namespace

std::string Upstream::name() const {
  const std::size_t scheme = url.find("://");
  std::string host = scheme == url.npos ? url : url.substr(scheme + 3);
  host.erase(std::min(host.find('/'), host.size()));
  // A password in the URL is nobody's to read.
  if (const std::size_t at = host.find('@'); at != host.npos) host.erase(0, at + 1);
  return model + " at " + host;
}

Status check_upstream(const Upstream& upstream) {
  if (upstream.id.empty() || upstream.id.size() > kIdBytesMax || !is_plain(upstream.id)) {
    return wrong("id: expected a model's id, without spaces");
  }
  const bool http = upstream.url.starts_with("http://") || upstream.url.starts_with("https://");
  if (!http || upstream.url.size() > kUrlBytesMax || !is_plain(upstream.url)) {
    return wrong("url: expected the base of an API, such as http://127.0.0.1:8080/v1");
  }
  if (!is_plain(upstream.key_variable)) {
    return wrong("key_variable: expected the name of an environment variable");
  }
  if (upstream.task != catalog::Task::text_generation &&
      upstream.task != catalog::Task::text_embeddings) {
    return wrong("task: only Text Generation and Text Embeddings have upstreams");
  }
  if (!in_range(upstream.dimensions, 0, kDimensionsMax)) return wrong("dimensions: out of range");
  if (!in_range(upstream.connect_ms_max, 1, kMsMax)) return wrong("connect_ms_max: out of range");
  if (!in_range(upstream.silence_ms_max, 1, kMsMax)) return wrong("silence_ms_max: out of range");
  if (!in_range(upstream.tries, 1, kTriesMax)) return wrong("tries: expected 1 to 10");
  return ok_status();
}

Result<std::vector<Upstream>> parse_upstreams(std::string_view text) {
  const json parsed = json::parse(text, nullptr, false);
  if (!parsed.is_array()) return wrong("expected a JSON list of objects");
  std::vector<Upstream> upstreams;
  for (const json& each : parsed) {
    SEL_TRY(one, parse_one(each));
    const bool twice = std::any_of(upstreams.begin(), upstreams.end(),
                                   [&](const Upstream& other) { return other.id == one.id; });
    if (twice) return wrong("id: \"" + one.id + "\" stands there twice");
    upstreams.push_back(std::move(one));
  }
  return upstreams;
}

std::string upstreams_json(const std::vector<Upstream>& upstreams) {
  json list = json::array();
  const Upstream usual;
  for (const Upstream& one : upstreams) {
    json object = {{"id", one.id}, {"url", one.url}, {"model", one.model}};
    if (!one.key_variable.empty()) object["key_variable"] = one.key_variable;
    if (one.task != usual.task) object["task"] = catalog::task_name(one.task);
    if (one.dimensions != 0) object["dimensions"] = one.dimensions;
    if (one.connect_ms_max != usual.connect_ms_max) object["connect_ms_max"] = one.connect_ms_max;
    if (one.silence_ms_max != usual.silence_ms_max) object["silence_ms_max"] = one.silence_ms_max;
    if (one.tries != usual.tries) object["tries"] = one.tries;
    list.push_back(std::move(object));
  }
  return list.dump(2) + '\n';
}

void Upstreams::look() const {
  std::error_code missing;
  const auto changed = std::filesystem::last_write_time(file_, missing);
  if (missing) {
    known_.clear();
    seen_ = std::filesystem::file_time_type::min();
    return;
  }
  if (changed == seen_) return;
  seen_ = changed;
  known_.clear();
  std::ifstream file(file_, std::ios::binary);
  const std::string text((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
  auto parsed = parse_upstreams(text);
  if (!parsed.ok()) {
    log::error("{}: {}; none is used", file_.string(), parsed.error().message);
    return;
  }
  for (Upstream& one : *parsed) known_.push_back(std::make_shared<const Upstream>(std::move(one)));
}

std::shared_ptr<const Upstream> Upstreams::find(std::string_view id) const {
  const std::lock_guard lock(mutex_);
  look();
  const auto found =
      std::find_if(known_.begin(), known_.end(), [id](const auto& one) { return one->id == id; });
  return found == known_.end() ? nullptr : *found;
}

std::vector<std::shared_ptr<const Upstream>> Upstreams::all() const {
  const std::lock_guard lock(mutex_);
  look();
  return known_;
}

}  // namespace selvedge::inference
