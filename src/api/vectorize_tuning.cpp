// Vectorize tuning: the setting in and out, the figures out.
#include "api/vectorize_tuning.h"

#include <charconv>
#include <utility>

#include <nlohmann/json.hpp>

#include "api/json_reader.h"
#include "api/json_writer.h"
#include "api/vectorize_errors.h"

namespace selvedge::api {
namespace {

std::string recall_json(const vectors::Index& index) {
  std::string json = "{\"recall\":";
  append_float(json, index.recall());
  json += ",\"measured\":[";
  for (const vectors::RecallPoint& each : index.calibration()) {
    if (json.back() != '[') json += ',';
    json += "{\"recall\":";
    append_float(json, each.recall);
    json += ",\"width\":";
    append_integer(json, each.width);
    json += ",\"microseconds\":";
    append_float(json, each.us);
    json += '}';
  }
  return json + "]}";
}

}  // namespace

Result<std::string> index_recall(const IndexPath& path) {
  SEL_TRY(index, find_index(path));
  return recall_json(*index);
}

Result<std::string> set_index_recall(const IndexPath& path, std::string_view body) {
  const auto parsed = parse_json(body);
  if (!parsed.ok() || !parsed->is_object()) return unparsable_body("expected an object");
  const auto* given = present(*parsed, "recall");
  if (given == nullptr) return unparsable_body("missing field `recall`");
  const double share = given->is_number() ? given->get<double>() : -1;
  if (!(share >= 0 && share <= 1)) {
    return unparsable_body("recall: expected a number from 0 to 1");
  }
  SEL_TRY(index, find_index(path));
  if (auto set = index->set_recall(static_cast<float>(share)); !set.ok()) {
    return reworded(std::move(set.error()), path.name);
  }
  return recall_json(*index);
}

Result<std::string> index_memory(const IndexPath& path) {
  SEL_TRY(status, index_status(path));
  const vectors::Internals& internals = status.internals;
  std::string json;
  const auto add = [&json](std::string_view name, std::uint64_t number) {
    json += json.empty() ? "{\"" : ",\"";
    json += name;
    json += "\":";
    append_integer(json, number);
  };
  add("linkedCount", internals.linked_count);
  add("recentCount", internals.recent_count);
  add("deadCount", internals.dead_count);
  add("valuesBytes", internals.values_bytes);
  add("mappedBytes", internals.mapped_bytes);
  add("codesBytes", internals.codes_bytes);
  add("graphBytes", internals.graph_bytes);
  add("otherBytes", internals.other_bytes);
  if (status.to_read_count > 0) {
    add("readCount", status.read_count);
    add("toReadCount", status.to_read_count);
  }
  json += status.loaded ? ",\"loaded\":true}" : ",\"loaded\":false}";
  return json;
}

Result<std::optional<float>> recall_of(const http::Request& request, const Rules& rules) {
  constexpr std::string_view kName = "selvedge-recall";
  using Recall = std::optional<float>;
  if (rules.hosted || !request.headers.has(kName)) return Recall();
  const std::string text(request.headers.get(kName));
  float share = -1;
  const auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), share);
  const bool whole = failed == std::errc() && end == text.data() + text.size();
  if (whole && share >= 0 && share <= 1) return Recall(share);
  std::string message(kName);
  message += ": expected a number from 0 to 1";
  return Error{Code::query_invalid, std::move(message)};
}

}  // namespace selvedge::api
