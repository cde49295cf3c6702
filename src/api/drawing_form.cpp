// Drawing form: parts into fields of JSON, which are read as those of other models.
#include "api/drawing_form.h"

#include <array>
#include <charconv>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>
#include <strings.h>

#include "api/input_check.h"
#include "api/json_reader.h"
#include "api/multipart.h"
#include "base/utf8.h"

namespace selvedge::api {
namespace {

using nlohmann::json;

constexpr std::array<std::string_view, 5> kNumbers = {"width", "height", "steps", "guidance",
                                                      "seed"};
constexpr std::string_view kFormType = "multipart/form-data";
constexpr std::string_view kFile = "input_image_";
constexpr std::size_t kFilesMax = 4;  // Workers AI.

template <class T>
bool reads_whole(std::string_view text, T& value) {
  const auto read = std::from_chars(text.data(), text.data() + text.size(), value);
  return read.ec == std::errc() && read.ptr == text.data() + text.size();
}

Result<json> number_of(std::string_view name, std::string_view text) {
  std::int64_t whole = 0;
  if (reads_whole(text, whole)) return json(whole);
  double number = 0;
  if (reads_whole(text, number)) return json(number);
  return type_mismatch("/" + std::string(name), "number", json(std::string()));
}

// 0 to 3 of "input_image_0" and so on. Errors: invalid_input.
Result<std::size_t> place_of(std::string_view name) {
  std::size_t place = 0;
  if (reads_whole(name.substr(kFile.size()), place) && place < kFilesMax) return place;
  return Error{Code::invalid_input,
               "'/input_image_…': up to 4 pictures are taken, as 'input_image_0' to "
               "'input_image_3'"};
}

}  // namespace

bool takes_form(const catalog::ModelEntry& entry) {
  return entry.id.starts_with("@cf/black-forest-labs/flux-2-");
}

bool is_form(std::string_view content_type) {
  return content_type.size() >= kFormType.size() &&
         ::strncasecmp(content_type.data(), kFormType.data(), kFormType.size()) == 0;
}

Result<DrawCall> parse_draw_form(std::string_view content_type, std::string_view body,
                                 const catalog::ModelEntry& entry) {
  SEL_TRY(parts, parse_multipart(content_type, body));
  json fields = json::object();
  std::array<std::string, kFilesMax> files;
  for (const MultipartPart& part : parts) {
    const std::string_view name = part.name;
    if (name.starts_with(kFile)) {
      SEL_TRY(place, place_of(name));
      files[place] = part.content;
      continue;
    }
    if (!utf8::valid(part.content)) continue;  // No field of ours.
    if (name == "prompt") fields["prompt"] = part.content;
    for (const std::string_view number : kNumbers) {
      if (name != number) continue;
      SEL_TRY(value, number_of(name, part.content));
      fields[std::string(name)] = std::move(value);
    }
  }
  if (!fields.contains("prompt")) return required_missing("/", "prompt");
  if (fields["prompt"] == "") {
    return Error{Code::invalid_input, "Length of '/prompt' must be >= 1"};
  }
  SEL_TRY(call, parse_draw(fields, entry));
  for (std::string& file : files) {
    if (!file.empty()) call.task.request.references.push_back(std::move(file));
  }
  return call;
}

Result<DrawCall> parse_draw_form(const json& multipart, const catalog::ModelEntry& entry) {
  if (!multipart.is_object()) return type_mismatch("/multipart", "object", multipart);
  const json* body = present(multipart, "body");
  if (body == nullptr) return required_missing("/multipart", "body");
  if (!body->is_string()) return type_mismatch("/multipart/body", "string", *body);
  return parse_draw_form(text_in(multipart, "contentType"), body->get_ref<const std::string&>(),
                         entry);
}

}  // namespace selvedge::api
