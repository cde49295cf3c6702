// Model inputs: one compiled check a schema.
#include "api/model_inputs.h"

#include <utility>

#include <nlohmann/json.hpp>

namespace selvedge::api {

Result<std::shared_ptr<const ModelInputs>> ModelInputs::compile(
    std::shared_ptr<const catalog::ModelSchemas> schemas) {
  auto inputs = std::make_shared<ModelInputs>();
  for (const catalog::ModelSchema& schema : schemas->all()) {
    SEL_TRY(check, SchemaCheck::compile(schema.input));
    inputs->checks_.emplace(&schema, std::move(check));
  }
  inputs->schemas_ = std::move(schemas);
  return std::shared_ptr<const ModelInputs>(std::move(inputs));
}

std::shared_ptr<const ModelInputs> ModelInputs::built_in() {
  auto schemas = catalog::ModelSchemas::built_in();
  auto inputs = compile(std::move(schemas).value());
  return std::move(inputs).value();
}

Status ModelInputs::check(const catalog::ModelEntry& entry, const nlohmann::json& inputs,
                          bool lenient) const {
  const auto found = checks_.find(schema(entry));
  return found == checks_.end() ? ok_status() : found->second.check(inputs, lenient);
}

const catalog::ModelSchema* ModelInputs::schema(const catalog::ModelEntry& entry) const {
  return schemas_->find(entry);
}

}  // namespace selvedge::api
