// Vectorize routes: each path of Vectorize, and the blocking call behind it.
#include "api/vectorize_routes.h"

#include <utility>

#include "api/errors.h"
#include "api/index_use.h"
#include "api/vectorize_errors.h"
#include "api/vectorize_indexes.h"
#include "api/vectorize_listing.h"
#include "api/vectorize_metadata_indexes.h"
#include "api/vectorize_query.h"
#include "api/vectorize_tuning.h"
#include "api/vectorize_vectors.h"
#include "base/offload.h"
#include "base/until.h"

namespace selvedge::api {
namespace {

constexpr std::string_view kV2 = "/client/v4/accounts/{account}/vectorize/v2/indexes";
constexpr std::string_view kV1 = "/client/v4/accounts/{account}/vectorize/indexes";

// A `result`, and advice for people that goes with it.
using VectorizeCall = Result<QueryAnswer> (*)(const IndexPath&, http::Request&);

// What a call asks of its index: calls about vectors wait until it is in memory.
enum class Asks : std::uint8_t { vectors, what_is_known };

// Runs a blocking Vectorize call on the pool. The request lives in the caller's coroutine, which
// waits for the pool even when it is cancelled.
asio::awaitable<http::Response> answer_vectorize(const ApiContext& context, VectorizeCall call,
                                                 asio::thread_pool& pool, Asks asks,
                                                 http::Request& request,
                                                 const PathParameters& parameters) {
  if (asks == Asks::vectors) {
    // Not in the pool, whose few threads are everybody's.
    co_await until([&context, &parameters] {
      return context.store.ready(parameters.get("account"), parameters.get("index"));
    });
  }
  auto work = [&context, call, &request, &parameters]() -> Result<QueryAnswer> {
    SEL_TRY(delay, write_delay_of(request));
    const IndexPath path{context.store, parameters.get("account"), parameters.get("index"),
                         context.rules, VectorizeDoor::rest,       delay,
                         context.ledger};
    return call(path, request);
  };
  auto answer = co_await offload(pool, std::move(work));
  if (!answer.ok()) co_return vectorize_error(answer.error());
  if (answer->advice.empty()) co_return envelope(answer->json);
  co_return advised_envelope(answer->json, answer->advice);
}

Result<QueryAnswer> plain(Result<std::string> result) {
  if (!result.ok()) return std::move(result.error());
  return QueryAnswer{std::move(*result), {}};
}

Result<QueryAnswer> call_create(const IndexPath& path, http::Request& request) {
  return plain(create_index(path.store, path.rules, path.account, request.body));
}
// The hosted service makes no new ones, and answers for those that are there.
Result<QueryAnswer> call_create_v1(const IndexPath& path, http::Request& request) {
  if (path.rules.v1_indexes_made) return call_create(path, request);
  return invalid_config("V1 indexes can no longer be created; use the paths of v2");
}
Result<QueryAnswer> call_list(const IndexPath& path, http::Request&) {
  return plain(list_indexes(path.store, path.account));
}
Result<QueryAnswer> call_get(const IndexPath& path, http::Request&) {
  return plain(get_index(path));
}
Result<QueryAnswer> call_describe(const IndexPath& path, http::Request& request) {
  return plain(describe_index(path, request.body));
}
Result<QueryAnswer> call_delete(const IndexPath& path, http::Request&) {
  return plain(delete_index(path));
}
Result<QueryAnswer> call_info(const IndexPath& path, http::Request&) {
  return plain(index_info(path));
}

template <WriteKind kind>
Result<QueryAnswer> call_write(const IndexPath& path, http::Request& request) {
  return plain(write_vectors(path, kind, request));
}
template <WriteKind kind>
Result<QueryAnswer> call_write_v1(const IndexPath& path, http::Request& request) {
  return plain(write_vectors_v1(path, kind, request));
}

// The hosted service asks for the type; without its rules a body is read whatever it is called.
Status check_json_type(const IndexPath& path, const http::Request& request) {
  if (!path.rules.hosted || request.content_type() == "application/json") return ok_status();
  return Error{Code::query_invalid, "Expected request with `Content-Type: application/json`"};
}

template <QueryForm form>
Result<QueryAnswer> call_query(const IndexPath& path, http::Request& request) {
  SEL_CHECK_OK(check_json_type(path, request));
  SEL_TRY(recall, recall_of(request, path.rules));
  return query_vectors(path, request.body, form, recall);
}

template <auto call>
Result<QueryAnswer> call_by_ids(const IndexPath& path, http::Request& request) {
  SEL_CHECK_OK(check_json_type(path, request));
  return plain(call(path, request.body));
}

Result<QueryAnswer> call_list_vectors(const IndexPath& path, http::Request& request) {
  return plain(list_vectors(path, request));
}
Result<QueryAnswer> call_create_metadata_index(const IndexPath& path, http::Request& request) {
  return plain(create_metadata_index(path, request.body));
}
Result<QueryAnswer> call_list_metadata_indexes(const IndexPath& path, http::Request&) {
  return plain(list_metadata_indexes(path));
}
Result<QueryAnswer> call_delete_metadata_index(const IndexPath& path, http::Request& request) {
  return plain(delete_metadata_index(path, request.body));
}

Result<QueryAnswer> call_recall(const IndexPath& path, http::Request&) {
  return plain(index_recall(path));
}
Result<QueryAnswer> call_set_recall(const IndexPath& path, http::Request& request) {
  return plain(set_index_recall(path, request.body));
}
Result<QueryAnswer> call_memory(const IndexPath& path, http::Request&) {
  return plain(index_memory(path));
}

struct VectorizeRoute {
  std::string_view method;
  std::string_view rest;  // Of the path, after `indexes`.
  VectorizeCall call;
  IndexUse use = IndexUse::reads;
  Asks asks = Asks::vectors;
};

constexpr VectorizeRoute kV2Routes[] = {
    {"POST", "", call_create, IndexUse::writes, Asks::what_is_known},
    {"GET", "", call_list, IndexUse::reads, Asks::what_is_known},
    {"GET", "/{index}", call_get, IndexUse::reads, Asks::what_is_known},
    {"DELETE", "/{index}", call_delete, IndexUse::writes, Asks::what_is_known},
    {"GET", "/{index}/info", call_info, IndexUse::reads, Asks::what_is_known},
    {"GET", "/{index}/list", call_list_vectors},
    {"POST", "/{index}/insert", call_write<WriteKind::insert>, IndexUse::writes_vectors},
    {"POST", "/{index}/upsert", call_write<WriteKind::upsert>, IndexUse::writes_vectors},
    {"POST", "/{index}/query", call_query<QueryForm::v2>},
    {"POST", "/{index}/get_by_ids", call_by_ids<get_vectors>},
    {"POST", "/{index}/delete_by_ids", call_by_ids<delete_vectors>, IndexUse::writes},
    {"POST", "/{index}/metadata_index/create", call_create_metadata_index, IndexUse::writes},
    {"GET", "/{index}/metadata_index/list", call_list_metadata_indexes},
    {"POST", "/{index}/metadata_index/delete", call_delete_metadata_index, IndexUse::writes},
    // Ours.
    {"GET", "/{index}/recall", call_recall},
    {"PUT", "/{index}/recall", call_set_recall, IndexUse::writes},
    {"GET", "/{index}/memory", call_memory, IndexUse::reads, Asks::what_is_known},
};

constexpr VectorizeRoute kV1Routes[] = {
    {"POST", "", call_create_v1, IndexUse::writes, Asks::what_is_known},
    {"GET", "", call_list, IndexUse::reads, Asks::what_is_known},
    {"GET", "/{index}", call_get, IndexUse::reads, Asks::what_is_known},
    {"PUT", "/{index}", call_describe, IndexUse::writes, Asks::what_is_known},
    {"DELETE", "/{index}", call_delete, IndexUse::writes, Asks::what_is_known},
    {"POST", "/{index}/insert", call_write_v1<WriteKind::insert>, IndexUse::writes_vectors},
    {"POST", "/{index}/upsert", call_write_v1<WriteKind::upsert>, IndexUse::writes_vectors},
    {"POST", "/{index}/query", call_query<QueryForm::v1>},
    {"POST", "/{index}/get-by-ids", call_by_ids<get_vectors>},
    {"POST", "/{index}/delete-by-ids", call_by_ids<delete_vectors_v1>, IndexUse::writes},
};

void add_route(Router& router, const ApiContext& context, std::string_view base,
               const VectorizeRoute& route) {
  asio::thread_pool& pool = pool_for(context, route.use);
  router.add({std::string(route.method), std::string(base) + std::string(route.rest),
              [&context, &pool, call = route.call, asks = route.asks](
                  http::Request& request, const PathParameters& parameters) {
                return answer_vectorize(context, call, pool, asks, request, parameters);
              },
              body_bytes_max(context, route.use)});
}

}  // namespace

void add_vectorize_routes(Router& router, const ApiContext& context) {
  for (const VectorizeRoute& route : kV2Routes) add_route(router, context, kV2, route);
  for (const VectorizeRoute& route : kV1Routes) add_route(router, context, kV1, route);
}

}  // namespace selvedge::api
