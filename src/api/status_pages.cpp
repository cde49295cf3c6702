// Status pages: health, home, metrics.
#include "api/status_pages.h"

#include <string>
#include <string_view>

#include "api/errors.h"
#include "api/json_writer.h"
#include "api/test_kit.h"

namespace selvedge::api {
namespace {

constexpr std::string_view kRoutes = R"(
Workers AI    /client/v4/accounts/{account}/ai/run/{model}
              /client/v4/accounts/{account}/ai/models/search
Vectorize     /client/v4/accounts/{account}/vectorize/v2/indexes
OpenAI        /v1/chat/completions  /v1/completions  /v1/embeddings  /v1/models
              /client/v4/accounts/{account}/ai/v1/chat/completions
This server   /health  /metrics
Every path with what it takes and gives (OpenAPI 3.1): /openapi.json

Any account id is a space of its own. Cloudflare's API, for comparison:
  https://developers.cloudflare.com/workers-ai/
  https://developers.cloudflare.com/vectorize/
What differs here: docs/compatibility.md
)";

http::Response text_response(std::string body) {
  http::Response response;
  response.headers.set("content-type", "text/plain; charset=utf-8");
  response.body = std::move(body);
  return response;
}

std::int64_t uptime_s(const ApiContext& context) {
  const auto time = std::chrono::steady_clock::now() - context.started;
  return std::chrono::duration_cast<std::chrono::seconds>(time).count();
}

std::string_view state_name(inference::RunnerState state) {
  switch (state) {
    case inference::RunnerState::ready:
      return "ready";
    case inference::RunnerState::backing_off:
      return "backing_off";
    default:
      return "starting";
  }
}

// ,"test_kit":["--fault 3040:0.1"], where any is on.
void append_switches(std::string& json, const ApiContext& context) {
  if (context.kit == nullptr || context.kit->switches().empty()) return;
  json += ",\"test_kit\":[";
  for (const std::string& each : context.kit->switches()) {
    if (json.back() != '[') json += ',';
    append_string(json, each);
  }
  json += ']';
}

void add_gauge(std::string& text, std::string_view name, std::string_view label,
               std::uint64_t value) {
  text += name;
  text += label;
  text += ' ';
  append_integer(text, value);
  text += '\n';
}

// Of all indexes in memory together: names are the users'.
void add_vectors(std::string& text, const vectors::Loaded& loaded) {
  constexpr std::string_view kVectors = "selvedge_vectors";
  constexpr std::string_view kBytes = "selvedge_vectors_bytes";
  const vectors::Internals& internals = loaded.internals;
  text += "# TYPE selvedge_indexes_loaded gauge\n";
  add_gauge(text, "selvedge_indexes_loaded", "", loaded.index_count);
  text += "# TYPE selvedge_indexes_unloaded_total counter\n";
  add_gauge(text, "selvedge_indexes_unloaded_total", "", loaded.unloaded_count);
  text += "# TYPE selvedge_indexes_opening gauge\n";
  add_gauge(text, "selvedge_indexes_opening", "", loaded.opening_count);
  text += "# TYPE selvedge_opening_vectors gauge\n";
  add_gauge(text, "selvedge_opening_vectors", "{state=\"read\"}", loaded.read_count);
  add_gauge(text, "selvedge_opening_vectors", "{state=\"all\"}", loaded.to_read_count);
  text += "# TYPE selvedge_vectors gauge\n";
  add_gauge(text, kVectors, "{state=\"linked\"}", internals.linked_count);
  add_gauge(text, kVectors, "{state=\"recent\"}", internals.recent_count);
  add_gauge(text, kVectors, "{state=\"dead\"}", internals.dead_count);
  text += "# TYPE selvedge_vectors_bytes gauge\n";
  add_gauge(text, kBytes, "{kind=\"values\"}", internals.values_bytes);
  add_gauge(text, kBytes, "{kind=\"mapped\"}", internals.mapped_bytes);
  add_gauge(text, kBytes, "{kind=\"codes\"}", internals.codes_bytes);
  add_gauge(text, kBytes, "{kind=\"graph\"}", internals.graph_bytes);
  add_gauge(text, kBytes, "{kind=\"other\"}", internals.other_bytes);
}

void add_runner_line(std::string& text, std::string_view metric,
                     const inference::RunnerStatus& runner, std::uint64_t value) {
  text += metric;
  text += "{model=";
  append_string(text, runner.model);
  text += ",state=\"";
  text += state_name(runner.state);
  text += "\"} ";
  append_integer(text, value);
  text += '\n';
}

}  // namespace

http::Response health_page(const ApiContext& context) {
  std::string body = "{\"status\":\"ok\",\"version\":";
  append_string(body, context.version);
  body += ",\"uptime_s\":";
  append_integer(body, uptime_s(context));
  append_switches(body, context);
  body += '}';
  return json_response(200, std::move(body));
}

http::Response home_page(const ApiContext& context) {
  std::string body = "Selvedge " + context.version +
                     ": Cloudflare Workers AI and Vectorize, on your own machine.\n";
  body += kRoutes;
  if (context.kit != nullptr && !context.kit->switches().empty()) {
    body += "\nThe test kit is on; answers may be late, wrong or recorded:\n";
    for (const std::string& each : context.kit->switches()) body += "  " + each + "\n";
  }
  return text_response(std::move(body));
}

http::Response metrics_page(const ApiContext& context, const RequestCounts& counts) {
  std::string text = "# TYPE selvedge_requests_total counter\n";
  for (std::size_t at = 2; at < counts.by_class.size(); ++at) {
    text += "selvedge_requests_total{status=\"" + std::to_string(at) + "xx\"} " +
            std::to_string(counts.by_class[at]) + '\n';
  }
  text += "# TYPE selvedge_response_bytes_total counter\nselvedge_response_bytes_total " +
          std::to_string(counts.body_bytes) + '\n';
  text += "# TYPE selvedge_streams_open gauge\nselvedge_streams_open " +
          std::to_string(counts.streams_open) + '\n';
  text += "# TYPE selvedge_uptime_seconds gauge\nselvedge_uptime_seconds " +
          std::to_string(uptime_s(context)) + '\n';
  add_vectors(text, context.store.loaded());
  for (const inference::RunnerStatus& runner : context.inference.status()) {
    add_runner_line(text, "selvedge_runner_memory_bytes", runner, runner.memory_bytes);
    add_runner_line(text, "selvedge_runner_tasks_active", runner, runner.tasks_active);
    add_runner_line(text, "selvedge_runner_tasks_waiting", runner, runner.tasks_waiting);
    add_runner_line(text, "selvedge_runner_restarts_total", runner, runner.restarts);
  }
  return text_response(std::move(text));
}

}  // namespace selvedge::api
