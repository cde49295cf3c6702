// Vectorize routes: each path of Vectorize v2, and the blocking call behind it.
#include "api/vectorize_routes.h"

#include <utility>

#include "api/errors.h"
#include "api/vectorize_indexes.h"
#include "api/vectorize_query.h"
#include "api/vectorize_vectors.h"
#include "base/limits.h"
#include "base/offload.h"

namespace selvedge::api {
namespace {

constexpr std::string_view kIndexes = "/client/v4/accounts/{account}/vectorize/v2/indexes";

using VectorizeCall = Result<std::string> (*)(const ApiContext&, http::Request&,
                                              const PathParameters&);

// Runs a blocking Vectorize call on the pool. The request lives in the caller's coroutine, which
// waits for the pool even when it is cancelled.
asio::awaitable<http::Response> answer_vectorize(const ApiContext& context, VectorizeCall call,
                                                 http::Request& request,
                                                 const PathParameters& parameters) {
  auto work = [&context, call, &request, &parameters] {
    return call(context, request, parameters);
  };
  auto result = co_await offload(context.pool, std::move(work));
  if (!result.ok()) co_return vectorize_error(result.error());
  co_return envelope(*result);
}

IndexPath index_path(const ApiContext& context, const PathParameters& parameters) {
  return IndexPath{context.store, parameters.get("account"), parameters.get("index")};
}

Result<std::string> call_create(const ApiContext& context, http::Request& request,
                                const PathParameters& parameters) {
  return create_index(context.store, parameters.get("account"), request.body);
}

Result<std::string> call_list(const ApiContext& context, http::Request&,
                              const PathParameters& parameters) {
  return list_indexes(context.store, parameters.get("account"));
}

Result<std::string> call_get(const ApiContext& context, http::Request&,
                             const PathParameters& parameters) {
  return get_index(context.store, parameters.get("account"), parameters.get("index"));
}

Result<std::string> call_delete(const ApiContext& context, http::Request&,
                                const PathParameters& parameters) {
  return delete_index(context.store, parameters.get("account"), parameters.get("index"));
}

Result<std::string> call_info(const ApiContext& context, http::Request&,
                              const PathParameters& parameters) {
  return index_info(context.store, parameters.get("account"), parameters.get("index"));
}

Result<std::string> call_insert(const ApiContext& context, http::Request& request,
                                const PathParameters& parameters) {
  return write_vectors(index_path(context, parameters), WriteKind::insert, request);
}

Result<std::string> call_upsert(const ApiContext& context, http::Request& request,
                                const PathParameters& parameters) {
  return write_vectors(index_path(context, parameters), WriteKind::upsert, request);
}

Result<std::string> call_query(const ApiContext& context, http::Request& request,
                               const PathParameters& parameters) {
  return query_vectors(index_path(context, parameters), request.body);
}

Result<std::string> call_get_vectors(const ApiContext& context, http::Request& request,
                                     const PathParameters& parameters) {
  return get_vectors(index_path(context, parameters), request.body);
}

Result<std::string> call_delete_vectors(const ApiContext& context, http::Request& request,
                                        const PathParameters& parameters) {
  return delete_vectors(index_path(context, parameters), request.body);
}

void add_index_route(Router& router, const ApiContext& context, std::string method,
                     std::string_view rest, VectorizeCall call) {
  const bool writes = rest == "/{index}/insert" || rest == "/{index}/upsert";
  router.add({std::move(method), std::string(kIndexes) + std::string(rest),
              [&context, call](http::Request& request, const PathParameters& parameters) {
                return answer_vectorize(context, call, request, parameters);
              },
              writes ? limits::vectors_body_bytes_max : limits::json_body_bytes_max});
}

}  // namespace

void add_vectorize_routes(Router& router, const ApiContext& context) {
  add_index_route(router, context, "POST", "", call_create);
  add_index_route(router, context, "GET", "", call_list);
  add_index_route(router, context, "GET", "/{index}", call_get);
  add_index_route(router, context, "DELETE", "/{index}", call_delete);
  add_index_route(router, context, "GET", "/{index}/info", call_info);
  add_index_route(router, context, "POST", "/{index}/insert", call_insert);
  add_index_route(router, context, "POST", "/{index}/upsert", call_upsert);
  add_index_route(router, context, "POST", "/{index}/query", call_query);
  add_index_route(router, context, "POST", "/{index}/get_by_ids", call_get_vectors);
  add_index_route(router, context, "POST", "/{index}/delete_by_ids", call_delete_vectors);
}

}  // namespace selvedge::api
