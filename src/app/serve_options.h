// ServeOptions: everything a server can be told at its start.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "app/kit_options.h"
#include "base/limits.h"
#include "catalog/catalog.h"
#include "rag/bot.h"

namespace selvedge::app {

inline constexpr std::uint16_t kApiPort = 7358;  // S-E-L-V on a phone.
inline constexpr std::uint16_t kBotPort =
    8787;  // The port of `wrangler dev` and of the tutorials' curl lines.

struct ServeOptions {
  std::filesystem::path home;
  std::filesystem::path runner;
  std::filesystem::path converter;
  catalog::Profile profile = catalog::Profile::auto_;
  std::vector<std::string> addresses = {"127.0.0.1", "::1"};
  std::uint16_t port = kApiPort;
  std::vector<std::string> allowed_hosts;
  std::vector<std::string> tokens;  // Empty: no authentication; then only loopback may be bound.
  std::int32_t threads = 0;         // 0 = one per core.
  std::uint64_t memory_mb = 0;      // For models; 0 = 70% of the machine's.
  std::int32_t idle_unload_s = 600;
  std::int32_t index_idle_s = 600;
  std::size_t queue = limits::tasks_waiting_max;  // Tasks that may wait, a model.
  double daily_neurons = 0;                       // That an account may use a day; 0 = any number.
  bool strict = false;  // The hosted service's limits and refusals instead of ours.
  std::string log_level = "info";
  bool with_bot = false;
  std::uint16_t bot_port = kBotPort;
  rag::BotOptions bot;
  KitOptions kit;
  std::string store;  // Where pictures are kept: a folder or s3://bucket/prefix; empty: nowhere.
};

}  // namespace selvedge::app
