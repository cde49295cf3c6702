// Fuzzes the lines of a write: the reader on the hot path must agree with a plain one.
#include <cmath>
#include <cstdint>
#include <cstring>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json.hpp>

#include "api/json_reader.h"
#include "api/vector_lines.h"
#include "base/check.h"
#include "base/limits.h"

namespace {

using nlohmann::json;
namespace limits = selvedge::limits;

constexpr std::size_t kDimensions = 3;

// The float nearest to a JSON number by way of double, as the reader does it.
bool same_value(const json& number, float value) {
  const auto wanted = static_cast<float>(number.get<double>());
  return std::memcmp(&wanted, &value, sizeof value) == 0 || wanted == value;
}

bool same_text(const json& vector, const char* key, const std::string& text) {
  const auto found = vector.find(key);
  if (found == vector.end() || found->is_null()) return text.empty();
  return found->is_string() && found->get_ref<const std::string&>() == text;
}

// What the plain reader makes of one vector that the other one took.
void compare(const json& vector, const selvedge::vectors::VectorBatch& batch, std::size_t at) {
  SEL_CHECK(vector.is_object());
  SEL_CHECK(same_text(vector, "id", batch.ids[at]));
  SEL_CHECK(!batch.ids[at].empty() && batch.ids[at].size() <= limits::id_bytes_max);
  SEL_CHECK(same_text(vector, "namespace", batch.partitions[at].value_or("")));
  const json& values = vector.at("values");
  SEL_CHECK(values.is_array() && values.size() == kDimensions);
  for (std::size_t value = 0; value < kDimensions; ++value) {
    SEL_CHECK(values[value].is_number());
    const float read = batch.values[at * kDimensions + value];
    SEL_CHECK(std::isfinite(read));
    SEL_CHECK(same_value(values[value], read));
  }
  const auto metadata = vector.find("metadata");
  const bool none = metadata == vector.end() || metadata->is_null();
  SEL_CHECK(none == batch.metadata[at].empty());
  if (none) return;
  SEL_CHECK(batch.metadata[at].size() <= limits::metadata_bytes_max);
  const json kept = json::parse(batch.metadata[at], nullptr, false);
  SEL_CHECK(kept == *metadata);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  namespace api = selvedge::api;
  std::string padded(reinterpret_cast<const char*>(data), size);
  padded.append(api::kVectorLinesPadding, '\0');
  const std::string_view lines(padded.data(), size);
  api::VectorLinesOptions options;
  options.dimensions = kDimensions;
  const auto batch = api::parse_vector_lines(lines, options);
  if (api::parse_vector_object(lines, options).ok()) SEL_CHECK(json::accept(lines));
  options.discard_unparsable = true;
  static_cast<void>(api::parse_vector_lines(lines, options));
  if (!batch.ok()) return 0;
  std::size_t at = 0;
  for (std::size_t begin = 0; begin < lines.size();) {
    const std::size_t end = std::min(lines.find('\n', begin), lines.size());
    const std::string_view line = lines.substr(begin, end - begin);
    begin = end + 1;
    if (line.find_first_not_of(" \t\r") == std::string_view::npos) continue;
    SEL_CHECK(at < batch->ids.size());
    const json vector = json::parse(line, nullptr, false);
    compare(vector, *batch, at++);
  }
  SEL_CHECK(at == batch->ids.size());
  return 0;
}
