// Errors: the table and the forms of an answer that say why not.
#include "api/errors.h"

#include <iterator>

#include "api/json_writer.h"

namespace selvedge::api {
namespace {

constexpr std::string_view kDocs = "Workers AI errors page";
constexpr std::string_view kOurs = "ours";
constexpr std::string_view kClients = "messages quoted by public clients of Vectorize";

// A number that a door never sends (a Vectorize error on an AI route) is the door's general one.
constexpr int kAiOther = 5000;
constexpr int kVectorizeOther = 40000;

constexpr ErrorRow kErrorRows[] = {
    // code, HTTP, Workers AI, Vectorize, retryable, source
    {Code::invalid_json, 400, 5006, 40026, false, "cabidela's wording; Vectorize clients"},
    {Code::invalid_input, 400, 5006, 40026, false, "cabidela's wording; Vectorize clients"},
    {Code::unknown_content_type, 400, 5004, 1005, false, "errors page; Vectorize clients"},
    {Code::body_too_large, 413, 3006, 3006, false, kDocs, {0, "request_too_large"}},
    {Code::missing_body, 400, 3003, 40026, false, kDocs},
    {Code::route_not_found, 404, 7003, 7003, false, "workers-sdk issue 4522", {0, "unknown_url"}},
    {Code::method_not_allowed, 405, 7001, 7001, false, kOurs, {0, "method_not_supported"}},
    {Code::host_not_allowed, 403, 7003, 7003, false, kOurs},
    {Code::unauthorized,
     401,
     10000,
     10000,
     false,
     "API authentication errors",
     {0, "invalid_api_key"}},
    {Code::model_not_found, 400, 5007, kVectorizeOther, false, kDocs, {404, "model_not_found"}},
    {Code::model_not_installed, 404, 3042, kVectorizeOther, false, kOurs, {0, "model_not_found"}},
    {Code::model_unsupported,
     400,
     5007,
     kVectorizeOther,
     false,
     kOurs,
     {404, "model_not_supported"}},
    {Code::model_deprecated,
     410,
     5028,
     kVectorizeOther,
     false,
     "cloudflare-docs changelog 2026-05-08",
     {404, "model_not_found"}},
    {Code::model_load_failed, 500, kAiOther, kVectorizeOther, false, kOurs},
    {Code::model_crashed, 500, kAiOther, kVectorizeOther, true, kOurs},
    {Code::context_overflow,
     413,
     5021,
     kVectorizeOther,
     false,
     "messages quoted by public clients",
     {400, "context_length_exceeded"}},
    {Code::memory_budget_exceeded, 503, kAiOther, kVectorizeOther, true, kOurs},
    {Code::queue_full, 429, 3040, 40041, true, kDocs, {0, "rate_limit_exceeded"}},
    {Code::daily_budget_used, 429, 3036, kVectorizeOther, false, kDocs, {0, "insufficient_quota"}},
    {Code::deadline_exceeded, 408, 3007, 3007, true, kDocs},
    {Code::cancelled, 408, 3008, 3008, false, kDocs},
    {Code::finetune_not_found, 404, 3037, kVectorizeOther, false, "cloudflare-docs issue 14757"},
    {Code::too_many_finetunes, 400, kAiOther, kVectorizeOther, false, kOurs},
    {Code::lora_unsupported, 405, 5005, kVectorizeOther, false, kDocs},
    {Code::finetune_incomplete, 400, 3039, kVectorizeOther, false, kDocs},
    {Code::index_not_found, 404, kAiOther, 3000, false, kClients},
    {Code::index_deleted, 410, kAiOther, 3005, false, kClients},
    {Code::index_already_exists, 400, kAiOther, 3002, false, "mastra issue 3444"},
    {Code::index_config_invalid, 400, kAiOther, 3003, false, "number ours, wording of clients"},
    {Code::query_dimension_mismatch, 400, kAiOther, 40006, false, "mastra issue 3444"},
    {Code::dimension_mismatch, 400, kAiOther, 40012, false, kClients},
    {Code::id_invalid, 400, kAiOther, 40008, false, kClients},
    {Code::too_many_ids, 400, kAiOther, 40007, false, kClients},
    {Code::too_many_vectors, 400, kAiOther, 40013, false, kOurs},
    {Code::top_k_out_of_range, 400, kAiOther, 40011, false, kClients},
    {Code::top_k_full_out_of_range, 400, kAiOther, 40025, false, kClients},
    {Code::metadata_too_large, 400, kAiOther, 40016, false, kClients},
    {Code::metadata_key_invalid, 400, kAiOther, 40018, false, kClients},
    {Code::vectors_unparsable, 400, kAiOther, 40023, false, kClients},
    {Code::query_invalid, 400, kAiOther, 40026, false, "workers-sdk issue 6516"},
    {Code::vector_not_found, 404, kAiOther, 40024, false, kOurs},
    {Code::cursor_invalid, 400, kAiOther, 40028, false, kOurs},
    {Code::metadata_index_invalid, 400, kAiOther, 40029, false, kOurs},
    {Code::metadata_index_not_found, 404, kAiOther, 40030, false, kOurs},
    {Code::too_many_metadata_indexes, 400, kAiOther, 40031, false, kOurs},
    {Code::index_full, 400, kAiOther, 40032, false, kOurs},
    {Code::knowledge_not_found, 404, kAiOther, kVectorizeOther, false, kOurs},
    {Code::not_found, 404, kAiOther, kVectorizeOther, false, kOurs},
    {Code::already_exists, 409, kAiOther, kVectorizeOther, false, kOurs},
    {Code::checksum_mismatch, 500, kAiOther, kVectorizeOther, false, kOurs},
    {Code::download_failed, 502, kAiOther, kVectorizeOther, true, kOurs},
    {Code::file_invalid, 400, kAiOther, kVectorizeOther, false, kOurs},
    {Code::corrupt_data, 500, kAiOther, kVectorizeOther, false, kOurs},
    {Code::io, 500, kAiOther, kVectorizeOther, false, kOurs},
    {Code::unavailable, 503, kAiOther, kVectorizeOther, true, kOurs},
    {Code::client_too_old, 405, 5019, kVectorizeOther, false, kDocs},
    {Code::not_served, 501, kAiOther, kVectorizeOther, false, kOurs},
    {Code::json_mode_unmet, 400, 5024, kVectorizeOther, false, "JSON mode page; number ours"},
    {Code::internal, 500, kAiOther, kVectorizeOther, false, kOurs},
};

constexpr bool rows_follow_the_enum() {
  if (std::size(kErrorRows) != static_cast<std::size_t>(kCodeCount)) return false;
  for (std::size_t at = 0; at < std::size(kErrorRows); ++at) {
    if (static_cast<std::size_t>(kErrorRows[at].code) != at) return false;
  }
  return true;
}
static_assert(rows_follow_the_enum(), "every Code has exactly one row, in the enum's order");

constexpr int kRetryAfterSeconds = 1;

void add_item(std::string& text, int number, std::string_view message) {
  text += "{\"code\":";
  append_integer(text, number);
  text += ",\"message\":";
  append_string(text, message);
  text += '}';
}

http::Response failure(const ErrorRow& row, std::string body, int status = 0) {
  http::Response response = json_response(status != 0 ? status : row.status, std::move(body));
  if (row.retryable) response.headers.set("retry-after", std::to_string(kRetryAfterSeconds));
  return response;
}

std::string_view openai_type(int status) {
  if (status == 429) return "rate_limit_error";
  return status >= 500 ? "server_error" : "invalid_request_error";
}

void append_or_null(std::string& json, std::string_view text) {
  if (text.empty()) {
    json += "null";
  } else {
    append_string(json, text);
  }
}

int openai_status(const ErrorRow& row) {
  return row.openai.status != 0 ? row.openai.status : row.status;
}

http::Response null_envelope(const ErrorRow& row, int number, std::string_view message) {
  std::string body = "{\"success\":false,\"errors\":[";
  add_item(body, number, message);
  body += "],\"messages\":[],\"result\":null}";
  return failure(row, std::move(body));
}

}  // namespace

std::span<const ErrorRow> error_rows() { return kErrorRows; }

const ErrorRow& error_row(Code code) {
  const auto at = static_cast<std::size_t>(code);
  SEL_CHECK(at < std::size(kErrorRows));
  return kErrorRows[at];
}

http::Response json_response(int status, std::string body) {
  http::Response response;
  response.status = status;
  // Without a charset: the Workers bindings parse a body only under this exact type.
  response.headers.set("content-type", "application/json");
  response.body = std::move(body);
  return response;
}

http::Response bytes_response(std::string content_type, std::string bytes) {
  http::Response response;
  response.status = 200;
  response.headers.set("content-type", std::move(content_type));
  response.body = std::move(bytes);
  return response;
}

http::Response envelope(std::string_view result_json) { return advised_envelope(result_json, {}); }

http::Response advised_envelope(std::string_view result_json, std::string_view advice, int number) {
  std::string body;
  body.reserve(result_json.size() + 64);
  body += "{\"result\":";
  body += result_json;
  body += ",\"success\":true,\"errors\":[],\"messages\":[";
  if (!advice.empty()) add_item(body, number, advice);
  body += "]}";
  return json_response(200, std::move(body));
}

std::string workers_ai_error_json(const Error& error, std::string_view request_id) {
  const bool bad_input = error.code == Code::invalid_json || error.code == Code::invalid_input;
  std::string message = bad_input ? "AiError: Bad input: Error: " : "AiError: ";
  message += error.message;
  message += " (";
  message += request_id;
  message += ')';
  std::string body = "{\"errors\":[{\"message\":";
  append_string(body, message);
  body += ",\"code\":";
  append_integer(body, error_row(error.code).workers_ai_number);
  body += "}],\"success\":false,\"result\":{},\"messages\":[]}";
  return body;
}

http::Response workers_ai_error(const Error& error, std::string_view request_id) {
  http::Response response =
      failure(error_row(error.code), workers_ai_error_json(error, request_id));
  response.headers.set("cf-ai-req-id", std::string(request_id));
  return response;
}

std::string ai_binding_error_json(const Error& error) {
  const bool bad_input = error.code == Code::invalid_json || error.code == Code::invalid_input;
  const std::string message = bad_input ? "Error: " + error.message : error.message;
  const int number = error_row(error.code).workers_ai_number;
  std::string body = "{\"name\":\"InferenceUpstreamError\",\"internalCode\":";
  append_integer(body, number);
  body += ",\"message\":";
  append_string(body, message);
  body += ",\"description\":";
  append_string(body, message);
  body += ",\"errors\":[";
  add_item(body, number, message);
  body += "],\"success\":false,\"result\":{}}";
  return body;
}

http::Response ai_binding_error(const Error& error, std::string_view request_id) {
  http::Response response = failure(error_row(error.code), ai_binding_error_json(error));
  response.headers.set("cf-ai-req-id", std::string(request_id));
  return response;
}

http::Response vectorize_binding_error(const Error& error) {
  const ErrorRow& row = error_row(error.code);
  std::string body = "{\"code\":";
  append_integer(body, row.vectorize_number);
  body += ",\"error\":";
  append_string(body, error.message);
  body += '}';
  return failure(row, std::move(body));
}

http::Response vectorize_error(const Error& error) {
  const ErrorRow& row = error_row(error.code);
  return null_envelope(row, row.vectorize_number, error.message);
}

http::Response envelope_error(const Error& error, int number) {
  const ErrorRow& row = error_row(error.code);
  return null_envelope(row, number != 0 ? number : row.workers_ai_number, error.message);
}

http::Response no_route(std::string_view path) {
  std::string message = "Could not route to ";
  message += path;
  message += ", perhaps your object identifier is invalid?";
  std::string body = "{\"success\":false,\"errors\":[";
  add_item(body, 7003, message);
  body += ',';
  add_item(body, 7000, "No route for that URI");
  body += "],\"messages\":[],\"result\":null}";
  return json_response(404, std::move(body));
}

std::string openai_error_json(const Error& error, std::string_view param, std::string_view code) {
  const ErrorRow& row = error_row(error.code);
  std::string body = "{\"error\":{\"message\":";
  append_string(body, error.message);
  body += ",\"type\":\"";
  body += openai_type(openai_status(row));
  body += "\",\"param\":";
  append_or_null(body, param);
  body += ",\"code\":";
  append_or_null(body, code.empty() ? row.openai.code : code);
  body += "}}";
  return body;
}

http::Response openai_error(const Error& error, std::string_view param, std::string_view code) {
  const ErrorRow& row = error_row(error.code);
  return failure(row, openai_error_json(error, param, code), openai_status(row));
}

std::string plain_error_json(const Error& error) {
  std::string body = "{\"error\":{\"code\":";
  append_string(body, code_name(error.code));
  body += ",\"message\":";
  append_string(body, error.message);
  body += "}}";
  return body;
}

http::Response plain_error(const Error& error) {
  return failure(error_row(error.code), plain_error_json(error));
}

}  // namespace selvedge::api
