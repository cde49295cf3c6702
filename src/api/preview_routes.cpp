// Preview routes: answers with tokens, and the metadata part of the upload.
#include "api/preview_routes.h"

#include <utility>

#include <nlohmann/json.hpp>

#include "api/errors.h"
#include "api/json_reader.h"
#include "api/json_writer.h"
#include "api/multipart.h"
#include "base/limits.h"
#include "base/uuid.h"

namespace selvedge::api {
namespace {

constexpr std::string_view kWorkers = "/client/v4/accounts/{account}/workers";

// With a colon in it the host that wrangler makes of it is invalid, so that its requests keep the
// address they had: this machine.
constexpr std::string_view kSubdomain = R"({"subdomain":"local:0"})";

// Of one Worker; sessions stay in memory.
constexpr std::size_t kBindingsMax = 128;
constexpr std::size_t kBindingNameBytesMax = 256;

std::string token_result(std::string_view name, std::string_view token) {
  std::string result = "{";
  append_string(result, name);
  result += ':';
  append_string(result, token);
  result += '}';
  return result;
}

// Errors: invalid_input, invalid_json, missing_body.
Result<PreviewSession> read_upload(const http::Request& request) {
  auto parsed = parse_multipart(request.headers.get("content-type"), request.body);
  SEL_TRY(parts, std::move(parsed));
  for (const MultipartPart& part : parts) {
    if (part.name != "metadata") continue;
    auto metadata = parse_object(part.content);
    SEL_TRY(upload, std::move(metadata));
    PreviewSession session;
    const auto bindings = upload.find("bindings");
    if (bindings == upload.end() || !bindings->is_array()) return session;
    for (const auto& binding : *bindings) {
      if (!binding.is_object() || text_in(binding, "type") != "vectorize") continue;
      const bool in_bounds =
          text_in(binding, "name").size() <= kBindingNameBytesMax &&
          text_in(binding, "index_name").size() <= limits::index_name_bytes_max &&
          session.indexes.size() < kBindingsMax;
      if (!in_bounds) return Error{Code::invalid_input, "too many or too long Vectorize bindings"};
      session.indexes.insert_or_assign(text_in(binding, "name"), text_in(binding, "index_name"));
    }
    return session;
  }
  return Error{Code::invalid_input, "the upload has no part named metadata"};
}

http::Response open_session(PreviewSessions& sessions, const http::Request& request,
                            const PathParameters& parameters) {
  auto session = read_upload(request);
  if (!session.ok()) return envelope_error(session.error());
  session->account = std::string(parameters.get("account"));
  return envelope(token_result("preview_token", sessions.open(std::move(*session))));
}

}  // namespace

void add_preview_routes(Router& router, PreviewSessions& sessions) {
  const std::string workers(kWorkers);
  const std::size_t bytes_max = limits::json_body_bytes_max;
  router.add({"GET", workers + "/subdomain",
              [](http::Request&, const PathParameters&) { return at_once(envelope(kSubdomain)); },
              bytes_max});
  // Neither exchange_url nor tail_url: both are optional, and nothing answers them here.
  router.add({"GET", workers + "/subdomain/edge-preview",
              [](http::Request&, const PathParameters&) {
                return at_once(envelope(token_result("token", random_uuid())));
              },
              bytes_max});
  const auto open = [&sessions](http::Request& request, const PathParameters& parameters) {
    return at_once(open_session(sessions, request, parameters));
  };
  router.add({"POST", workers + "/scripts/{script}/edge-preview", open, bytes_max});
  router.add({"POST", workers + "/services/{service}/environments/{environment}/edge-preview", open,
              bytes_max});
}

}  // namespace selvedge::api
