// `selvedge serve` as a child in the background; /health tells when it is ready.
#include "cli/local_server.h"

#include <chrono>
#include <fstream>
#include <iterator>

#include <nlohmann/json.hpp>

#include "cli/api_client.h"
#include "cli/output.h"

namespace selvedge::cli {
namespace {

namespace fs = std::filesystem;

constexpr int kStartMsMax = 60'000;  // A large index is read before the port opens.
constexpr int kLookEveryMs = 50;
constexpr int kStopMsMax = 6'000;  // The server itself ends within 5 s.

enum class Answer : std::uint8_t { none, selvedge, other };

Answer ask(const Context& context) {
  auto health = ApiClient(context.api_url, "server").call("GET", "/health");
  if (!health.ok()) {
    const Code code = health.error().code;
    const bool nobody = code == Code::unavailable || code == Code::deadline_exceeded;
    return nobody ? Answer::none : Answer::other;
  }
  const bool ours =
      health->is_object() && health->contains("status") && health->contains("uptime_s");
  return ours ? Answer::selvedge : Answer::other;
}

Error other_program(const Context& context) {
  return Error{Code::already_exists, "what answers at " + context.api_url +
                                         " is not Selvedge; choose another port: selvedge --url "
                                         "http://127.0.0.1:PORT dev"};
}

std::string last_lines(const fs::path& file) {
  std::ifstream stream(file, std::ios::binary);
  std::string text(std::istreambuf_iterator<char>(stream), {});
  constexpr std::size_t kBytesShown = 600;
  if (text.size() > kBytesShown) text.erase(0, text.find('\n', text.size() - kBytesShown) + 1);
  while (text.ends_with('\n')) text.pop_back();
  return text;
}

int ms_since(std::chrono::steady_clock::time_point start) {
  return static_cast<int>(std::chrono::duration_cast<std::chrono::milliseconds>(
                              std::chrono::steady_clock::now() - start)
                              .count());
}

Result<ChildProcess> start_server(const Context& context, const std::string& port,
                                  const fs::path& log) {
  std::error_code error;
  fs::create_directories(context.home, error);
  ProgramCall call;
  call.command = {(context.programs / "selvedge").string(),
                  "--home",
                  context.home.string(),
                  "--profile",
                  context.profile,
                  "serve",
                  "--port",
                  port};
  call.log = log;
  call.background = true;
  return ChildProcess::start(call);
}

// Nothing: it is ready. Looks at the port before it looks at the process: two verbs may start a
// server at once, and the one that comes second ends while the other answers.
Status wait_until_ready(const Context& context, ChildProcess& process, const fs::path& log,
                        SignalWatch& signals) {
  const auto start = std::chrono::steady_clock::now();
  while (ms_since(start) < kStartMsMax) {
    const Answer answer = ask(context);
    if (answer == Answer::selvedge) return ok_status();
    if (answer == Answer::other) return other_program(context);
    if (auto code = process.exit_code()) {
      return Error{Code::unavailable, "the server ended with exit code " + std::to_string(*code) +
                                          " (log: " + log.string() + "):\n" + last_lines(log)};
    }
    const auto signal = signals.wait(kLookEveryMs);
    if (signal && signal->number != SIGCHLD) {
      return Error{Code::cancelled, "ended before the server was ready"};
    }
  }
  return Error{Code::unavailable, "the server did not answer within " +
                                      std::to_string(kStartMsMax / 1000) + " s; its log is " +
                                      log.string()};
}

void end(ChildProcess& process, SignalWatch& signals) {
  process.send_signal(SIGTERM);
  const auto start = std::chrono::steady_clock::now();
  while (!process.exit_code() && ms_since(start) < kStopMsMax) signals.wait(kLookEveryMs);
  if (process.exit_code()) return;
  process.send_signal(SIGKILL);
  process.wait();
}

}  // namespace

std::optional<std::string> loopback_port(std::string_view url) {
  for (const std::string_view host : {"http://127.0.0.1", "http://localhost", "http://[::1]"}) {
    if (!url.starts_with(host)) continue;
    const std::string_view rest = url.substr(host.size());
    if (rest.empty()) return "80";
    if (rest.size() < 2 || rest.size() > 6 || rest.front() != ':') continue;
    if (rest.find_first_not_of("0123456789", 1) != std::string_view::npos) continue;
    return std::string(rest.substr(1));
  }
  return std::nullopt;
}

Result<LocalServer> LocalServer::reach(const Context& context, SignalWatch& signals) {
  LocalServer server;
  const Answer answer = ask(context);
  if (answer == Answer::other) return other_program(context);
  if (answer == Answer::selvedge) {
    print_line("selvedge: the server at " + context.api_url + " is running");
    return server;
  }
  const auto port = loopback_port(context.api_url);
  if (!port) {
    return Error{Code::unavailable, "no server answers at " + context.api_url +
                                        ", and one can be started on this machine only"};
  }
  server.log_ = context.home / "serve.log";
  print_line("selvedge: starting the server at " + context.api_url +
             " (log: " + server.log_.string() + ")");
  const auto start = std::chrono::steady_clock::now();
  SEL_TRY(process, start_server(context, *port, server.log_));
  auto ready = wait_until_ready(context, process, server.log_, signals);
  if (!ready.ok()) {
    end(process, signals);
    return ready.error();
  }
  print_line("selvedge: the server is ready after " + std::to_string(ms_since(start)) + " ms");
  server.process_ = std::move(process);
  return server;
}

bool LocalServer::has_died() {
  if (!process_ || !process_->exit_code()) return false;
  process_.reset();
  return true;
}

std::optional<pid_t> LocalServer::pid() const {
  if (!process_) return std::nullopt;
  return process_->pid();
}

void LocalServer::stop(SignalWatch& signals) {
  if (!process_) return;
  end(*process_, signals);
  process_.reset();
  print_line("selvedge: the server has ended");
}

}  // namespace selvedge::cli
