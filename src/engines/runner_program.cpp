// Runner program: arguments, confinement, loop.
#include "engines/runner_program.h"

#include <charconv>
#include <cstdio>
#include <optional>
#include <string_view>
#include <utility>

#include <fcntl.h>

#include "base/confinement.h"
#include "base/log.h"
#include "engines/runner_loop.h"
#include "wire/blocking_channel.h"

namespace selvedge::engines {
namespace {

constexpr int kExitUsage = 64;

std::optional<int> open_socket(std::string_view text) {
  int socket = -1;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), socket);
  if (error != std::errc() || end != text.data() + text.size() || socket < 0) return std::nullopt;
  if (::fcntl(socket, F_GETFD) < 0) return std::nullopt;
  return socket;
}

}  // namespace

int run_runner_program(int argument_count, char** arguments, const char* version, Loader loader) {
  if (argument_count == 2 && std::string_view(arguments[1]) == "--version") {
    std::printf("selvedge-runner %s\n", version);
    return 0;
  }
  std::optional<int> socket;
  if (argument_count == 3 && std::string_view(arguments[1]) == "--fd") {
    socket = open_socket(arguments[2]);
  }
  if (!socket) {
    std::fprintf(stderr, "usage: %s --fd N | --version\n(started by the server; N: its socket)\n",
                 arguments[0]);
    return kExitUsage;
  }
  log::start("warn");
  auto confined = confine_this_process();
  if (!confined.ok()) log::warn("{}", confined.error().message);
  wire::BlockingChannel channel(*socket);
  return RunnerLoop(channel, std::move(loader)).run();
}

}  // namespace selvedge::engines
