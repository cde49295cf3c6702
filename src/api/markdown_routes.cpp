// Two forms of one call: a form with files, and JSON with their bytes in base64.
#include "api/markdown_routes.h"

#include <string>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>

#include "api/errors.h"
#include "api/inline_work.h"
#include "api/input_check.h"
#include "api/json_reader.h"
#include "api/markdown_files.h"
#include "api/multipart.h"
#include "api/payer.h"
#include "api/request_id.h"
#include "base/base64.h"
#include "base/limits.h"

namespace selvedge::api {
namespace {

using nlohmann::json;

struct MarkdownCall {
  std::vector<MarkdownFile> files;
  MarkdownOptions options;
};

// Errors: invalid_input, invalid_json.
Result<MarkdownCall> read_form(const http::Request& request) {
  SEL_TRY(parts, parse_multipart(request.headers.get("content-type"), request.body));
  MarkdownCall call;
  for (const MultipartPart& part : parts) {
    if (part.name == "files" || part.name == "files[]") {
      const std::string type = part.charset.empty()
                                   ? part.content_type
                                   : part.content_type + "; charset=" + part.charset;
      call.files.push_back({part.file_name, type, std::string(part.content)});
    } else if (part.name == "conversionOptions") {
      SEL_TRY(given, parse_json(part.content));
      SEL_TRY(options, conversion_options(given));
      call.options = std::move(options);
    }
  }
  return call;
}

// Errors: invalid_input.
Result<MarkdownFile> read_file(const json& given, std::size_t at) {
  const std::string path = "/files/" + std::to_string(at);
  if (!given.is_object()) return type_mismatch(path, "object", given);
  MarkdownFile file;
  for (const auto& [name, text] : {std::pair{"name", &file.name}, {"mimeType", &file.mime_type}}) {
    const json* value = present(given, name);
    if (value == nullptr) continue;
    if (!value->is_string()) return type_mismatch(path + "/" + name, "string", *value);
    *text = value->get<std::string>();
  }
  const json* data = present(given, "data");
  if (data == nullptr) return required_missing(path, "data");
  if (!data->is_string()) return type_mismatch(path + "/data", "string", *data);
  auto bytes = base64_bytes(data->get_ref<const std::string&>());
  if (!bytes) return Error{Code::invalid_input, "'" + path + "/data' must be base64"};
  file.bytes = std::move(*bytes);
  return file;
}

// {"files":[{"name","mimeType","data"}],"options"?:{"conversionOptions"?:{…}}}; options of a
// conversion may also stand in `options` themselves. Errors: invalid_input, invalid_json.
Result<MarkdownCall> read_body(const http::Request& request) {
  SEL_TRY(body, parse_object(request.body));
  MarkdownCall call;
  const json* files = present(body, "files");
  if (files == nullptr) return required_missing("/", "files");
  if (!files->is_array()) return type_mismatch("/files", "array", *files);
  SEL_CHECK_OK(check_count("/files", files->size(), 1, documents::kFilesMax));
  for (std::size_t at = 0; at < files->size(); ++at) {
    SEL_TRY(file, read_file((*files)[at], at));
    call.files.push_back(std::move(file));
  }
  const json* options = present(body, "options");
  if (options == nullptr) return call;
  if (!options->is_object()) return type_mismatch("/options", "object", *options);
  const json* nested = present(*options, "conversionOptions");
  SEL_TRY(read, conversion_options(nested != nullptr ? *nested : *options));
  call.options = std::move(read);
  return call;
}

using ReadCall = Result<MarkdownCall> (*)(const http::Request&);

asio::awaitable<Result<MarkdownResults>> results_of(const ApiContext& context,
                                                    const http::Request& request, ReadCall read,
                                                    MarkdownCaller caller) {
  auto work = [&request, read] { return read(request); };
  auto call = co_await inline_or_offload(context.pool, request.body.size(), kInlineBodyBytes,
                                         std::move(work));
  if (!call.ok()) co_return std::move(call.error());
  auto results = co_await markdown_of_files(context, std::move(call->files),
                                            std::move(call->options), std::move(caller));
  co_return std::move(results);
}

void tell_model(http::Response& response, const MarkdownResults& results) {
  if (results.described_by.empty()) return;
  response.headers.set("selvedge-model", results.described_by);
}

asio::awaitable<http::Response> rest_markdown(const ApiContext& context,
                                              const http::Request& request,
                                              std::string_view account) {
  const std::string request_id = request_id_of(context, request);
  MarkdownCaller caller{request_id, payer_of(request, account)};
  auto results = co_await results_of(context, request, read_form, std::move(caller));
  if (!results.ok()) co_return workers_ai_error(results.error(), request_id);
  http::Response response = envelope(results->json);
  response.headers.set("cf-ai-req-id", request_id);
  tell_model(response, *results);
  co_return std::move(response);
}

asio::awaitable<http::Response> binding_markdown(const ApiContext& context,
                                                 const http::Request& request) {
  const std::string request_id = request_id_of(context, request);
  MarkdownCaller caller{request_id, payer_of(request, request.headers.get("selvedge-account"))};
  auto results = co_await results_of(context, request, read_body, std::move(caller));
  if (!results.ok()) co_return ai_binding_error(results.error(), request_id);
  http::Response response =
      json_response(200, "{\"result\":" + results->json + ",\"success\":true}");
  tell_model(response, *results);
  co_return std::move(response);
}

}  // namespace

void add_markdown_routes(Router& router, const ApiContext& context) {
  router.add({"POST", "/client/v4/accounts/{account}/ai/tomarkdown",
              [&context](http::Request& request, const PathParameters& parameters) {
                return rest_markdown(context, request, parameters.get("account"));
              },
              limits::audio_body_bytes_max});
  router.add({"GET", "/client/v4/accounts/{account}/ai/tomarkdown/supported",
              [&context](http::Request&, const PathParameters&) {
                return at_once(envelope(supported_formats_json(context.rules)));
              },
              limits::json_body_bytes_max});
}

void add_markdown_binding_routes(Router& router, const ApiContext& context) {
  // Bindings before 2026 send files to the path at which they ask for the formats.
  for (const char* path :
       {"/to-everything/markdown/transformer", "/to-everything/markdown/supported"}) {
    router.add({"POST", path,
                [&context](http::Request& request, const PathParameters&) {
                  return binding_markdown(context, request);
                },
                limits::audio_body_bytes_max});
  }
  router.add(
      {"GET", "/to-everything/markdown/supported",
       [&context](http::Request&, const PathParameters&) {
         return at_once(json_response(
             200, "{\"result\":" + supported_formats_json(context.rules) + ",\"success\":true}"));
       },
       limits::json_body_bytes_max});
}

}  // namespace selvedge::api
