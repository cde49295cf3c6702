// AI routes: model calls and the catalogue.
#include "api/ai_routes.h"

#include <utility>

#include "api/ai_rest.h"
#include "api/models_schema.h"
#include "api/models_search.h"
#include "base/limits.h"

namespace selvedge::api {
void add_ai_routes(Router& router, const ApiContext& context) {
  router.add({"POST", "/client/v4/accounts/{account}/ai/run",
              [&context](http::Request& request, const PathParameters& parameters) {
                return rest_ai_run_named(context, parameters.get("account"), request);
              },
              limits::json_body_bytes_max});
  router.add({"POST", "/client/v4/accounts/{account}/ai/run/{model...}",
              [&context](http::Request& request, const PathParameters& parameters) {
                return rest_ai_run(context, std::string(parameters.get("model")),
                                   parameters.get("account"), request);
              },
              limits::audio_body_bytes_max});
  router.add({"GET", "/client/v4/accounts/{account}/ai/models/search",
              [&context](http::Request& request, const PathParameters&) {
                return at_once(models_search(context.catalog, context.rules, request));
              },
              limits::json_body_bytes_max});
  router.add({"GET", "/client/v4/accounts/{account}/ai/models/schema",
              [&context](http::Request& request, const PathParameters&) {
                return at_once(models_schema(context, request));
              },
              limits::json_body_bytes_max});
  router.add({"GET", "/client/v4/accounts/{account}/ai/authors/search",
              [&context](http::Request&, const PathParameters&) {
                return at_once(authors_search(context.catalog));
              },
              limits::json_body_bytes_max});
  router.add({"GET", "/client/v4/accounts/{account}/ai/tasks/search",
              [&context](http::Request&, const PathParameters&) {
                return at_once(tasks_search(context.catalog));
              },
              limits::json_body_bytes_max});
}

}  // namespace selvedge::api
