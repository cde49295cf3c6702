// Log: one line an event, to stderr. Never user content, never a secret.
#pragma once

#include <string>

#include <spdlog/spdlog.h>

namespace selvedge::log {

// Sends the log to stderr at `level` (trace, debug, info, warn, error, off). Unknown names mean
// info.
void start(const std::string& level);

using spdlog::debug;
using spdlog::error;
using spdlog::info;
using spdlog::warn;

}  // namespace selvedge::log
