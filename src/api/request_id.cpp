// Request id: made of all that says what is asked.
#include "api/request_id.h"

namespace selvedge::api {

std::string request_id_of(const ApiContext& context, const http::Request& request) {
  return context.identities->uuid(
      {request.method, request.target, request.headers.get("cf-consn-model-id"), request.body});
}

unsigned number_of(const std::string& request_id) {
  std::uint32_t number = 2'166'136'261U;  // FNV-1a.
  for (const char c : request_id) number = (number ^ static_cast<unsigned char>(c)) * 16'777'619U;
  return number;
}

}  // namespace selvedge::api
