// Model inputs: the schemas of all models, compiled; the first thing that an input meets.
#pragma once

#include <memory>
#include <unordered_map>

#include <nlohmann/json_fwd.hpp>

#include "api/schema_check.h"
#include "catalog/model_schemas.h"

namespace selvedge::api {

// Immutable and thread-safe.
class ModelInputs {
 public:
  // Errors: corrupt_data.
  static Result<std::shared_ptr<const ModelInputs>> compile(
      std::shared_ptr<const catalog::ModelSchemas> schemas);
  // Of the schemas that were compiled in, which the tests know to be sound.
  static std::shared_ptr<const ModelInputs> built_in();

  // `lenient` and errors: those of SchemaCheck::check.
  Status check(const catalog::ModelEntry& entry, const nlohmann::json& inputs,
               bool lenient = true) const;
  // Null for a model without one, whose inputs are not checked.
  const catalog::ModelSchema* schema(const catalog::ModelEntry& entry) const;

 private:
  std::shared_ptr<const catalog::ModelSchemas> schemas_;
  std::unordered_map<const catalog::ModelSchema*, SchemaCheck> checks_;
};

}  // namespace selvedge::api
