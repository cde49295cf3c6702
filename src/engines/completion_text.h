// Completion text: bytes of tokens in, whole characters out, ended by the first stop string.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace selvedge::engines {

class CompletionText {
 public:
  // Empty stop strings are ignored.
  explicit CompletionText(std::vector<std::string> stops);

  // Adds the bytes of one token and returns what can be sent: whole UTF-8 characters (ill-formed
  // bytes come out as U+FFFD) that cannot be part of a stop string any more. Nothing after a stop.
  std::string add(std::string_view bytes);

  // True once a stop string was completed; it and all after it are dropped.
  bool stopped() const { return stopped_; }
  // Which one; empty before.
  const std::string& stop() const { return stop_; }

  // The rest, when no token follows.
  std::string finish();

  // How many of the bytes added have come out, ill-formed ones counted as they were.
  std::size_t sent_bytes() const { return sent_bytes_; }

 private:
  std::string take(std::size_t bytes);

  std::vector<std::string> stops_;
  std::string held_;
  std::size_t sent_bytes_ = 0;
  bool stopped_ = false;
  std::string stop_;
};

}  // namespace selvedge::engines
