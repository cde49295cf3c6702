// Runner process: posix_spawn, a pidfd in the event loop, and a reader of its output.
#include "inference/runner_process.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <cerrno>
#include <cstring>
#include <string_view>
#include <utility>

#include <boost/asio/buffer.hpp>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/wait.h>

// The header of glibc 2.36 does not say itself that these are C functions.
extern "C" {
#include <sys/pidfd.h>
}

#include "base/log.h"
#include "inference/background.h"

namespace selvedge::inference {
namespace {

constexpr int kChildSocket = 3;
constexpr std::size_t kLineBytesMax = 1'024;

Error system_error(std::string_view what, int number) {
  return Error{Code::io, std::string(what) + ": " + std::strerror(number)};
}

// What the child gets: descriptors 0 to 3, default signals, a group of its own.
class SpawnPlan {
 public:
  SpawnPlan(int socket, int output) {
    ::posix_spawn_file_actions_init(&actions_);
    ::posix_spawn_file_actions_addopen(&actions_, 0, "/dev/null", O_RDONLY, 0);
    ::posix_spawn_file_actions_adddup2(&actions_, output, 1);
    ::posix_spawn_file_actions_adddup2(&actions_, output, 2);
    ::posix_spawn_file_actions_adddup2(&actions_, socket, kChildSocket);
    // Clients' connections are not marked close-on-exec by the HTTP library.
    ::posix_spawn_file_actions_addclosefrom_np(&actions_, kChildSocket + 1);
    ::posix_spawnattr_init(&attributes_);
    sigset_t signals;
    ::sigfillset(&signals);
    ::posix_spawnattr_setsigdefault(&attributes_, &signals);
    ::sigemptyset(&signals);
    ::posix_spawnattr_setsigmask(&attributes_, &signals);
    ::posix_spawnattr_setpgroup(&attributes_, 0);
    ::posix_spawnattr_setflags(
        &attributes_, POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETPGROUP);
  }
  ~SpawnPlan() {
    ::posix_spawnattr_destroy(&attributes_);
    ::posix_spawn_file_actions_destroy(&actions_);
  }
  SpawnPlan(const SpawnPlan&) = delete;
  SpawnPlan& operator=(const SpawnPlan&) = delete;

  const posix_spawn_file_actions_t* actions() const { return &actions_; }
  const posix_spawnattr_t* attributes() const { return &attributes_; }

 private:
  posix_spawn_file_actions_t actions_;
  posix_spawnattr_t attributes_;
};

bool sounds_bad(std::string_view line) {
  std::string lower(line);
  std::ranges::transform(lower, lower.begin(),
                         [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  constexpr std::array<const char*, 5> kWords = {"error", "fail", "abort", "assert", "broken"};
  return std::ranges::any_of(
      kWords, [&](const char* word) { return lower.find(word) != std::string::npos; });
}

void log_line(const std::string& model, std::string_view line) {
  if (line.empty()) return;
  const std::string_view shown = line.substr(0, kLineBytesMax);
  if (sounds_bad(shown)) {
    log::warn("runner of {}: {}", model, shown);
  } else {
    log::debug("runner of {}: {}", model, shown);
  }
}

asio::awaitable<void> log_output(asio::posix::stream_descriptor output, std::string model) {
  std::string pending;
  std::array<char, 4'096> chunk{};
  for (;;) {
    auto [error, count] =
        co_await output.async_read_some(asio::buffer(chunk), asio::as_tuple(asio::use_awaitable));
    if (error) break;
    pending.append(chunk.data(), count);
    std::size_t start = 0;
    for (std::size_t end = pending.find('\n'); end != std::string::npos;
         end = pending.find('\n', start)) {
      log_line(model, std::string_view(pending).substr(start, end - start));
      start = end + 1;
    }
    pending.erase(0, start);
    if (pending.size() > kLineBytesMax) {
      log_line(model, pending);
      pending.clear();
    }
  }
  log_line(model, pending);
}

// `descriptor` under a number that none of the child's own will take while it is set up. (A server
// without a terminal may have been given 0 to 2 for its sockets.)
Result<Descriptor> out_of_the_way(const Descriptor& descriptor) {
  Descriptor copy(::fcntl(descriptor.get(), F_DUPFD_CLOEXEC, kChildSocket + 1));
  if (!copy.open()) return system_error("descriptors of a runner", errno);
  return copy;
}

// For a child that cannot be used.
void end_now(pid_t pid) {
  ::kill(pid, SIGKILL);
  while (::waitpid(pid, nullptr, 0) < 0 && errno == EINTR) {
  }
}

ProcessEnd end_of(const siginfo_t& info) {
  return ProcessEnd{info.si_code != CLD_EXITED, info.si_status};
}

}  // namespace

std::string describe(const ProcessEnd& end) {
  return (end.by_signal ? "signal " : "exit code ") + std::to_string(end.number);
}

Result<RunnerProcess::Parts> RunnerProcess::spawn(const std::filesystem::path& executable) {
  std::array<int, 2> sockets{};
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sockets.data()) != 0) {
    return system_error("socket pair of a runner", errno);
  }
  Descriptor ours(sockets[0]);
  const Descriptor theirs(sockets[1]);
  std::array<int, 2> pipe{};
  if (::pipe2(pipe.data(), O_CLOEXEC) != 0) return system_error("pipe of a runner", errno);
  Descriptor output(pipe[0]);
  const Descriptor input(pipe[1]);
  SEL_TRY(child_socket, out_of_the_way(theirs));
  SEL_TRY(child_output, out_of_the_way(input));

  const SpawnPlan plan(child_socket.get(), child_output.get());
  std::string program = executable.string();
  std::string flag = "--fd";
  std::string number = std::to_string(kChildSocket);
  std::array<char*, 4> arguments = {program.data(), flag.data(), number.data(), nullptr};
  pid_t pid = 0;
  const int failure = ::posix_spawn(&pid, program.c_str(), plan.actions(), plan.attributes(),
                                    arguments.data(), environ);
  if (failure != 0) return system_error("cannot start " + program, failure);

  // Nobody else reaps children here, so the number still names this child.
  Descriptor handle(::pidfd_open(pid, 0));
  if (!handle.open()) {
    const int reason = errno;
    end_now(pid);
    return system_error("cannot watch a runner", reason);
  }
  return Parts{pid, std::move(handle), std::move(ours), std::move(output)};
}

Result<std::shared_ptr<RunnerProcess>> RunnerProcess::start(asio::io_context& io,
                                                            const std::filesystem::path& executable,
                                                            std::string model) {
  SEL_TRY(parts, spawn(executable));
  const pid_t pid = parts.pid;
  try {
    asio::posix::stream_descriptor output(io, parts.output.get());
    parts.output.release();
    auto process = std::make_shared<RunnerProcess>(io, std::move(parts));
    process->wait_for_handle();
    run_in_background(io, "log of the runner of " + model,
                      log_output(std::move(output), std::move(model)));
    return process;
  } catch (const boost::system::system_error& error) {
    // The event loop takes no more descriptors.
    end_now(pid);
    return system_error("cannot watch a runner", error.code().value());
  }
}

RunnerProcess::RunnerProcess(asio::io_context& io, Parts parts)
    : pid_(parts.pid),
      handle_(io, parts.handle.release()),
      socket_(std::move(parts.socket)),
      ended_(io) {}

RunnerProcess::~RunnerProcess() {
  if (end_) return;
  // By its number, since the event loop made the pidfd non-blocking; it is ours until it is reaped.
  end_now(pid_);
}

void RunnerProcess::kill() {
  if (!end_) ::pidfd_send_signal(handle_.native_handle(), SIGKILL, nullptr, 0);
}

asio::awaitable<void> RunnerProcess::wait_end() {
  const auto self = shared_from_this();
  while (!end_) co_await ended_.wait();
}

void RunnerProcess::wait_for_handle() {
  handle_.async_wait(asio::posix::stream_descriptor::wait_read,
                     [weak = weak_from_this()](const boost::system::error_code& error) {
                       const auto self = weak.lock();
                       if (self && !error) self->reap();
                     });
}

void RunnerProcess::reap() {
  siginfo_t info{};
  const int failure =
      ::waitid(P_PIDFD, static_cast<id_t>(handle_.native_handle()), &info, WEXITED | WNOHANG);
  const bool again = failure != 0 ? errno == EINTR || errno == EAGAIN : info.si_pid == 0;
  if (again) return wait_for_handle();
  end_ = failure == 0 ? end_of(info) : ProcessEnd{};
  ended_.notify();
  if (on_end_) std::exchange(on_end_, nullptr)();
}

}  // namespace selvedge::inference
