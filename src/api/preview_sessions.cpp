// Preview sessions: a bounded map with the order of arrival.
#include "api/preview_sessions.h"

#include <utility>

#include "base/uuid.h"

namespace selvedge::api {

std::string PreviewSessions::open(PreviewSession session) {
  if (oldest_first_.size() == kPreviewSessionsMax) {
    by_token_.erase(oldest_first_.front());
    oldest_first_.pop_front();
  }
  std::string token = random_uuid();
  by_token_.emplace(token, std::move(session));
  oldest_first_.push_back(token);
  return token;
}

const PreviewSession* PreviewSessions::find(std::string_view token) const {
  const auto found = by_token_.find(token);
  return found == by_token_.end() ? nullptr : &found->second;
}

}  // namespace selvedge::api
