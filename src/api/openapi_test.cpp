// Tests of the OpenAPI document: it and the route table name the same operations.
#include "api/openapi.h"

#include <algorithm>
#include <cctype>
#include <set>
#include <string>

#include <boost/asio.hpp>
#include <gmock/gmock.h>
#include <nlohmann/json.hpp>

#include "api/fakes.h"
#include "api/server_door.h"

namespace selvedge::api {
namespace {

using nlohmann::json;

json document() { return json::parse(openapi_document("1.2.3")); }

// "GET /a/{b...}" -> "GET /a/{}": the names of parameters are each side's own.
std::string without_names(const std::string& operation) {
  std::string text;
  bool inside = false;
  for (const char c : operation) {
    if (c == '}') inside = false;
    if (!inside) text += c;
    if (c == '{') inside = true;
  }
  return text;
}

std::set<std::string> documented() {
  std::set<std::string> operations;
  const json all = document();
  for (const auto& [path, item] : all["paths"].items()) {
    for (const auto& [key, operation] : item.items()) {
      if (!operation.is_object()) continue;
      std::string method = key;
      for (char& c : method) c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
      operations.insert(without_names(method + " " + path));
    }
  }
  return operations;
}

std::set<std::string> routed() {
  fakes::FakeCatalog catalog;
  fakes::FakeInference inference;
  fakes::FakeStore store;
  asio::thread_pool pool{1};
  const ServerDoor door(ApiContext{catalog, inference, store, pool, "1.2.3"});
  std::set<std::string> operations;
  for (const std::string& operation : door.router().operations()) {
    operations.insert(without_names(operation));
  }
  return operations;
}

TEST(OpenApi, RoutesAndDocumentedOperationsAreTheSame) {
  EXPECT_THAT(routed(), ::testing::ContainerEq(documented()));
}

TEST(OpenApi, CarriesTheServersVersion) {
  EXPECT_EQ(document()["info"]["version"], "1.2.3");
  EXPECT_EQ(document()["openapi"], "3.1.0");
}

TEST(OpenApi, SharedFailuresStandInEveryOperationOfTheirPart) {
  const json responses = document()["paths"]["/health"]["get"]["responses"];
  EXPECT_TRUE(responses.contains("200"));
  EXPECT_EQ(responses["401"]["$ref"], "#/components/responses/PlainFailure");
}

TEST(OpenApi, OperationIdsAreUnique) {
  std::set<std::string> ids;
  const json all = document();
  for (const json& item : all["paths"]) {
    for (const json& operation : item) {
      if (!operation.is_object()) continue;
      const std::string id = operation.at("operationId");
      EXPECT_TRUE(ids.insert(id).second) << id;
    }
  }
}

TEST(OpenApi, EveryCallOfAContractMayAskForTheHostedRules) {
  const json all = document();
  for (const auto& [path, item] : all["paths"].items()) {
    const json reference = {{"$ref", "#/components/parameters/strict"}};
    const json parameters = item.value("parameters", json::array());
    const bool has = std::find(parameters.begin(), parameters.end(), reference) != parameters.end();
    EXPECT_EQ(has, path.starts_with("/client/v4/") || path.starts_with("/v1/")) << path;
  }
}

}  // namespace
}  // namespace selvedge::api
