// Gateway logs: what is known of model calls that named an AI Gateway, without what they said.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <string_view>

#include <nlohmann/json.hpp>

#include "base/result.h"

namespace selvedge::api {

// One call. `score`, `feedback` and `metadata` are what its Worker added later.
struct GatewayLog {
  std::string id;  // As the answer told it: `cf-aig-log-id`.
  std::string account;
  std::string gateway;
  std::string model;
  int status = 0;  // HTTP.
  std::string request_content_type;
  std::string response_content_type;
  std::size_t request_bytes = 0;
  std::size_t response_bytes = 0;  // 0 of a stream.
  std::int64_t created_us = 0;     // Microseconds since 1970.
  std::int64_t duration_ms = 0;    // Of a stream: until it began.
  std::optional<double> neurons = std::nullopt;
  nlohmann::json score = nullptr;
  nlohmann::json feedback = nullptr;
  nlohmann::json metadata = nullptr;
};

// The newest calls, in memory: a restart forgets all. I/O thread only.
// Source: cloudflare/workerd types/defines/ai-gateway.d.ts; docs/compatibility.md#envai.
class GatewayLogs {
 public:
  static constexpr std::size_t kKeptMax = 2'000;
  static constexpr std::size_t kMetadataEntriesMax = 5;  // As hosted.
  static constexpr std::size_t kMetadataBytesMax = 2'048;

  void add(GatewayLog log);

  // Its JSON, an AiGatewayLog. Errors: not_found.
  Result<std::string> json(std::string_view account, std::string_view gateway,
                           std::string_view id) const;

  // `changes`: {"score"?, "feedback"?: -1, 1 or null, "metadata"?: an object of up to
  // kMetadataEntriesMax scalars, or null}. All or nothing. Errors: not_found, invalid_input.
  Status patch(std::string_view account, std::string_view gateway, std::string_view id,
               const nlohmann::json& changes);

 private:
  std::deque<GatewayLog> kept_;  // The oldest first.
};

}  // namespace selvedge::api
