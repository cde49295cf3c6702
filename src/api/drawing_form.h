// Drawing form: a picture's inputs as multipart/form-data, as FLUX.2 takes them.
#pragma once

#include <string_view>

#include <nlohmann/json_fwd.hpp>

#include "api/drawing.h"
#include "base/result.h"
#include "catalog/catalog.h"

namespace selvedge::api {

// The inputs of this model are a form.
bool takes_form(const catalog::ModelEntry& entry);

// The content type is that of a form, with a boundary or without.
bool is_form(std::string_view content_type);

// `prompt`, `width`, `height`, `steps`, `guidance` and `seed` as texts, and up to four files
// `input_image_0` to `input_image_3`, which the picture takes up; other parts are passed over.
// Errors: invalid_input. Source: docs/compatibility.md#pictures.
Result<DrawCall> parse_draw_form(std::string_view content_type, std::string_view body,
                                 const catalog::ModelEntry& entry);

// The same of {"body","contentType"}, which stands in JSON where no stream can: the body as a text.
Result<DrawCall> parse_draw_form(const nlohmann::json& multipart, const catalog::ModelEntry& entry);

}  // namespace selvedge::api
