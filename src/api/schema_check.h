// Schema check: a model's inputs against its JSON Schema, in the words of Cloudflare's own
// validator.
#pragma once

#include <memory>
#include <string_view>

#include <nlohmann/json_fwd.hpp>

#include "base/result.h"

namespace selvedge::api {

// One schema, compiled. Immutable and thread-safe.
//
// Keywords: type, enum, properties, required, additionalProperties, items, minItems, maxItems,
// minLength and maxLength (in code points), minimum, maximum, exclusiveMinimum, exclusiveMaximum,
// oneOf, anyOf, not, contentEncoding "base64"; title, description, default, format and examples say
// nothing here. Messages and their order are those of cloudflare/cabidela (src/index.ts): the first
// fault in the order of `properties`, `required` last. Source: docs/compatibility.md#validation.
class SchemaCheck {
 public:
  // Errors: corrupt_data (not JSON, or a keyword that is not in the list above).
  static Result<SchemaCheck> compile(std::string_view schema);

  SchemaCheck(SchemaCheck&&) noexcept;
  SchemaCheck& operator=(SchemaCheck&&) noexcept;
  ~SchemaCheck();

  // Takes time linear in the value: a schema is walked once for each value that it names. Errors:
  // invalid_input; unknown_content_type (a text that is not base64 where that is asked for).
  //
  // `lenient`: where SDKs need it, null counts as absent in what is not required, the texts "true"
  // and "false" are booleans, and a oneOf that several branches meet is met. Else as cabidela: null
  // is absent for lists and objects alone, and texts are as long as in UTF-16.
  Status check(const nlohmann::json& value, bool lenient = true) const;

  struct Node;

 private:
  explicit SchemaCheck(std::unique_ptr<const Node> root);

  std::unique_ptr<const Node> root_;
};

}  // namespace selvedge::api
