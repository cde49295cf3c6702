// Models schema: the two texts of the schema's file in the envelope.
#include "api/models_schema.h"

#include <string>

#include "api/ai_run.h"
#include "api/errors.h"
#include "api/input_check.h"
#include "api/request_id.h"

namespace selvedge::api {

http::Response models_schema(const ApiContext& context, const http::Request& request) {
  const auto model = request.query_value("model");
  if (!model || model->empty()) {
    return workers_ai_error(required_missing("/", "model"), request_id_of(context, request));
  }
  const auto entry = find_model(context, *model);
  if (!entry.ok()) return workers_ai_error(entry.error(), request_id_of(context, request));
  const catalog::ModelSchema* schema = context.inputs->schema(**entry);
  if (schema == nullptr) return envelope(R"({"input":{},"output":{}})");
  std::string result = "{\"input\":";
  result += schema->input;
  result += ",\"output\":";
  result += schema->output;
  result += '}';
  return envelope(result);
}

}  // namespace selvedge::api
