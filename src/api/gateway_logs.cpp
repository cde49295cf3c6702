// Gateway logs: a bounded list, searched from its newest end.
#include "api/gateway_logs.h"

#include <algorithm>
#include <utility>

#include "api/json_writer.h"

namespace selvedge::api {
namespace {

using nlohmann::json;

constexpr double kDollarsPerNeuron = 0.011 / 1000;

Error no_log() { return Error{Code::not_found, "there is no log of that id"}; }

Status check_metadata(const json& metadata) {
  if (metadata.is_null()) return ok_status();
  const bool fits = metadata.is_object() && metadata.size() <= GatewayLogs::kMetadataEntriesMax &&
                    metadata.dump().size() <= GatewayLogs::kMetadataBytesMax &&
                    std::all_of(metadata.begin(), metadata.end(),
                                [](const json& value) { return value.is_primitive(); });
  if (fits) return ok_status();
  return Error{Code::invalid_input, "metadata of a log is an object of up to " +
                                        std::to_string(GatewayLogs::kMetadataEntriesMax) +
                                        " texts, numbers, booleans and nulls, in up to " +
                                        std::to_string(GatewayLogs::kMetadataBytesMax) + " bytes"};
}

Status check_changes(const json& changes) {
  const json score = changes.value("score", json());
  if (!score.is_null() && !score.is_number()) {
    return Error{Code::invalid_input, "score of a log is a number or null"};
  }
  const json feedback = changes.value("feedback", json());
  if (!feedback.is_null() && feedback != 1 && feedback != -1) {
    return Error{Code::invalid_input, "feedback of a log is 1, -1 or null"};
  }
  return check_metadata(changes.value("metadata", json()));
}

// {"…","created_at"}: an object without the texts of the call, of which no head is kept.
json log_object(const GatewayLog& log) {
  json object = {{"id", log.id},
                 {"provider", "workers-ai"},
                 {"model", log.model},
                 {"path", log.model},
                 {"duration", log.duration_ms},
                 {"request_content_type", log.request_content_type},
                 {"status_code", log.status},
                 {"response_content_type", log.response_content_type},
                 {"success", log.status >= 200 && log.status < 300},
                 {"cached", false},
                 {"metadata", log.metadata},
                 {"score", log.score},
                 {"feedback", log.feedback},
                 {"request_size", log.request_bytes},
                 {"request_head_complete", false},
                 {"response_size", log.response_bytes},
                 {"response_head_complete", false}};
  if (log.neurons) object["cost"] = *log.neurons * kDollarsPerNeuron;
  std::string created;
  append_time_ms(created, log.created_us);
  object["created_at"] = created.substr(1, created.size() - 2);  // It comes quoted.
  return object;
}

// The newest of that name, or null.
auto find_in(auto& kept, std::string_view account, std::string_view gateway, std::string_view id) {
  const auto found = std::find_if(kept.rbegin(), kept.rend(), [&](const GatewayLog& log) {
    return log.id == id && log.gateway == gateway && log.account == account;
  });
  return found == kept.rend() ? nullptr : &*found;
}

}  // namespace

void GatewayLogs::add(GatewayLog log) {
  if (kept_.size() == kKeptMax) kept_.pop_front();
  kept_.push_back(std::move(log));
}

Result<std::string> GatewayLogs::json(std::string_view account, std::string_view gateway,
                                      std::string_view id) const {
  const GatewayLog* log = find_in(kept_, account, gateway, id);
  if (log == nullptr) return no_log();
  return log_object(*log).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

Status GatewayLogs::patch(std::string_view account, std::string_view gateway, std::string_view id,
                          const nlohmann::json& changes) {
  GatewayLog* log = find_in(kept_, account, gateway, id);
  if (log == nullptr) return no_log();
  SEL_CHECK_OK(check_changes(changes));
  if (changes.contains("score")) log->score = changes["score"];
  if (changes.contains("feedback")) log->feedback = changes["feedback"];
  if (changes.contains("metadata")) log->metadata = changes["metadata"];
  return ok_status();
}

}  // namespace selvedge::api
