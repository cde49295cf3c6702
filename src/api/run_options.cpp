// Run options: names, tags and their bounds.
#include "api/run_options.h"

#include <algorithm>
#include <string_view>
#include <utility>

#include <nlohmann/json.hpp>

#include "api/input_check.h"
#include "api/picture_store.h"

namespace selvedge::api {
namespace {

using nlohmann::json;

constexpr std::size_t kTagsMax = 5;
constexpr std::size_t kTagCharsMax = 50;
constexpr std::size_t kGatewayIdBytesMax = 64;
constexpr std::string_view kPath = "/options/";

bool tag_letter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
         std::string_view(":-./@_").find(c) != std::string_view::npos;
}

Status add_tag(std::string_view tag, std::vector<std::string>& tags) {
  if (tag.empty() || tag.size() > kTagCharsMax || !std::ranges::all_of(tag, tag_letter)) {
    return Error{Code::invalid_input,
                 "'/options/tags' must be texts of 1 to 50 letters, digits and : - . / @ _"};
  }
  if (std::ranges::find(tags, tag) != tags.end()) return ok_status();
  if (tags.size() == kTagsMax) {
    return Error{Code::invalid_input, "Length of '/options/tags' must be <= 5"};
  }
  tags.emplace_back(tag);
  return ok_status();
}

Status add_tags(std::string_view list, std::vector<std::string>& tags) {
  while (!list.empty()) {
    const std::size_t comma = std::min(list.find(','), list.size());
    SEL_CHECK_OK(add_tag(list.substr(0, comma), tags));
    list.remove_prefix(std::min(comma + 1, list.size()));
  }
  return ok_status();
}

Status read_tags(const json& given, std::vector<std::string>& tags) {
  tags.clear();
  if (given.is_null()) return ok_status();
  if (given.is_string()) return add_tags(given.get_ref<const std::string&>(), tags);
  if (!given.is_array()) return type_mismatch("/options/tags", "array", given);
  for (const json& tag : given) {
    if (!tag.is_string()) return type_mismatch("/options/tags", "string", tag);
    SEL_CHECK_OK(add_tag(tag.get_ref<const std::string&>(), tags));
  }
  return ok_status();
}

// Query values are texts; so are the values of clients that copy them into the body.
Status read_flag(const json& given, std::string_view name, bool& flag) {
  if (given.is_null()) return ok_status();
  if (given.is_boolean()) {
    flag = given.get<bool>();
    return ok_status();
  }
  const std::string text = given.is_string() ? given.get<std::string>() : "?";
  if (text == "true" || text == "1" || text.empty()) {
    flag = true;
  } else if (text == "false" || text == "0") {
    flag = false;
  } else {
    return type_mismatch(std::string(kPath) + std::string(name), "boolean", given);
  }
  return ok_status();
}

// {"id", …}; what else a gateway is told (caching, retries) has no effect here. In a query it is
// the text that JavaScript makes of an object.
Status read_gateway(const json& given, std::string& gateway) {
  if (!given.is_object()) return ok_status();
  const auto id = given.find("id");
  if (id == given.end() || id->is_null()) return ok_status();
  if (!id->is_string() || id->get_ref<const std::string&>().size() > kGatewayIdBytesMax) {
    return Error{Code::invalid_input, "'" + std::string(kPath) +
                                          "gateway/id' must be a text of up to " +
                                          std::to_string(kGatewayIdBytesMax) + " bytes"};
  }
  gateway = id->get<std::string>();
  return ok_status();
}

// A name for the picture, or whether it is kept at all.
Status read_store(const json& given, RunOptions& options) {
  bool store = true;
  const bool is_flag = !given.is_string() || read_flag(given, "store", store).ok();
  if (is_flag) {
    SEL_CHECK_OK(read_flag(given, "store", store));
    if (!given.is_null()) options.store = store;
    return ok_status();
  }
  SEL_CHECK_OK(check_picture_name(given.get_ref<const std::string&>()));
  options.store = true;
  options.store_name = given.get<std::string>();
  return ok_status();
}

Status add_option(std::string_view name, const json& value, RunOptions& options) {
  if (name == "queueRequest") return read_flag(value, name, options.queue_request);
  if (name == "rejectIfBusy") return read_flag(value, name, options.reject_if_busy);
  if (name == "returnRawResponse") return read_flag(value, name, options.return_raw_response);
  if (name == "progress") return read_flag(value, name, options.progress);
  if (name == "store") return read_store(value, options);
  if (name == "gateway") return read_gateway(value, options.gateway);
  if (name != "websocket") return ok_status();
  bool websocket = false;
  SEL_CHECK_OK(read_flag(value, name, websocket));
  if (!websocket) return ok_status();
  return Error{Code::not_served, "models are not run over WebSockets here"};
}

}  // namespace

Result<RunOptions> query_run_options(const http::Request& request) {
  RunOptions options;
  for (const auto& [name, value] : request.query) {
    if (name == "tags") {
      SEL_CHECK_OK(add_tags(value, options.tags));
    } else {
      SEL_CHECK_OK(add_option(name, value, options));
    }
  }
  return options;
}

Status add_run_options(const json& given, RunOptions& options) {
  if (given.is_null()) return ok_status();
  if (!given.is_object()) return type_mismatch("/options", "object", given);
  for (const auto& [name, value] : given.items()) {
    if (name == "tags") {
      SEL_CHECK_OK(read_tags(value, options.tags));
    } else {
      SEL_CHECK_OK(add_option(name, value, options));
    }
  }
  return ok_status();
}

}  // namespace selvedge::api
