// Model schemas: reads the files and finds the one of a model.
#include "catalog/model_schemas.h"

#include <utility>

#include <nlohmann/json.hpp>

#include "catalog/embedded_data.h"

namespace selvedge::catalog {
namespace {

using nlohmann::ordered_json;

Error wrong(const std::string& what) { return Error{Code::corrupt_data, "schema file: " + what}; }

std::string family_key(const std::string& task_name, Schema schema) {
  return task_name + (schema == Schema::openai ? "/openai" : "/legacy");
}

}  // namespace

Status ModelSchemas::claim(const std::string& key, std::size_t at) {
  if (by_key_.emplace(key, at).second) return ok_status();
  return wrong("'" + key + "' is claimed twice");
}

Result<std::shared_ptr<const ModelSchemas>> ModelSchemas::parse(
    std::span<const std::string_view> texts) {
  auto schemas = std::make_shared<ModelSchemas>();
  for (const std::string_view text : texts) {
    const auto file = ordered_json::parse(text, nullptr, /*allow_exceptions=*/false);
    if (!file.is_object() || !file.contains("input") || !file.contains("output")) {
      return wrong("no object with input and output");
    }
    const std::size_t at = schemas->all_.size();
    schemas->all_.push_back({file.value("about", ""), file["input"].dump(), file["output"].dump()});
    if (file.contains("models")) {
      for (const ordered_json& id : file["models"]) {
        if (!id.is_string()) return wrong("an id that is no text");
        SEL_CHECK_OK(schemas->claim(id.get<std::string>(), at));
      }
    }
    if (!file.contains("task")) continue;
    const std::string generation = file.value("schema", "legacy");
    const auto schema = generation == "openai" ? Schema::openai : Schema::legacy;
    SEL_CHECK_OK(schemas->claim(family_key(file.value("task", ""), schema), at));
  }
  return std::shared_ptr<const ModelSchemas>(std::move(schemas));
}

Result<std::shared_ptr<const ModelSchemas>> ModelSchemas::built_in() {
  return parse(embedded_schemas());
}

const ModelSchema* ModelSchemas::find(const ModelEntry& entry) const {
  auto found = by_key_.find(entry.inputs_like.empty() ? entry.id : entry.inputs_like);
  if (found == by_key_.end()) found = by_key_.find(family_key(entry.task_name, entry.schema));
  return found == by_key_.end() ? nullptr : &all_[found->second];
}

}  // namespace selvedge::catalog
