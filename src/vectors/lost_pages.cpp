// Lost pages: one handler of SIGBUS for the process, and the memory that it may put zeros into.
#include "vectors/lost_pages.h"

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <map>
#include <mutex>
#include <utility>

#include <sys/mman.h>
#include <unistd.h>

#include "base/check.h"

namespace selvedge::vectors {
namespace {

std::size_t page_bytes() {
  static const auto kBytes = static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
  return kBytes;
}

// A signal's handler is given nothing but an address, so this is the process's. It runs in the
// thread that touched the page, which holds no lock of ours then: nothing under the lock touches
// mapped files.
class Registry {
 public:
  void add(char* memory, LostPages* pages) {
    const Locked locked(lock_);
    if (!installed_) install();
    known_.emplace(memory, pages);
  }
  void remove(char* memory) {
    const Locked locked(lock_);
    known_.erase(memory);
  }

  // What `change` does, the handler sees whole or not at all.
  template <class Change>
  auto change(Change change) {
    const Locked locked(lock_);
    return change();
  }

  // Whether the access may be tried again.
  bool take(char* address) {
    const Locked locked(lock_);
    auto after = known_.upper_bound(address);
    if (after == known_.begin()) return false;
    const auto [memory, pages] = *--after;
    return static_cast<std::size_t>(address - memory) < pages->bytes() && pages->lose(address);
  }

  struct sigaction before() const { return before_; }

 private:
  class Locked {
   public:
    explicit Locked(std::atomic_flag& lock) : lock_(lock) {
      while (lock_.test_and_set(std::memory_order_acquire)) {
      }
    }
    ~Locked() { lock_.clear(std::memory_order_release); }
    Locked(const Locked&) = delete;
    Locked& operator=(const Locked&) = delete;

   private:
    std::atomic_flag& lock_;
  };

  void install();

  std::atomic_flag lock_;
  bool installed_ = false;
  struct sigaction before_ = {};
  std::map<char*, LostPages*> known_;
};

// Never destroyed: mappings may go later than what is static.
Registry& registry() {
  alignas(Registry) static char place[sizeof(Registry)];
  static Registry* const kMade = std::construct_at(reinterpret_cast<Registry*>(place));
  return *kMade;
}

void on_bus_error(int number, siginfo_t* info, void*) {
  const int before = errno;
  const bool by_memory = info->si_code == BUS_ADRERR || info->si_code == BUS_MCEERR_AR;
  if (!by_memory || !registry().take(static_cast<char*>(info->si_addr))) {
    // Not ours: the access is tried again, with what was there before this handler.
    const struct sigaction other = registry().before();
    ::sigaction(number, &other, nullptr);
  }
  errno = before;
}

void Registry::install() {
  struct sigaction action = {};
  action.sa_sigaction = on_bus_error;
  action.sa_flags = SA_SIGINFO | SA_RESTART;
  ::sigemptyset(&action.sa_mask);
  SEL_CHECK(::sigaction(SIGBUS, &action, &before_) == 0);
  installed_ = true;
}

}  // namespace

LostPages::LostPages(char* memory, std::size_t bytes, std::shared_ptr<LossCount> count)
    : memory_(memory),
      bytes_(bytes),
      count_(std::move(count)),
      pages_((bytes + page_bytes() - 1) / page_bytes(), State::of_file) {
  registry().add(memory_, this);
}

LostPages::~LostPages() {
  registry().remove(memory_);
  // Nobody can see them any more.
  if (count_ != nullptr) count_->made_good += lost_count_;
}

bool LostPages::any(std::size_t offset, std::size_t bytes) const {
  if (!any()) return false;
  const std::size_t first = offset / page_bytes();
  const std::size_t end =
      std::min(pages_.size(), (offset + bytes + page_bytes() - 1) / page_bytes());
  return registry().change([&] {
    return std::any_of(pages_.begin() + static_cast<std::ptrdiff_t>(first),
                       pages_.begin() + static_cast<std::ptrdiff_t>(end),
                       [](State state) { return state == State::lost; });
  });
}

Status LostPages::put_back(std::size_t offset, std::size_t bytes,
                           const std::function<Status()>& put) {
  return registry().change([&]() -> Status {
    SEL_CHECK_OK(put());
    std::size_t found = 0;
    const std::size_t end = (offset + bytes + page_bytes() - 1) / page_bytes();
    for (std::size_t page = offset / page_bytes(); page < std::min(end, pages_.size()); ++page) {
      if (pages_[page] == State::lost) ++found;
      pages_[page] = State::good;
    }
    lost_count_ -= found;
    if (count_ != nullptr) count_->made_good += found;
    return ok_status();
  });
}

bool LostPages::lose(char* address) {
  const std::size_t page = static_cast<std::size_t>(address - memory_) / page_bytes();
  // Another thread was here first: the page is there now.
  if (pages_[page] != State::of_file) return true;
  // Counted before the zeros can be seen.
  pages_[page] = State::lost;
  ++lost_count_;
  ever_ = true;
  if (count_ != nullptr) ++count_->lost;
  return ::mmap(memory_ + page * page_bytes(), page_bytes(), PROT_READ | PROT_WRITE,
                MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) != MAP_FAILED;
}

}  // namespace selvedge::vectors
