// Sets up spdlog once, for a process.
#include "base/log.h"

#include <spdlog/sinks/stdout_sinks.h>

namespace selvedge::log {

void start(const std::string& level) {
  auto logger = spdlog::stderr_logger_mt("selvedge");
  logger->set_pattern("%Y-%m-%dT%H:%M:%S.%e%z %l %v");
  auto parsed = spdlog::level::from_str(level);
  if (parsed == spdlog::level::off && level != "off") parsed = spdlog::level::info;
  logger->set_level(parsed);
  logger->flush_on(spdlog::level::debug);
  spdlog::set_default_logger(std::move(logger));
}

}  // namespace selvedge::log
