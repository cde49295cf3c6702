// Vectorize binding: the handlers of the REST door, without its envelope.
#include "api/binding_vectorize.h"

#include <string>
#include <utility>

#include "api/errors.h"
#include "api/index_use.h"
#include "api/json_writer.h"
#include "api/vectorize_indexes.h"
#include "api/vectorize_query.h"
#include "api/vectorize_tuning.h"
#include "api/vectorize_vectors.h"
#include "base/offload.h"
#include "base/until.h"

namespace selvedge::api {
namespace {

using BindingCall = Result<std::string> (*)(const IndexPath&, http::Request&);

Result<std::string> call_info(const IndexPath& path, http::Request&) { return index_info(path); }
Result<std::string> call_query(const IndexPath& path, http::Request& request) {
  SEL_TRY(recall, recall_of(request, path.rules));
  SEL_TRY(answer, query_vectors(path, request.body, QueryForm::v2, recall));
  return std::move(answer.json);
}
Result<std::string> call_insert(const IndexPath& path, http::Request& request) {
  return write_vectors(path, WriteKind::insert, request);
}
Result<std::string> call_upsert(const IndexPath& path, http::Request& request) {
  return write_vectors(path, WriteKind::upsert, request);
}
Result<std::string> call_get(const IndexPath& path, http::Request& request) {
  return get_vectors(path, request.body);
}
Result<std::string> call_delete(const IndexPath& path, http::Request& request) {
  return delete_vectors(path, request.body);
}

// A v1 binding: its describe(), and mutations that say how many.
Result<std::string> call_describe_v1(const IndexPath& path, http::Request&) {
  SEL_TRY(status, index_status(path));
  const vectors::IndexDescription& about = status.description;
  std::string text = "{\"id\":";
  append_string(text, mutation_id(about, 0));
  text += ",\"name\":";
  append_string(text, about.name);
  text += ",\"description\":";
  append_string(text, about.description);
  text += ",\"config\":";
  append_config(text, about.config);
  text += ",\"vectorsCount\":";
  append_integer(text, status.stats.vector_count);
  return text + '}';
}
Result<std::string> call_query_v1(const IndexPath& path, http::Request& request) {
  SEL_TRY(recall, recall_of(request, path.rules));
  SEL_TRY(answer, query_vectors(path, request.body, QueryForm::v1, recall));
  return std::move(answer.json);
}
Result<std::string> call_insert_v1(const IndexPath& path, http::Request& request) {
  return write_vectors_v1(path, WriteKind::insert, request);
}
Result<std::string> call_upsert_v1(const IndexPath& path, http::Request& request) {
  return write_vectors_v1(path, WriteKind::upsert, request);
}
Result<std::string> call_delete_v1(const IndexPath& path, http::Request& request) {
  return delete_vectors_v1(path, request.body);
}

// The request lives in the caller's coroutine, which waits for the pool even when it is cancelled.
asio::awaitable<http::Response> answer_binding(const ApiContext& context, BindingCall call,
                                               asio::thread_pool& pool, http::Request& request,
                                               const PathParameters& parameters) {
  const std::string account(request.headers.get("selvedge-account"));
  std::string name(parameters.get("index"));
  if (name.empty()) name = request.headers.get("selvedge-index");
  if (name.empty()) {
    co_return vectorize_binding_error(
        Error{Code::index_not_found,
              "vectorize.index.not_found - the request does not say which index it means: it has "
              "neither selvedge-index nor the token of a preview session with this binding"});
  }
  auto work = [&context, call, &request, &account, &name]() -> Result<std::string> {
    SEL_TRY(delay, write_delay_of(request));
    const IndexPath path{context.store,          account, name,          context.rules,
                         VectorizeDoor::binding, delay,   context.ledger};
    return call(path, request);
  };
  if (call != call_info && call != call_describe_v1) {
    // Not in the pool, whose few threads are everybody's.
    co_await until([&] { return context.store.ready(account, name); });
  }
  auto result = co_await offload(pool, std::move(work));
  if (!result.ok()) co_return vectorize_binding_error(result.error());
  co_return json_response(200, std::move(*result));
}

void add_call(Router& router, const ApiContext& context, std::string method, std::string path,
              BindingCall call, IndexUse use = IndexUse::reads) {
  asio::thread_pool& pool = pool_for(context, use);
  router.add({std::move(method), std::move(path),
              [&context, &pool, call](http::Request& request, const PathParameters& parameters) {
                return answer_binding(context, call, pool, request, parameters);
              },
              body_bytes_max(context, use)});
}

}  // namespace

void add_vectorize_binding_routes(Router& router, const ApiContext& context) {
  add_call(router, context, "GET", "/info", call_info);
  add_call(router, context, "POST", "/query", call_query);
  add_call(router, context, "POST", "/insert", call_insert, IndexUse::writes_vectors);
  add_call(router, context, "POST", "/upsert", call_upsert, IndexUse::writes_vectors);
  add_call(router, context, "POST", "/getByIds", call_get);
  add_call(router, context, "POST", "/deleteByIds", call_delete, IndexUse::writes);

  const std::string v1 = "/binding/indexes/{index}";
  add_call(router, context, "GET", v1, call_describe_v1);
  add_call(router, context, "POST", v1 + "/query", call_query_v1);
  add_call(router, context, "POST", v1 + "/insert", call_insert_v1, IndexUse::writes_vectors);
  add_call(router, context, "POST", v1 + "/upsert", call_upsert_v1, IndexUse::writes_vectors);
  add_call(router, context, "POST", v1 + "/getByIds", call_get);
  add_call(router, context, "POST", v1 + "/deleteByIds", call_delete_v1, IndexUse::writes);
}

}  // namespace selvedge::api
