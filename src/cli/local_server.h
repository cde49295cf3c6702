// LocalServer: the server a verb needs: the one that runs, or one of its own.
#pragma once

#include <filesystem>
#include <optional>
#include <string>

#include "base/result.h"
#include "cli/child_process.h"
#include "cli/context.h"
#include "cli/signal_watch.h"

namespace selvedge::cli {

class LocalServer {
 public:
  // Looks for a server at the context's URL; where none answers and the URL is one of this machine,
  // starts `selvedge serve` on that port with the context's home, and waits until it answers. Says
  // on stdout what it does. Errors: unavailable (no server there, and none can be started; or it
  // ended at once: the message holds the end of its log), cancelled (a signal came meanwhile),
  // already_exists (another program answers at that port).
  static Result<LocalServer> reach(const Context& context, SignalWatch& signals);

  // True once, when the server that we started has ended by itself.
  bool has_died();

  // Ends the server if we started it, and waits for that.
  void stop(SignalWatch& signals);

  // Nothing where it was there before us.
  std::optional<pid_t> pid() const;
  const std::filesystem::path& log() const { return log_; }

 private:
  std::optional<ChildProcess> process_;  // Empty: it was there before us.
  std::filesystem::path log_;
};

// The port of a URL such as http://127.0.0.1:7358 or http://localhost:7358, or nothing where it is
// not plain HTTP of this machine.
std::optional<std::string> loopback_port(std::string_view url);

}  // namespace selvedge::cli
