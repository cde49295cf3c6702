// Model schemas: which inputs each model takes and what it answers, as JSON Schema.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/result.h"
#include "catalog/catalog.h"

namespace selvedge::catalog {

// One file of data/schemas: the schema of one model or of a family. Texts are compact JSON, with
// the properties in the file's order.
struct ModelSchema {
  std::string about;
  std::string input;
  std::string output;
};

// Read once, then constant. Pointers into it live as long as it does; it does not move.
// Source: docs/compatibility.md#validation.
class ModelSchemas {
 public:
  // Each text is {"about", "models"?: [ids], "task"?: name, "schema"?: "legacy"|"openai", "input",
  // "output"}: it serves the ids named, and with `task` every id of that task that no file names.
  // Errors: corrupt_data (also when two files claim the same).
  static Result<std::shared_ptr<const ModelSchemas>> parse(std::span<const std::string_view> texts);
  // The texts that were compiled in.
  static Result<std::shared_ptr<const ModelSchemas>> built_in();

  // Null when no file serves it.
  const ModelSchema* find(const ModelEntry& entry) const;
  std::span<const ModelSchema> all() const { return all_; }

 private:
  Status claim(const std::string& key, std::size_t at);

  std::vector<ModelSchema> all_;
  std::unordered_map<std::string, std::size_t> by_key_;  // An id, or "<task>/<schema>".
};

}  // namespace selvedge::catalog
