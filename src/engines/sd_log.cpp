// SdLog: the callback of sd_set_log_callback.
#include "engines/sd_log.h"

#include <string_view>
#include <utility>

#include "base/log.h"

namespace selvedge::engines {

SdLog::SdLog() { sd_set_log_callback(&SdLog::receive, this); }

SdLog::~SdLog() { sd_set_log_callback(nullptr, nullptr); }

std::string SdLog::take_first_error() {
  std::lock_guard lock(error_mutex_);
  return std::exchange(first_error_, {});
}

void SdLog::receive(sd_log_level_t level, const char* text, void* self) {
  // Lower levels hold prompts.
  if (level != SD_LOG_WARN && level != SD_LOG_ERROR) return;
  std::string_view line(text);
  while (!line.empty() && (line.back() == '\n' || line.back() == '\r')) line.remove_suffix(1);
  if (line.empty()) return;
  auto& log = *static_cast<SdLog*>(self);
  if (level == SD_LOG_WARN || log.errors_expected_) {
    return log::debug("stable-diffusion.cpp: {}", line);
  }
  log::error("stable-diffusion.cpp: {}", line);
  std::lock_guard lock(log.error_mutex_);
  if (!log.first_error_.empty()) return;
  // "file.cpp:123  - what happened"
  const std::size_t dash = line.find(" - ");
  if (dash != line.npos) line.remove_prefix(dash + 3);
  log.first_error_ = line;
}

}  // namespace selvedge::engines
