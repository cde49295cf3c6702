// Call names: paths of five doors brought to one set of words.
#include "api/call_names.h"

#include <algorithm>
#include <optional>
#include <utility>

#include <simdjson.h>

namespace selvedge::api {
namespace {

// What follows `prefix` and a slash; empty text where nothing follows; nullopt where `path` is
// another.
std::optional<std::string_view> behind(std::string_view path, std::string_view prefix) {
  if (!path.starts_with(prefix)) return std::nullopt;
  path.remove_prefix(prefix.size());
  if (path.empty()) return path;
  if (path.front() != '/') return std::nullopt;
  return path.substr(1);
}

// "/client/v4/accounts/<account>/ai/run" -> "ai/run".
std::optional<std::string_view> behind_account(std::string_view path) {
  const auto rest = behind(path, "/client/v4/accounts");
  if (!rest) return std::nullopt;
  const std::size_t slash = rest->find('/');
  return slash == rest->npos ? std::string_view() : rest->substr(slash + 1);
}

// The member `model` of a JSON body; empty where there is none.
std::string model_in(std::string& body) {
  body.reserve(body.size() + simdjson::SIMDJSON_PADDING);
  const simdjson::padded_string_view padded(body.data(), body.size(), body.capacity());
  simdjson::ondemand::parser parser;
  simdjson::ondemand::document document;
  std::string_view model;
  if (parser.iterate(padded).get(document)) return {};
  if (document.find_field_unordered("model").get_string().get(model)) return {};
  return std::string(model);
}

// With the '@' that clients of the OpenAI doors may leave out, and without their prefix.
std::string model_id(std::string_view name) {
  constexpr std::string_view kPrefix = "workers-ai/";
  if (name.starts_with(kPrefix)) name.remove_prefix(kPrefix.size());
  if (name.empty() || name.starts_with('@')) return std::string(name);
  return "@" + std::string(name);
}

CallNames model_call(std::string_view model) {
  CallNames call{Product::ai, {"ai/run"}, model_id(model)};
  if (call.target.empty()) return call;
  const std::string bare = call.target.substr(1);
  for (const std::string& name : {call.target, bare}) {
    call.names.push_back("ai/run/" + name);
    call.names.push_back(name);
  }
  return call;
}

CallNames index_call(std::string operation, std::string_view index) {
  operation.insert(0, "vectorize/");
  CallNames call{Product::vectorize, {operation}, std::string(index)};
  if (index.empty()) return call;
  call.names.push_back(operation + "/" + call.target);
  call.names.push_back(call.target);
  return call;
}

CallNames plain_call(Product product, std::string name) { return {product, {std::move(name)}, {}}; }

std::string operation_on_index(std::string_view method) {
  if (method == "DELETE") return "delete_index";
  return method == "PUT" ? "update_index" : "get_index";
}

// `rest` is what follows ".../indexes".
CallNames vectorize_call(std::string_view method, std::string_view rest) {
  if (rest.empty()) return index_call(method == "POST" ? "create_index" : "list_indexes", {});
  const std::size_t slash = rest.find('/');
  const std::string_view index = rest.substr(0, slash);
  if (slash == rest.npos) return index_call(operation_on_index(method), index);
  std::string operation(rest.substr(slash + 1));
  std::replace(operation.begin(), operation.end(), '-', '_');  // The paths of v1.
  return index_call(std::move(operation), index);
}

std::string without_last_slash(std::string_view path) {
  if (path.size() > 1 && path.ends_with('/')) path.remove_suffix(1);
  return std::string(path);
}

}  // namespace

CallNames rest_call_names(http::Request& request) {
  const std::string path = without_last_slash(request.path);
  auto rest = behind_account(path);
  std::string own;
  if (const auto openai = behind(path, "/v1"); openai && !openai->empty()) {
    own = "ai/v1/" + std::string(*openai);
    rest = own;
  }
  if (!rest || rest->empty()) return {};
  if (const auto model = behind(*rest, "ai/run")) {
    return model_call(model->empty() ? model_in(request.body) : std::string(*model));
  }
  if (behind(*rest, "ai/v1") && request.method == "POST") {
    CallNames call = model_call(model_in(request.body));
    call.names.emplace_back(*rest);
    return call;
  }
  if (behind(*rest, "ai")) return plain_call(Product::ai, std::string(*rest));
  for (const char* indexes : {"vectorize/v2/indexes", "vectorize/indexes"}) {
    if (const auto index = behind(*rest, indexes)) return vectorize_call(request.method, *index);
  }
  return {};
}

CallNames ai_binding_call_names(const http::Request& request) {
  if (request.path == "/run" || request.path == "/ai-gateway/run") {
    const std::string_view model = request.headers.get("cf-consn-model-id");
    const std::size_t prefix = model.find(":@");  // As in "prefix:@cf/…".
    return model_call(prefix == model.npos ? model : model.substr(prefix + 1));
  }
  if (const auto rest = behind(request.path, "/ai-api")) {
    return plain_call(Product::ai, "ai/" + std::string(*rest));
  }
  return plain_call(Product::ai, "ai" + request.path);
}

CallNames vectorize_binding_call_names(const http::Request& request) {
  std::string_view path = request.path;
  std::string_view index = request.headers.get("selvedge-index");
  if (const auto v1 = behind(path, "/binding/indexes")) {
    const std::size_t slash = v1->find('/');
    index = v1->substr(0, slash);
    path = slash == v1->npos ? "/info" : v1->substr(slash);
  }
  std::string operation(path.substr(1));
  if (operation == "getByIds") operation = "get_by_ids";
  if (operation == "deleteByIds") operation = "delete_by_ids";
  return index_call(std::move(operation), index);
}

CallNames bot_call_names(const http::Request& request) {
  const std::string path = without_last_slash(request.path);
  for (const char* known : {"/chat", "/knowledge", "/imagine"}) {
    if (behind(path, known)) return plain_call(Product::bot, "bot" + path);
  }
  return {};
}

}  // namespace selvedge::api
