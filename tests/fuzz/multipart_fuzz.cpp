// Fuzzes multipart bodies: parts lie inside the body, in order, and bear names; and what a picture
// model reads of them.
#include <cstdint>
#include <string_view>

#include "api/drawing_form.h"
#include "api/multipart.h"
#include "base/check.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  const std::size_t line = input.find('\n');  // The content type, then the body.
  if (line == std::string_view::npos) return 0;
  const std::string_view body = input.substr(line + 1);
  const auto parts = selvedge::api::parse_multipart(input.substr(0, line), body);
  if (!parts.ok()) {
    SEL_CHECK(parts.error().code == selvedge::Code::invalid_input);
    return 0;
  }
  SEL_CHECK(parts->size() <= 64);
  selvedge::catalog::ModelEntry entry;
  entry.id = "@cf/black-forest-labs/flux-2-dev";
  const auto draw = selvedge::api::parse_draw_form(input.substr(0, line), body, entry);
  SEL_CHECK(draw.ok() ? !draw->task.request.prompt.empty()
                      : draw.error().code == selvedge::Code::invalid_input);
  const char* behind = body.data();
  for (const auto& part : *parts) {
    SEL_CHECK(part.content.data() >= behind);
    behind = part.content.data() + part.content.size();
    SEL_CHECK(behind <= body.data() + body.size());
  }
  return 0;
}
