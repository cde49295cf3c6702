// EngineLog: warnings and errors of llama.cpp, mtmd and ggml, to our log; nothing else of theirs.
#pragma once

#include <string>

#include "ggml.h"

namespace selvedge::engines {

// While it lives, llama.cpp logs here. One at a time; it must outlive every model and context.
class EngineLog {
 public:
  EngineLog();
  ~EngineLog();
  EngineLog(const EngineLog&) = delete;
  EngineLog& operator=(const EngineLog&) = delete;

  // The reason that the engine gave last for an error, without the name of its function; empties
  // it.
  std::string take_last_error();

 private:
  static void receive(ggml_log_level level, const char* text, void* self);

  std::string last_error_;
};

}  // namespace selvedge::engines
