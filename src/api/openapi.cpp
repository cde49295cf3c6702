// OpenAPI: parts joined into one document.
#include "api/openapi.h"

#include <nlohmann/json.hpp>

#include "base/check.h"

namespace selvedge::api {
namespace {

using Json = nlohmann::ordered_json;  // People read it: keys stay where the files have them.

// Compiled in, so it can be wrong only by a mistake of ours.
Json parsed(std::string_view text) {
  Json json = Json::parse(text, nullptr, false);
  SEL_CHECK(json.is_object());
  return json;
}

void add_failures(Json& operation, const Json& failures) {
  Json& responses = operation["responses"];
  for (const auto& [reference, statuses] : failures.items()) {
    for (const Json& status : statuses) {
      const std::string key = std::to_string(status.get<int>());
      if (!responses.contains(key)) responses[key] = {{"$ref", reference}};
    }
  }
}

// Every call of a contract may ask for the hosted rules.
void add_switch(std::string_view path, Json& item) {
  if (!path.starts_with("/client/v4/") && !path.starts_with("/v1/")) return;
  item["parameters"].push_back({{"$ref", "#/components/parameters/strict"}});
}

void add_paths(Json& document, Json& part) {
  for (auto& [path, item] : part["paths"].items()) {
    add_switch(path, item);
    for (auto& [key, operation] : item.items()) {
      if (operation.is_object() && part.contains("failures")) {
        add_failures(operation, part["failures"]);
      }
    }
    SEL_CHECK(!document["paths"].contains(path));
    document["paths"][path] = std::move(item);
  }
}

void add_components(Json& document, Json& part) {
  if (!part.contains("components")) return;
  for (auto& [kind, components] : part["components"].items()) {
    for (auto& [name, component] : components.items()) {
      Json& all = document["components"][kind];
      SEL_CHECK(!all.contains(name));
      all[name] = std::move(component);
    }
  }
}

}  // namespace

std::string openapi_document(std::string_view version) {
  const auto parts = openapi_parts();
  Json document = parsed(parts.front());
  document["info"]["version"] = version;
  document["paths"] = Json::object();
  for (const std::string_view text : parts.subspan(1)) {
    Json part = parsed(text);
    add_paths(document, part);
    add_components(document, part);
  }
  return document.dump();
}

}  // namespace selvedge::api
