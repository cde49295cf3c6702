// Account routes: constant answers, and the three numbers of a token that does not hold.
#include "api/account_routes.h"

#include <iterator>

#include "api/errors.h"
#include "api/page.h"
#include "base/limits.h"

namespace selvedge::api {
namespace {

constexpr std::string_view kRoot = "/client/v4";
constexpr std::string_view kVerify = "/user/tokens/verify";
constexpr std::string_view kUserPaths[] = {"/user", "/accounts", "/memberships"};

constexpr std::string_view kToken =
    R"({"id":"00000000000000000000000000000003","status":"active"})";
constexpr std::string_view kUser =
    R"({"id":"00000000000000000000000000000002","email":"local@localhost","username":"local",)"
    R"("first_name":null,"last_name":null,"telephone":null,"country":null,"zipcode":null,)"
    R"("suspended":false,"two_factor_authentication_enabled":false,)"
    R"("two_factor_authentication_locked":false})";
constexpr std::string_view kAccount =
    R"({"id":"local","name":"Selvedge","type":"standard","settings":{"enforce_twofactor":false},)"
    R"("created_on":"2026-01-01T00:00:00Z"})";
constexpr std::string_view kMembership =
    R"({"id":"00000000000000000000000000000001","status":"accepted","account":{"id":"local",)"
    R"("name":"Selvedge"},"roles":["Super Administrator - All Privileges"],"permissions":{}})";

constexpr std::size_t kPageSize = 20;
constexpr int kTokenHolds = 10'000;
constexpr int kInvalidToken = 1'000;
constexpr int kInvalidAccess = 9'109;

// A list of one.
RouteHandler listing(std::string_view item) {
  return [item](http::Request& request, const PathParameters&) {
    const auto append = [item](std::string& json, std::size_t) { json += item; };
    return at_once(page_envelope(read_page(request, kPageSize), 1, append));
  };
}

void add(Router& router, std::string_view path, RouteHandler handler) {
  router.add({"GET", std::string(kRoot) + std::string(path), std::move(handler),
              limits::json_body_bytes_max});
}

}  // namespace

void add_account_routes(Router& router) {
  add(router, kVerify, [](http::Request&, const PathParameters&) {
    return at_once(advised_envelope(kToken, "This API Token is valid and active", kTokenHolds));
  });
  add(router, "/user",
      [](http::Request&, const PathParameters&) { return at_once(envelope(kUser)); });
  add(router, "/accounts", listing(kAccount));
  add(router, "/memberships", listing(kMembership));
}

http::Response unauthorized_envelope(std::string_view path) {
  if (path.starts_with(kRoot)) path.remove_prefix(kRoot.size());
  if (path == kVerify) {
    return envelope_error(Error{Code::unauthorized, "Invalid API Token"}, kInvalidToken);
  }
  for (const std::string_view known : kUserPaths) {
    if (path == known) {
      return envelope_error(Error{Code::unauthorized, "Invalid access token"}, kInvalidAccess);
    }
  }
  return envelope_error(Error{Code::unauthorized, "Authentication error"});
}

}  // namespace selvedge::api
