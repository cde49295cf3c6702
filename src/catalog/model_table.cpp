// Model table: JSON in, checked rows out.
#include "catalog/model_table.h"

#include <algorithm>
#include <cmath>
#include <set>
#include <utility>

#include <nlohmann/json.hpp>

#include "base/sha256.h"
#include "base/uuid.h"
#include "catalog/embedded_data.h"
#include "catalog/task_names.h"

namespace selvedge::catalog {

namespace {

using nlohmann::json;

std::uint64_t number_of_hex(std::string_view digits) {
  std::uint64_t number = 0;
  for (const char c : digits) {
    number = number * 16 + static_cast<std::uint64_t>(c <= '9' ? c - '0' : c - 'a' + 10);
  }
  return number;
}

// The published list names tasks that have no name of ours; their rows keep Cloudflare's.
Task task_of(const std::string& name) { return task_from_name(name).value_or(Task::other); }

Prices prices_of(const json& row) {
  Prices prices;
  const auto found = row.find("neurons");
  if (found == row.end()) return prices;
  for (const auto& [unit, price] : found->items()) {
    const double neurons = price.get<double>();
    prices.units.push_back({unit, neurons});
    if (unit == "per_m_input_tokens") prices.per_m_input_tokens = neurons;
    if (unit == "per_m_output_tokens") prices.per_m_output_tokens = neurons;
    if (unit == "per_m_cached_input_tokens") prices.per_m_cached_input_tokens = neurons;
    if (unit == "per_audio_minute") prices.per_audio_minute = neurons;
  }
  return prices;
}

ModelEntry entry_of(const json& row) {
  ModelEntry entry;
  entry.id = row.at("id").get<std::string>();
  entry.uuid = row.value("uuid", std::string());
  if (entry.uuid.empty()) entry.uuid = uuid_of_id(entry.id);
  entry.task_name = row.at("task").get<std::string>();
  entry.task = task_of(entry.task_name);
  entry.task_id = row.value("task_id", std::string());
  entry.description = row.at("description").get<std::string>();
  // Mixed forms ("legacy+responses", "guard") take the legacy input.
  entry.schema = row.value("schema", std::string()) == "openai" ? Schema::openai : Schema::legacy;
  entry.context_tokens = row.value("context", 0);
  entry.output_dimensions = row.value("output_dimensions", 0);
  entry.deprecated = row.value("deprecated", false);
  entry.deprecated_on = row.value("deprecated_on", std::string());
  entry.lora = row.value("lora", false);
  entry.function_calling = row.value("function_calling", false);
  entry.listed = row.value("listed", false);
  entry.prices = prices_of(row);
  entry.traits = row.value("traits", std::vector<std::string>());
  entry.created_at = row.value("created_at", std::string());
  entry.weights = row.value("weights", std::string());
  return entry;
}

DrawingHabits drawing_of(const json& row) {
  DrawingHabits habits;
  habits.steps = row.value("steps", 0);
  habits.guidance = row.value("guidance", 0.0);
  habits.sampler = row.value("sampler", std::string());
  habits.scheduler = row.value("scheduler", std::string());
  return habits;
}

Artifact artifact_of(const json& row) {
  Artifact artifact;
  artifact.name = row.at("name").get<std::string>();
  artifact.file = row.at("file").get<std::string>();
  artifact.url = row.value("url", std::string());
  artifact.sha256 = row.value("sha256", std::string());
  artifact.bytes = row.value("bytes", std::uint64_t{0});
  artifact.bytes_about = row.value("bytes_about", artifact.bytes);
  artifact.licence = row.at("licence").get<std::string>();
  artifact.task = task_of(row.at("task").get<std::string>());
  artifact.part = row.value("part", std::string());
  artifact.of = row.value("of", std::string());
  artifact.optional = row.value("optional", false);
  artifact.stand_in = row.value("stand_in", false);
  artifact.reader = row.value("reader", true);
  artifact.query_prefix = row.value("query_prefix", std::string());
  artifact.passage_prefix = row.value("passage_prefix", std::string());
  artifact.refuse_below_latin = row.value("refuse_below_latin", 0.0);
  artifact.refuse_below_cjk = row.value("refuse_below_cjk", 0.0);
  artifact.drawing = drawing_of(row);
  artifact.models = row.at("models").get<std::vector<std::string>>();
  return artifact;
}

bool is_sha256(std::string_view text) {
  return text.size() == 64 && text.find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

Error wrong(const std::string& what) { return Error{Code::corrupt_data, "model table: " + what}; }

// A name becomes a file in models/: no folder, no hidden file.
bool is_file_name(std::string_view name) {
  return !name.empty() && name.front() != '.' && name.find('/') == std::string_view::npos;
}

Status check_artifact(const Artifact& artifact, const ModelTable& table) {
  const std::string which = "artifact \"" + artifact.name + "\"";
  if (!is_file_name(artifact.name) || !is_file_name(artifact.file)) {
    return wrong(which + " has no usable name");
  }
  if (!artifact.sha256.empty() && !is_sha256(artifact.sha256)) {
    return wrong(which + " has no SHA-256 of 64 digits");
  }
  if (artifact.url.empty() && artifact.sha256.empty()) return wrong(which + " can be had nowhere");
  for (const std::string& id : artifact.models) {
    if (table.find(id) == nullptr) return wrong(which + " names \"" + id + "\", which is no model");
  }
  return ok_status();
}

}  // namespace

Result<std::shared_ptr<const ModelTable>> ModelTable::parse(std::string_view models,
                                                            std::string_view artifacts) {
  auto table = std::make_shared<ModelTable>();
  try {
    const json model_rows = json::parse(models);
    for (const json& row : model_rows.at("models")) table->entries_.push_back(entry_of(row));
    const json artifact_rows = json::parse(artifacts);
    for (const json& row : artifact_rows.at("artifacts")) {
      table->artifacts_.push_back(artifact_of(row));
    }
  } catch (const json::exception& problem) {
    return wrong(problem.what());
  }
  for (const ModelEntry& entry : table->entries_) table->by_id_.emplace(entry.id, &entry);
  SEL_CHECK_OK(table->check());
  return std::shared_ptr<const ModelTable>(std::move(table));
}

Result<std::shared_ptr<const ModelTable>> ModelTable::built_in() {
  return parse(embedded_models(), embedded_artifacts());
}

Status ModelTable::check() const {
  if (by_id_.size() != entries_.size()) return wrong("an id stands twice");
  for (const ModelEntry& entry : entries_) {
    if (!entry.id.starts_with('@')) return wrong("\"" + entry.id + "\" is no model id");
    for (const UnitPrice& price : entry.prices.units) {
      if (!(price.neurons >= 0) || !std::isfinite(price.neurons)) {
        return wrong("\"" + entry.id + "\" has a price that cannot be");
      }
    }
  }
  std::set<std::string_view> names;
  std::set<std::string_view> sums;
  for (const Artifact& artifact : artifacts_) {
    SEL_CHECK_OK(check_artifact(artifact, *this));
    if (!names.insert(artifact.name).second || !names.insert(artifact.file).second) {
      return wrong("two artifacts are called \"" + artifact.name + "\"");
    }
    if (!artifact.sha256.empty() && !sums.insert(artifact.sha256).second) {
      return wrong("two artifacts have the sum of \"" + artifact.name + "\"");
    }
  }
  return ok_status();
}

const ModelEntry* ModelTable::find(std::string_view id) const {
  const auto found = by_id_.find(id);
  return found == by_id_.end() ? nullptr : found->second;
}

const Artifact* ModelTable::artifact(std::string_view name) const {
  for (const Artifact& artifact : artifacts_) {
    if (artifact.name == name) return &artifact;
  }
  return nullptr;
}

const Artifact* ModelTable::artifact_by_sha256(std::string_view sha256) const {
  for (const Artifact& artifact : artifacts_) {
    if (!sha256.empty() && artifact.sha256 == sha256) return &artifact;
  }
  return nullptr;
}

std::vector<const Artifact*> ModelTable::parts_of(const Artifact& weights) const {
  std::vector<const Artifact*> parts;
  for (const Artifact& artifact : artifacts_) {
    if (artifact.part.empty()) continue;
    const bool shared =
        artifact.of == weights.name ||
        std::any_of(artifact.models.begin(), artifact.models.end(), [&](const std::string& id) {
          return std::find(weights.models.begin(), weights.models.end(), id) !=
                 weights.models.end();
        });
    if (shared) parts.push_back(&artifact);
  }
  return parts;
}

const Artifact* ModelTable::exact_artifact(std::string_view id) const {
  for (const Artifact& artifact : artifacts_) {
    if (!artifact.part.empty()) continue;
    for (const std::string& model : artifact.models) {
      if (model == id) return &artifact;
    }
  }
  return nullptr;
}

std::string uuid_of_id(const std::string& id) {
  Sha256 hash;
  hash.add(id);
  const std::string hex = hash.hex();
  return uuid_from_numbers(number_of_hex(std::string_view(hex).substr(0, 16)),
                           number_of_hex(std::string_view(hex).substr(16, 16)));
}

std::string readable_bytes(std::uint64_t bytes) {
  constexpr std::pair<double, const char*> kUnits[] = {
      {1e12, "TB"}, {1e9, "GB"}, {1e6, "MB"}, {1e3, "kB"}};
  const auto number = static_cast<double>(bytes);
  for (const auto& [size, name] : kUnits) {
    if (number < size) continue;
    const double count = number / size;
    const auto tenths = static_cast<std::uint64_t>(std::lround(count * 10));
    const std::string whole = std::to_string(tenths / 10);
    if (count >= 10 || tenths % 10 == 0) return std::to_string(std::lround(count)) + " " + name;
    return whole + "." + std::to_string(tenths % 10) + " " + name;
  }
  return std::to_string(bytes) + " B";
}

}  // namespace selvedge::catalog
