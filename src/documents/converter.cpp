// Converter: one socket pair, one posix_spawn and one poll loop a file, on threads that may wait.
#include "documents/converter.h"

#include <array>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstring>
#include <string_view>
#include <utility>

#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/offload.h"

namespace selvedge::documents {
namespace {

using Clock = std::chrono::steady_clock;

constexpr int kFirstFreeDescriptor = 3;
constexpr std::size_t kReplyHeadBytesMax = 64;

Error system_error(std::string_view what, int number) {
  return Error{Code::io, std::string(what) + ": " + std::strerror(number)};
}

class OwnedSocket {
 public:
  explicit OwnedSocket(int number) : number_(number) {}
  ~OwnedSocket() { close(); }
  OwnedSocket(const OwnedSocket&) = delete;
  OwnedSocket& operator=(const OwnedSocket&) = delete;

  int get() const { return number_; }
  void close() {
    if (number_ >= 0) ::close(number_);
    number_ = -1;
  }

 private:
  int number_;
};

// The child's one socket as its input and output, nothing of its talk, default signals.
Result<pid_t> spawn(const std::string& program, int socket) {
  posix_spawn_file_actions_t actions;
  ::posix_spawn_file_actions_init(&actions);
  ::posix_spawn_file_actions_adddup2(&actions, socket, 0);
  ::posix_spawn_file_actions_adddup2(&actions, socket, 1);
  ::posix_spawn_file_actions_addopen(&actions, 2, "/dev/null", O_WRONLY, 0);
  ::posix_spawn_file_actions_addclosefrom_np(&actions, kFirstFreeDescriptor);
  posix_spawnattr_t attributes;
  ::posix_spawnattr_init(&attributes);
  sigset_t signals;
  ::sigfillset(&signals);
  ::posix_spawnattr_setsigdefault(&attributes, &signals);
  ::sigemptyset(&signals);
  ::posix_spawnattr_setsigmask(&attributes, &signals);
  ::posix_spawnattr_setpgroup(&attributes, 0);
  ::posix_spawnattr_setflags(
      &attributes, POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETPGROUP);
  std::string name = program;
  std::array<char*, 2> arguments = {name.data(), nullptr};
  pid_t pid = 0;
  // Nothing of the server's environment: it may hold keys.
  std::array<char*, 1> environment = {nullptr};
  const int failure = ::posix_spawn(&pid, program.c_str(), &actions, &attributes, arguments.data(),
                                    environment.data());
  ::posix_spawnattr_destroy(&attributes);
  ::posix_spawn_file_actions_destroy(&actions);
  if (failure != 0) return system_error("cannot start " + program, failure);
  return pid;
}

class Child {
 public:
  explicit Child(pid_t pid) : pid_(pid) {}
  ~Child() {
    if (pid_ == 0) return;
    ::kill(pid_, SIGKILL);
    wait();
  }
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;

  // Its status, as of waitpid.
  int wait() {
    int status = 0;
    while (::waitpid(pid_, &status, 0) < 0 && errno == EINTR) {
    }
    pid_ = 0;
    return status;
  }

 private:
  pid_t pid_;
};

struct Exchange {
  int socket;
  int stopped;
  Clock::time_point deadline;
  std::array<std::string_view, 2> unsent;
  std::string reply;
};

bool would_wait(int number) { return number == EAGAIN || number == EINTR; }

// Nothing: the child reads no more, which its reply or its end explains.
void send_some(Exchange& exchange) {
  for (std::string_view& part : exchange.unsent) {
    while (!part.empty()) {
      const ssize_t sent =
          ::send(exchange.socket, part.data(), part.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
      if (sent < 0 && would_wait(errno)) return;
      if (sent < 0) {
        exchange.unsent = {};
        return;
      }
      part.remove_prefix(static_cast<std::size_t>(sent));
    }
  }
  ::shutdown(exchange.socket, SHUT_WR);
}

// True: there may be more. Errors: file_invalid, io.
Result<bool> receive_some(Exchange& exchange) {
  std::array<char, 65'536> chunk;
  const ssize_t count = ::recv(exchange.socket, chunk.data(), chunk.size(), MSG_DONTWAIT);
  if (count < 0) {
    if (would_wait(errno)) return true;
    if (errno == ECONNRESET) return false;
    return system_error("the converter's answer", errno);
  }
  if (count == 0) return false;
  exchange.reply.append(chunk.data(), static_cast<std::size_t>(count));
  if (exchange.reply.size() <= kMarkdownBytesMax + kReplyHeadBytesMax) return true;
  return Error{Code::file_invalid, "the Markdown of this file is too long"};
}

// Until the child has closed its end. Errors: deadline_exceeded, unavailable, file_invalid, io.
Status run_exchange(Exchange& exchange) {
  for (;;) {
    const auto left =
        std::chrono::duration_cast<std::chrono::milliseconds>(exchange.deadline - Clock::now());
    if (left.count() <= 0) {
      return Error{Code::deadline_exceeded, "the file was not converted within " +
                                                std::to_string(kConvertMsMax / 1'000) + " seconds"};
    }
    const bool sending = !exchange.unsent[0].empty() || !exchange.unsent[1].empty();
    const auto events = static_cast<short>(sending ? POLLIN | POLLOUT : POLLIN);
    std::array<pollfd, 2> watched = {pollfd{exchange.socket, events, 0},
                                     pollfd{exchange.stopped, POLLIN, 0}};
    const int ready = ::poll(watched.data(), watched.size(), static_cast<int>(left.count()));
    if (ready < 0 && errno != EINTR) return system_error("waiting for the converter", errno);
    if (ready <= 0) continue;
    if (watched[1].revents != 0) return Error{Code::unavailable, "the server is ending"};
    if (sending && (watched[0].revents & (POLLOUT | POLLERR | POLLHUP)) != 0) send_some(exchange);
    if ((watched[0].revents & (POLLIN | POLLERR | POLLHUP)) == 0) continue;
    SEL_TRY(more, receive_some(exchange));
    if (!more) return ok_status();
  }
}

Result<std::string> run_converter(const std::string& program, int stopped,
                                  const Conversion& conversion) {
  std::array<int, 2> pair{};
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair.data()) != 0) {
    return system_error("socket pair of a converter", errno);
  }
  const OwnedSocket ours(pair[0]);
  OwnedSocket theirs(pair[1]);
  // Out of the way of 0 to 2, which are made in the child.
  OwnedSocket child_end(::fcntl(theirs.get(), F_DUPFD_CLOEXEC, kFirstFreeDescriptor));
  if (child_end.get() < 0) return system_error("descriptors of a converter", errno);
  SEL_TRY(pid, spawn(program, child_end.get()));
  Child child(pid);
  theirs.close();
  child_end.close();
  const std::string head = conversion_head(conversion);
  Exchange exchange{ours.get(),
                    stopped,
                    Clock::now() + std::chrono::milliseconds(kConvertMsMax),
                    {head, conversion.bytes},
                    {}};
  SEL_CHECK_OK(run_exchange(exchange));
  const int status = child.wait();
  if (WIFEXITED(status) && WEXITSTATUS(status) == 0) return read_reply(exchange.reply);
  return Error{Code::model_crashed,
               "the file's parser ended by " +
                   (WIFSIGNALED(status) ? "signal " + std::to_string(WTERMSIG(status))
                                        : "exit code " + std::to_string(WEXITSTATUS(status)))};
}

}  // namespace

Converter::Converter(std::filesystem::path program, std::size_t at_once)
    : program_(std::move(program)),
      stopped_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)),
      pool_(at_once) {
  SEL_CHECK(stopped_ >= 0);
}

Converter::~Converter() {
  stop();
  pool_.join();
  ::close(stopped_);
}

void Converter::stop() {
  const std::uint64_t one = 1;
  [[maybe_unused]] const ssize_t written = ::write(stopped_, &one, sizeof(one));
}

asio::awaitable<Result<std::string>> Converter::convert(Conversion conversion) {
  std::error_code error;
  if (!std::filesystem::exists(program_, error)) {
    co_return Error{Code::unavailable,
                    "there is no " + program_.filename().string() + " beside the server's program"};
  }
  if (waiting_ >= kConversionsWaitingMax) {
    co_return Error{Code::queue_full, "too many files wait to be converted"};
  }
  ++waiting_;
  auto work = [this, &conversion] {
    return run_converter(program_.string(), stopped_, conversion);
  };
  auto converted = co_await offload(pool_, std::move(work));
  --waiting_;
  co_return std::move(converted);
}

}  // namespace selvedge::documents
