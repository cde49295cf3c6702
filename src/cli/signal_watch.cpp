// Blocked signals stay pending, so none is lost between looking at a child and waiting.
#include "cli/signal_watch.h"

#include <ctime>
#include <initializer_list>

namespace selvedge::cli {

SignalWatch::SignalWatch() {
  ::sigemptyset(&watched_);
  for (const int number : {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGCHLD}) {
    ::sigaddset(&watched_, number);
  }
  ::pthread_sigmask(SIG_BLOCK, &watched_, &before_);
}

SignalWatch::~SignalWatch() {
  // What is still pending was for the children; it must not end this process now.
  const timespec at_once{};
  while (::sigtimedwait(&watched_, nullptr, &at_once) > 0) {
  }
  ::pthread_sigmask(SIG_SETMASK, &before_, nullptr);
}

std::optional<Signal> SignalWatch::wait(std::optional<int> ms) {
  siginfo_t info{};
  int number = -1;
  if (ms) {
    const timespec limit{*ms / 1000, static_cast<long>(*ms % 1000) * 1'000'000};
    number = ::sigtimedwait(&watched_, &info, &limit);
  } else {
    number = ::sigwaitinfo(&watched_, &info);
  }
  if (number <= 0) return std::nullopt;
  return Signal{number, info.si_code == SI_KERNEL};
}

}  // namespace selvedge::cli
