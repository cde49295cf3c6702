// OpenAPI: the description of every path of the API port, for people, client generators and tests.
#pragma once

#include <span>
#include <string>
#include <string_view>

namespace selvedge::api {

// The files of data/openapi, compiled in, in the order in which they are joined: first the one that
// the others add `paths` and `components` to.
std::span<const std::string_view> openapi_parts();

// One OpenAPI 3.1 document in compact JSON, with `version` as its own. Each part may name the
// `failures` that all its operations share ({"<reference>": [statuses]}), which are written out.
// Source of the form: https://spec.openapis.org/oas/v3.1.0.
std::string openapi_document(std::string_view version);

}  // namespace selvedge::api
