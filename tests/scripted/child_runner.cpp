// ChildRunner: fork, exec, and a channel.
#include "child_runner.h"

#include <thread>
#include <utility>

#include <fcntl.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

namespace selvedge::scripted {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

int code_of(int status) { return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status); }

}  // namespace

ChildRunner::ChildRunner(const std::string& program) {
  int ends[2] = {-1, -1};
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0) return;
  const std::string number = std::to_string(ends[1]);
  const char* arguments[] = {program.c_str(), "--fd", number.c_str(), nullptr};
  pid_ = ::fork();
  if (pid_ == 0) {
    ::fcntl(ends[1], F_SETFD, 0);
    ::execv(program.c_str(), const_cast<char* const*>(arguments));
    ::_exit(127);
  }
  ::close(ends[1]);
  channel_.emplace(ends[0]);
}

ChildRunner::~ChildRunner() {
  if (pid_ <= 0) return;
  ::kill(pid_, SIGKILL);
  ::waitpid(pid_, nullptr, 0);
}

void ChildRunner::send(const wire::Message& message) {
  if (!channel_) return;
  // A runner that has gone shows in next().
  [[maybe_unused]] const auto sent = channel_->send(message);
}

std::optional<wire::Message> ChildRunner::next(milliseconds wait) {
  if (received_.empty() && channel_) {
    std::vector<wire::Message> messages;
    auto status = channel_->receive(messages, wait);
    if (!status.ok() && messages.empty()) return std::nullopt;
    for (wire::Message& message : messages) received_.push_back(std::move(message));
  }
  if (received_.empty()) return std::nullopt;
  wire::Message message = std::move(received_.front());
  received_.pop_front();
  return message;
}

std::optional<wire::Loaded> ChildRunner::load(const wire::Load& load, std::int32_t threads) {
  send(load);
  send(wire::Grant{threads});
  while (auto message = next(milliseconds(60'000))) {
    if (auto* loaded = std::get_if<wire::Loaded>(&*message)) return std::move(*loaded);
    if (std::holds_alternative<wire::Failed>(*message)) return std::nullopt;
  }
  return std::nullopt;
}

std::optional<int> ChildRunner::wait_for_exit(milliseconds wait) {
  const auto until = steady_clock::now() + wait;
  while (pid_ > 0) {
    int status = 0;
    const pid_t ended = ::waitpid(pid_, &status, WNOHANG);
    if (ended == pid_) {
      pid_ = -1;
      return code_of(status);
    }
    if (ended < 0 || steady_clock::now() > until) return std::nullopt;
    std::this_thread::sleep_for(milliseconds(2));
  }
  return std::nullopt;
}

}  // namespace selvedge::scripted
