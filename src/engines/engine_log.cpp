// EngineLog: the callback of llama_log_set.
#include "engines/engine_log.h"

#include <string_view>
#include <utility>

#include "base/log.h"
#include "llama.h"
#include "mtmd.h"

namespace selvedge::engines {

EngineLog::EngineLog() {
  llama_log_set(&EngineLog::receive, this);
  mtmd_log_set(&EngineLog::receive, this);
}

// Without a callback llama.cpp writes to stderr, every line: silence is the better end.
EngineLog::~EngineLog() {
  const ggml_log_callback silence = [](ggml_log_level, const char*, void*) {};
  llama_log_set(silence, nullptr);
  mtmd_log_set(silence, nullptr);
}

std::string EngineLog::take_last_error() { return std::exchange(last_error_, {}); }

void EngineLog::receive(ggml_log_level level, const char* text, void* self) {
  if (level != GGML_LOG_LEVEL_WARN && level != GGML_LOG_LEVEL_ERROR) return;
  std::string_view line(text);
  while (!line.empty() && (line.back() == '\n' || line.back() == '\r')) line.remove_suffix(1);
  if (line.empty()) return;
  if (level == GGML_LOG_LEVEL_WARN) {
    // Said of every encoder and of every context that sequences share; both are meant: pooling is
    // done here, and no sequence outgrows its window.
    if (line.find("pooling_type") != line.npos || line.find("n_ctx_seq") != line.npos) return;
    log::warn("llama.cpp: {}", line);
    return;
  }
  log::error("llama.cpp: {}", line);
  // The first error names the cause; the following ones tell that callers gave up.
  std::string& last_error = static_cast<EngineLog*>(self)->last_error_;
  if (!last_error.empty()) return;
  const std::size_t colon = line.find(": ");
  if (colon != line.npos && line.substr(0, colon).find(' ') == line.npos) {
    line.remove_prefix(colon + 2);
  }
  last_error = line;
}

}  // namespace selvedge::engines
