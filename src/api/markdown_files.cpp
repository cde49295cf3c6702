// One file after the other: documents in the converter's own process, pictures by a model.
#include "api/markdown_files.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include <nlohmann/json.hpp>

#include "api/answer_headers.h"
#include "api/input_check.h"
#include "api/json_reader.h"
#include "api/json_writer.h"
#include "api/languages.h"
#include "api/picture_tasks.h"
#include "api/text_generation.h"
#include "documents/converter.h"
#include "documents/file_format.h"
#include "documents/token_estimate.h"

namespace selvedge::api {
namespace {

using documents::FileFormat;
using documents::FormatKind;
using nlohmann::json;

constexpr std::size_t kOptionBytesMax = 1'024;

// Null: not there. Errors: invalid_input.
Result<const json*> object_member(const json& parent, const char* name) {
  const json* value = present(parent, name);
  if (value == nullptr || value->is_object()) return value;
  return type_mismatch(std::string("/conversionOptions/") + name, "object", *value);
}

// Errors: invalid_input.
Status read_text(const json& parent, const std::string& path, const char* name, std::string& text) {
  const json* value = present(parent, name);
  if (value == nullptr) return ok_status();
  if (!value->is_string()) return type_mismatch(path + "/" + name, "string", *value);
  text = value->get<std::string>();
  return check_length(path + "/" + name, text, 0, kOptionBytesMax);
}

Status read_output(const json& output, documents::ConversionOptions& options) {
  std::string format = "markdown";
  SEL_CHECK_OK(read_text(output, "/conversionOptions/output", "format", format));
  if (format != "markdown" && format != "text") {
    return not_in_enum("/conversionOptions/output/format", format, "markdown,text");
  }
  options.plain_text = format == "text";
  return ok_status();
}

Status read_pdf(const json& pdf, documents::ConversionOptions& options) {
  const json* metadata = present(pdf, "metadata");
  if (metadata == nullptr) return ok_status();
  if (!metadata->is_boolean()) {
    return type_mismatch("/conversionOptions/pdf/metadata", "boolean", *metadata);
  }
  options.pdf_metadata = metadata->get<bool>();
  return ok_status();
}

Status read_image(const json& image, MarkdownOptions& options) {
  std::string language;
  SEL_CHECK_OK(read_text(image, "/conversionOptions/image", "descriptionLanguage", language));
  if (language.empty()) return ok_status();
  constexpr std::string_view kLanguages[] = {"en", "it", "de", "es", "fr", "pt"};
  if (std::ranges::find(kLanguages, language) == std::end(kLanguages)) {
    return not_in_enum("/conversionOptions/image/descriptionLanguage", language,
                       "en,it,de,es,fr,pt");
  }
  options.picture_language = language_name(language).value_or(language);
  return ok_status();
}

bool served(const FileFormat& format, const Rules& rules) {
  return format.served() && (format.hosted || !rules.hosted);
}

Error not_converted(const FileFormat* format) {
  if (format == nullptr) {
    return Error{Code::file_invalid,
                 "neither the file's type nor its name tells a format that is converted here"};
  }
  return Error{Code::file_invalid,
               std::string(format->extension) + " files are not converted here"};
}

// The id that pictures are described by, and priced as: what answers for it is the catalogue's
// choice.
constexpr std::string_view kDescriber = "@cf/llava-hf/llava-1.5-7b-hf";

asio::awaitable<Result<std::string>> description_of(const ApiContext& context, MarkdownFile& file,
                                                    const MarkdownOptions& options,
                                                    const inference::Payer& payer,
                                                    std::string& described_by) {
  if (file.bytes.empty()) co_return Error{Code::file_invalid, "this file is empty"};
  auto model = context.catalog.resolve(kDescriber);
  if (!model.ok()) {
    co_return Error{Code::file_invalid,
                    "pictures are described by a model that reads them: " + model.error().message};
  }
  json input = json::object();
  if (!options.picture_language.empty()) {
    input["prompt"] = "Describe this picture in one or two sentences. Answer in " +
                      options.picture_language + ".";
  }
  auto call = parse_picture_call(input, std::move(file.bytes), *model->entry);
  if (!call.ok()) co_return std::move(call.error());
  call->task.payer = payer;
  call->task.window_tokens = window_of(context.rules, *model->entry);
  described_by = answered_by(*model);
  auto described = co_await run_picture_call(context, *model, *std::move(call));
  if (!described.ok()) co_return std::move(described.error());
  co_return std::move(described->text);
}

asio::awaitable<Result<std::string>> markdown_of(const ApiContext& context, MarkdownFile& file,
                                                 const FileFormat* format,
                                                 const documents::ConversionOptions& options) {
  if (format == nullptr || !served(*format, context.rules)) co_return not_converted(format);
  if (context.converter == nullptr) {
    co_return Error{Code::unavailable, "this server has no converter"};
  }
  documents::Conversion conversion;
  conversion.kind = format->kind;
  conversion.name = file.name;
  conversion.charset = std::string(documents::charset_of(file.mime_type));
  conversion.options = options;
  conversion.bytes = std::move(file.bytes);
  auto converted = co_await context.converter->convert(std::move(conversion));
  co_return std::move(converted);
}

std::string_view type_told(const MarkdownFile& file, const FileFormat* format) {
  if (format != nullptr) return format->mime_type;
  return file.mime_type.empty() ? std::string_view("application/octet-stream") : file.mime_type;
}

struct FileAnswer {
  std::string id;
  std::string_view name;
  std::string_view mime_type;
  bool plain_text = false;
};

void append_answer(std::string& text, const FileAnswer& answer,
                   const Result<std::string>& converted) {
  text += text.size() > 1 ? ",{\"id\":" : "{\"id\":";
  append_string(text, answer.id);
  text += ",\"name\":";
  append_string(text, answer.name);
  text += ",\"mimeType\":";
  append_string(text, answer.mime_type);
  if (!converted.ok()) {
    text += ",\"format\":\"error\",\"error\":";
    append_string(text, converted.error().message);
  } else {
    text += answer.plain_text ? ",\"format\":\"text\",\"tokens\":"
                              : ",\"format\":\"markdown\",\"tokens\":";
    append_integer(text, documents::estimated_tokens(*converted));
    text += ",\"data\":";
    append_string(text, *converted);
  }
  text += '}';
}

}  // namespace

Result<MarkdownOptions> conversion_options(const json& given) {
  MarkdownOptions options;
  if (!given.is_object()) return type_mismatch("/conversionOptions", "object", given);
  SEL_TRY(output, object_member(given, "output"));
  if (output != nullptr) SEL_CHECK_OK(read_output(*output, options));
  SEL_TRY(html, object_member(given, "html"));
  if (html != nullptr) {
    const std::string path = "/conversionOptions/html";
    SEL_CHECK_OK(read_text(*html, path, "hostname", options.html_hostname));
    SEL_CHECK_OK(read_text(*html, path, "cssSelector", options.html_selector));
  }
  SEL_TRY(pdf, object_member(given, "pdf"));
  if (pdf != nullptr) SEL_CHECK_OK(read_pdf(*pdf, options));
  SEL_TRY(image, object_member(given, "image"));
  if (image != nullptr) SEL_CHECK_OK(read_image(*image, options));
  return options;
}

asio::awaitable<Result<MarkdownResults>> markdown_of_files(const ApiContext& context,
                                                           std::vector<MarkdownFile> files,
                                                           MarkdownOptions options,
                                                           MarkdownCaller caller) {
  if (files.empty()) co_return required_missing("/", "files");
  SEL_CO_CHECK_OK(check_count("/files", files.size(), 1, documents::kFilesMax));
  MarkdownResults results;
  results.json = "[";
  for (std::size_t at = 0; at < files.size(); ++at) {
    MarkdownFile& file = files[at];
    const FileFormat* format = documents::format_of(file.name, file.mime_type);
    const bool is_picture = format != nullptr && format->kind == FormatKind::picture;
    auto work = is_picture
                    ? description_of(context, file, options, caller.payer, results.described_by)
                    : markdown_of(context, file, format, options);
    auto converted = co_await std::move(work);
    if (!converted.ok() && converted.error().code == Code::queue_full) {
      co_return std::move(converted.error());
    }
    const std::string id =
        context.identities->uuid({"markdown", caller.call_id, std::to_string(at)});
    const FileAnswer answer{id, file.name, type_told(file, format), options.plain_text};
    append_answer(results.json, answer, converted);
  }
  results.json += ']';
  co_return std::move(results);
}

std::string supported_formats_json(const Rules& rules) {
  std::string text = "[";
  for (const FileFormat& format : documents::file_formats()) {
    if (!served(format, rules)) continue;
    text += text.size() > 1 ? ",{\"extension\":" : "{\"extension\":";
    append_string(text, format.extension);
    text += ",\"mimeType\":";
    append_string(text, format.mime_type);
    text += '}';
  }
  return text + "]";
}

}  // namespace selvedge::api
