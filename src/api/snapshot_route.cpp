// Checks the name, then blocks a thread of the pool until all is on disk.
#include "api/snapshot_route.h"

#include <algorithm>
#include <string>
#include <system_error>

#include "api/errors.h"
#include "api/json_writer.h"
#include "base/offload.h"

namespace selvedge::api {
namespace {

constexpr std::size_t kNameCharsMax = 64;

bool valid_name(std::string_view name) {
  const auto plain = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '_';
  };
  return !name.empty() && name.size() <= kNameCharsMax &&
         std::all_of(name.begin(), name.end(), plain);
}

Result<std::string> write_snapshot(const ApiContext& context, const std::string& name) {
  if (context.snapshots.empty()) return Error{Code::not_served, "this server makes no snapshots"};
  if (!valid_name(name)) {
    return Error{Code::invalid_input,
                 "the name of a snapshot has 1 to 64 letters, digits, \"-\" and \"_\""};
  }
  std::error_code failed;
  std::filesystem::create_directories(context.snapshots, failed);
  if (failed) return Error{Code::io, context.snapshots.string() + ": " + failed.message()};
  const auto folder = context.snapshots / name;
  SEL_CHECK_OK(context.store.snapshot(folder));
  std::string json = "{\"folder\":";
  append_string(json, folder.string());
  json += '}';
  return json;
}

}  // namespace

boost::asio::awaitable<http::Response> make_snapshot(const ApiContext& context,
                                                     const PathParameters& parameters) {
  auto work = [&context, name = std::string(parameters.get("name"))] {
    return write_snapshot(context, name);
  };
  auto made = co_await offload(context.pool, std::move(work));
  if (!made.ok()) co_return plain_error(made.error());
  co_return json_response(200, std::move(*made));
}

}  // namespace selvedge::api
