// Errors: the one table from our codes to what each door's clients read, and the answers made from
// it.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "base/result.h"
#include "http/message.h"

namespace selvedge::api {

// Where OpenAI's clients read something else than the row's status, and `error.code`; 0 and empty:
// the same status, and null.
struct OpenAiRow {
  int status = 0;
  std::string_view code = {};
};

// One row a Code. Numbers are those of Cloudflare's `errors[].code`; docs/compatibility.md#errors
// repeats the table with the sources in full.
struct ErrorRow {
  Code code;
  int status;               // HTTP.
  int workers_ai_number;    // On `ai/…` routes.
  int vectorize_number;     // On `vectorize/…` routes.
  bool retryable;           // The same request may succeed later: the answer carries Retry-After.
  std::string_view source;  // Where the numbers come from; "ours" = Cloudflare has no such case.
  OpenAiRow openai = {};
};

// The whole table, in the order of Code.
std::span<const ErrorRow> error_rows();
const ErrorRow& error_row(Code code);

// A JSON answer: status, `application/json`, body.
http::Response json_response(int status, std::string body);

// A file, with status 200.
http::Response bytes_response(std::string content_type, std::string bytes);

// The v4 envelope around a result that is already JSON:
// {"result":…,"success":true,"errors":[],"messages":[]}.
http::Response envelope(std::string_view result_json);
// The same with one entry of `messages`: {"code":1000,"message":…}.
inline constexpr int kAdviceNumber = 1000;  // Ours; the smallest that the contract allows.
http::Response advised_envelope(std::string_view result_json, std::string_view advice,
                                int number = kAdviceNumber);

// Workers AI's failure: {"errors":[{"message":"AiError: …(<uuid>)","code":n}],"success":false,
// "result":{},"messages":[]}; `request_id` is the UUID, also sent as `cf-ai-req-id`. Messages of
// invalid_json and invalid_input get Cloudflare's "Bad input: Error: " in front.
// Source: docs/compatibility.md#errors.
http::Response workers_ai_error(const Error& error, std::string_view request_id);

// The JSON of the same failure, for a stream that has already begun.
std::string workers_ai_error_json(const Error& error, std::string_view request_id);

// What every reader of the AI binding finds its part in: {"name","internalCode","message",
// "description","errors":[{"code","message"}],"success":false,"result":{}}. The binding throws
// "<internalCode>: <description>", or "<code>: <message>". `request_id` is sent as `cf-ai-req-id`.
// Source: docs/compatibility.md#bindings.
http::Response ai_binding_error(const Error& error, std::string_view request_id);
std::string ai_binding_error_json(const Error& error);

// The Vectorize binding's: {"code":n,"error":"…"}, thrown as "VECTOR_QUERY_ERROR (code = n): …".
http::Response vectorize_binding_error(const Error& error);

// Vectorize's failure: the envelope with `"result":null` and the message as it is.
http::Response vectorize_error(const Error& error);

// The envelope for what no product owns: an unknown path (numbers 7003 and 7000), a wrong token.
// `number` overrules the row's.
http::Response envelope_error(const Error& error, int number = 0);
http::Response no_route(std::string_view path);

// OpenAI's failure: {"error":{"message","type","param","code"}}, in `type` the class that the
// status tells. `param` names the parameter at fault, `code` overrules the row's; empty is null.
// Source: docs/compatibility.md#openai.
http::Response openai_error(const Error& error, std::string_view param = {},
                            std::string_view code = {});
// The JSON of the same failure, for a stream that has already begun.
std::string openai_error_json(const Error& error, std::string_view param = {},
                              std::string_view code = {});

// {"error":{"code":"<code_name>","message":"…"}}: doors that have no contract to copy.
http::Response plain_error(const Error& error);
std::string plain_error_json(const Error& error);

}  // namespace selvedge::api
