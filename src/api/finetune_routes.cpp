// Fine-tune routes: checks on the pool, beside the disk; nothing here waits on the I/O thread.
#include "api/finetune_routes.h"

#include <algorithm>
#include <utility>

#include <nlohmann/json.hpp>

#include "api/ai_run.h"
#include "api/errors.h"
#include "api/input_check.h"
#include "api/json_reader.h"
#include "api/json_writer.h"
#include "api/lora.h"
#include "api/multipart.h"
#include "api/page.h"
#include "base/limits.h"
#include "base/log.h"
#include "base/offload.h"
#include "base/uuid.h"
#include "catalog/adapter_check.h"
#include "catalog/adapter_gguf.h"

namespace selvedge::api {
namespace {

using nlohmann::json;

constexpr std::string_view kFinetunes = "/client/v4/accounts/{account}/ai/finetunes";
constexpr std::string_view kReservedPrefix = "cf-public-";
constexpr std::string_view kFileNames = "adapter_config.json,adapter_model.safetensors";
constexpr std::size_t kFormBytesMax = 64 * 1024;  // Of an upload, around the file.
constexpr std::size_t kPublicCountMax = 1'000;

struct FinetuneCall {
  const ApiContext& context;
  catalog::Finetunes& finetunes;
  const http::Request& request;
  const PathParameters& parameters;

  std::string_view account() const { return parameters.get("account"); }
  std::string_view finetune() const { return parameters.get("finetune"); }
};
using CallFunction = Result<http::Response> (*)(const FinetuneCall&);

// Errors: invalid_input.
Result<std::string> text_member(const json& body, const char* name, std::size_t chars_max) {
  const std::string path = std::string("/") + name;
  const json* value = present(body, name);
  if (value == nullptr) return std::string();
  if (!value->is_string()) return type_mismatch(path, "string", *value);
  auto text = value->get<std::string>();
  SEL_CHECK_OK(check_length(path, text, 0, chars_max));
  return text;
}

// What can stand in a path segment, and is no name of the hosted service's own.
Status check_name(std::string_view name) {
  SEL_CHECK_OK(check_length("/name", name, 1, limits::finetune_name_chars_max));
  const bool writable = std::none_of(name.begin(), name.end(), [](char c) {
    return static_cast<unsigned char>(c) < 0x21 || c == 0x7f || c == '/' || c == '\\' || c == '"';
  });
  if (!writable || name == "." || name == "..") {
    return Error{Code::invalid_input,
                 "'/name' must have no spaces, slashes, quotes and control characters"};
  }
  if (name.starts_with(kReservedPrefix)) {
    return Error{Code::invalid_input, "'/name' must not begin with cf-public-"};
  }
  return ok_status();
}

// Errors: model_not_found, model_deprecated, lora_unsupported.
Status check_model(const ApiContext& context, const std::string& model) {
  SEL_TRY(entry, find_model(context, model));
  if (takes_lora(context, *entry)) return ok_status();
  return Error{Code::lora_unsupported, "Model " + model + " does not support LoRA adapters"};
}

void append_finetune(std::string& text, const catalog::Finetune& finetune) {
  text += "{\"id\":";
  append_string(text, finetune.id);
  text += ",\"model\":";
  append_string(text, finetune.model);
  text += ",\"name\":";
  append_string(text, finetune.name);
  text += ",\"description\":";
  append_string(text, finetune.description);
  text += finetune.is_public ? ",\"public\":true" : ",\"public\":false";
  text += ",\"created_at\":";
  append_time_ms(text, finetune.created_us);
  text += ",\"modified_at\":";
  append_time_ms(text, finetune.modified_us);
  text += '}';
}

std::string finetune_list(const std::vector<catalog::Finetune>& finetunes) {
  std::string text = "[";
  for (const catalog::Finetune& finetune : finetunes) {
    if (text.size() > 1) text += ',';
    append_finetune(text, finetune);
  }
  return text + "]";
}

Result<http::Response> call_create(const FinetuneCall& call) {
  SEL_TRY(body, parse_object(call.request.body));
  catalog::Finetune wanted;
  wanted.account = std::string(call.account());
  for (const char* name : {"model", "name"}) {
    if (present(body, name) == nullptr) return required_missing("/", name);
  }
  SEL_TRY(model, text_member(body, "model", limits::finetune_name_chars_max));
  SEL_TRY(name, text_member(body, "name", limits::finetune_name_chars_max));
  SEL_TRY(description, text_member(body, "description", limits::description_bytes_max));
  SEL_CHECK_OK(check_name(name));
  SEL_CHECK_OK(check_model(call.context, model));
  const json* is_public = present(body, "public");
  if (is_public != nullptr && !is_public->is_boolean()) {
    return type_mismatch("/public", "boolean", *is_public);
  }
  wanted.model = std::move(model);
  wanted.name = std::move(name);
  wanted.description = std::move(description);
  wanted.is_public = is_public != nullptr && is_public->get<bool>();
  SEL_TRY(created,
          call.finetunes.create(std::move(wanted), call.context.rules.finetunes_per_account_max));
  std::string result;
  append_finetune(result, created);
  return envelope(result);
}

Result<http::Response> call_list(const FinetuneCall& call) {
  SEL_TRY(finetunes, call.finetunes.list(call.account()));
  return envelope(finetune_list(finetunes));
}

Result<http::Response> call_list_public(const FinetuneCall& call) {
  using Order = catalog::Finetunes::Order;
  const Order order = call.request.query_value("orderBy") == "name" ? Order::name : Order::created;
  const std::size_t offset = query_number(call.request, "offset", 0, 1'000'000'000);
  const std::size_t limit = query_number(call.request, "limit", kPublicCountMax, kPublicCountMax);
  SEL_TRY(finetunes, call.finetunes.list_public(order, offset, limit));
  return envelope(finetune_list(finetunes));
}

Result<http::Response> call_remove(const FinetuneCall& call) {
  SEL_CHECK_OK(call.finetunes.remove(call.account(), call.finetune()));
  return envelope("null");
}

// Errors: file_invalid, body_too_large, invalid_input (another name).
Status check_file(const Rules& rules, const std::string& name, std::string_view content) {
  if (content.size() > limits::adapter_file_bytes_max) {
    return Error{
        Code::body_too_large,
        name + " is larger than " + std::to_string(limits::adapter_file_bytes_max) + " bytes"};
  }
  if (name == catalog::kAdapterConfigName) {
    const catalog::AdapterBounds bounds{rules.adapter_rank_max, rules.adapter_names_its_model_type};
    SEL_TRY(config, catalog::check_adapter_config(content, bounds));
    return ok_status();
  }
  if (name != catalog::kAdapterWeightsName) return not_in_enum("/file_name", name, kFileNames);
  SEL_TRY(weights, catalog::adapter_tensors(content));
  return ok_status();
}

// The asset stands in the envelope, where wrangler looks, and beside it, where the cloudflare
// libraries do.
http::Response asset_response(const catalog::FinetuneAsset& asset) {
  std::string members = "\"id\":";
  append_string(members, asset.id);
  members += ",\"finetune_id\":";
  append_string(members, asset.finetune_id);
  members += ",\"file_name\":";
  append_string(members, asset.file_name);
  members += ",\"bucket_name\":\"local\",\"created_at\":";
  append_time_ms(members, asset.created_us);
  members += ",\"modified_at\":";
  append_time_ms(members, asset.created_us);
  return json_response(200, "{" + members + ",\"result\":{" + members +
                                "},\"success\":true,\"errors\":[],\"messages\":[]}");
}

// With both files there, and weights that answer, the first call need not wait for the conversion.
// What goes wrong here is told to that call.
void prepare(const ApiContext& context, const catalog::Finetune& finetune) {
  const auto model = context.catalog.resolve(finetune.model);
  if (!model.ok() || !context.finetunes->find_usable(finetune.account, finetune.id).ok()) return;
  const auto converted = catalog::converted_adapter(context.finetunes->folder_of(finetune),
                                                    model->path, model->sha256);
  if (!converted.ok()) log::info("finetune {}: {}", finetune.id, converted.error().message);
}

Result<http::Response> call_upload(const FinetuneCall& call) {
  SEL_TRY(finetune, call.finetunes.find(call.account(), call.finetune()));
  SEL_TRY(parts, parse_multipart(call.request.headers.get("content-type"), call.request.body));
  const MultipartPart* name = nullptr;
  const MultipartPart* file = nullptr;
  for (const MultipartPart& part : parts) {
    if (part.name == "file_name") name = &part;
    if (part.name == "file") file = &part;
  }
  if (name == nullptr) return required_missing("/", "file_name");
  if (file == nullptr) return required_missing("/", "file");
  const std::string file_name(name->content);
  SEL_CHECK_OK(check_file(call.context.rules, file_name, file->content));
  SEL_TRY(asset, call.finetunes.add_asset(finetune, file_name, file->content));
  prepare(call.context, finetune);
  return asset_response(asset);
}

// The request lives in the caller's coroutine, which waits for the pool even when it is cancelled.
asio::awaitable<http::Response> answer_finetune(const ApiContext& context, CallFunction function,
                                                http::Request& request,
                                                const PathParameters& parameters) {
  if (context.finetunes == nullptr) {
    const Error error{Code::not_served, "Fine-tunes are not served here"};
    co_return workers_ai_error(error, random_uuid());
  }
  auto work = [&context, function, &request, &parameters] {
    return function(FinetuneCall{context, *context.finetunes, request, parameters});
  };
  auto answer = co_await offload(context.pool, std::move(work));
  if (!answer.ok()) co_return workers_ai_error(answer.error(), random_uuid());
  co_return std::move(*answer);
}

struct FinetuneRoute {
  std::string_view method;
  std::string_view rest;  // Of the path, after `finetunes`.
  CallFunction call;
  std::size_t body_bytes_max = limits::json_body_bytes_max;
};

constexpr FinetuneRoute kRoutes[] = {
    {"POST", "", call_create},
    {"GET", "", call_list},
    {"GET", "/public", call_list_public},
    {"DELETE", "/{finetune}", call_remove},
    {"POST", "/{finetune}/finetune-assets", call_upload,
     limits::adapter_file_bytes_max + kFormBytesMax},
};

}  // namespace

void add_finetune_routes(Router& router, const ApiContext& context) {
  for (const FinetuneRoute& route : kRoutes) {
    router.add(
        {std::string(route.method), std::string(kFinetunes) + std::string(route.rest),
         [&context, call = route.call](http::Request& request, const PathParameters& parameters) {
           return answer_finetune(context, call, request, parameters);
         },
         route.body_bytes_max});
  }
}

}  // namespace selvedge::api
