// Preview sessions: what wrangler uploaded for its remote bindings, by the token it was given.
#pragma once

#include <cstddef>
#include <deque>
#include <map>
#include <string>
#include <string_view>

namespace selvedge::api {

// One upload: the indexes by the names of their bindings.
struct PreviewSession {
  std::string account;
  std::map<std::string, std::string, std::less<>> indexes;
};

// Kept in memory, the newest `kPreviewSessionsMax`: wrangler opens another session when a token is
// not known any more. I/O thread only.
class PreviewSessions {
 public:
  static constexpr std::size_t kPreviewSessionsMax = 256;

  // Returns the token under which the session is found from now on: a random UUID.
  std::string open(PreviewSession session);
  // Null: never given, or too old. Borrowed until the next open().
  const PreviewSession* find(std::string_view token) const;

 private:
  std::map<std::string, PreviewSession, std::less<>> by_token_;
  std::deque<std::string> oldest_first_;
};

}  // namespace selvedge::api
