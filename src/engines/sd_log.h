// SdLog: warnings and errors of stable-diffusion.cpp, to our log; nothing else of theirs.
#pragma once

#include <atomic>
#include <mutex>
#include <string>

#include "stable-diffusion.h"

namespace selvedge::engines {

// While it lives, stable-diffusion.cpp logs here, from whatever thread. One at a time; it must
// outlive every model.
class SdLog {
 public:
  SdLog();
  ~SdLog();
  SdLog(const SdLog&) = delete;
  SdLog& operator=(const SdLog&) = delete;

  // Errors that follow are of our own making (a drawing was cancelled), and not worth a line.
  void expect_errors(bool expected) { errors_expected_ = expected; }

  // The error that was told first since the last call, without the place in its source.
  std::string take_first_error();

 private:
  static void receive(sd_log_level_t level, const char* text, void* self);

  std::atomic<bool> errors_expected_ = false;
  std::mutex error_mutex_;  // Guards the text below.
  std::string first_error_;
};

}  // namespace selvedge::engines
