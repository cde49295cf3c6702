// Store full: plays a script of operations on disks that are really full after a while: a tmpfs of
// its own with a file in it that leaves little room. Reads must go on, writes must fail clearly,
// and once there is space again the store must open with all that was acknowledged and take writes.
//
//   store_full [--rooms N] [--operations N] [--seed S]
//
// Needs no privilege where users may have namespaces of their own; else it is skipped (exit code
// 77).
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <string>
#include <vector>

#include <fcntl.h>
#include <sched.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/statvfs.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/log.h"
#include "store_script.h"

namespace selvedge::crash {
namespace {

namespace fs = std::filesystem;

constexpr const char* kSize = "size=64m";
constexpr std::uint64_t kRoomFirst = 96U << 10;
constexpr std::uint64_t kRoomStep = 76U << 10;  // Odd pages, so that the end comes anywhere.

// Empty, or why not. What is mounted goes away with this process.
std::string mount_disk(const fs::path& folder) {
  const auto user = std::to_string(::getuid());
  const bool root = ::geteuid() == 0;
  if (::unshare(root ? CLONE_NEWNS : CLONE_NEWUSER | CLONE_NEWNS) != 0) {
    return "no namespace of mounts is to be had";
  }
  if (!root) std::ofstream("/proc/self/uid_map") << "0 " + user + " 1";
  if (::mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0 ||
      ::mount("tmpfs", folder.c_str(), "tmpfs", 0, kSize) != 0) {
    return "no tmpfs can be mounted";
  }
  return {};
}

// Takes all space but `room` bytes.
void fill(const fs::path& ballast, std::uint64_t room) {
  struct statvfs state {};
  ::statvfs(ballast.parent_path().c_str(), &state);
  const std::uint64_t free = state.f_bavail * state.f_bsize;
  const int file = ::open(ballast.c_str(), O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
  if (free > room) [[maybe_unused]]
    const int filled = ::posix_fallocate(file, 0, static_cast<off_t>(free - room));
  ::close(file);
}

struct Played {
  int status = 0;
  std::vector<Acknowledgement> acknowledged;
};

Played play_apart(const Script& script) {
  std::vector<std::string> words = {"store_full",
                                    "--play",
                                    script.folder,
                                    "--seed",
                                    std::to_string(script.seed),
                                    "--operations",
                                    std::to_string(script.operations)};
  std::vector<char*> pointers;
  for (std::string& word : words) pointers.push_back(word.data());
  pointers.push_back(nullptr);
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) return {-1, {}};
  const pid_t child = ::fork();
  if (child == 0) {
    ::dup2(ends[1], kAcknowledgements);
    ::execv("/proc/self/exe", pointers.data());
    ::_exit(127);
  }
  ::close(ends[1]);
  Played played;
  Acknowledgement done;
  while (::read(ends[0], &done, sizeof done) == sizeof done) played.acknowledged.push_back(done);
  ::close(ends[0]);
  ::waitpid(child, &played.status, 0);
  return played;
}

struct Figures {
  unsigned refused = 0;      // Scripts in which a write failed.
  unsigned unopened = 0;     // Scripts that could not open the store any more.
  unsigned opened_full = 0;  // Stores that opened on the full disk.
};

// Empty, or what is wrong.
std::string run_with(Script script, const fs::path& disk, std::uint64_t room, Figures& figures) {
  script.folder = disk / "store";
  fs::create_directory(script.folder);
  fill(disk / "ballast", room);
  const Played played = play_apart(script);
  const int code = WIFEXITED(played.status) ? WEXITSTATUS(played.status) : -1;
  if (code != 0 && code != kDiskKeptFailing) {
    return "the script ended with status " + std::to_string(played.status);
  }
  figures.unopened += code == kDiskKeptFailing ? 1U : 0U;
  for (const Acknowledgement& each : played.acknowledged) {
    if (each.code != static_cast<std::int32_t>(Code::io)) continue;
    ++figures.refused;
    break;
  }
  {
    const auto opened = open_store(script.folder);
    if (!opened.ok() && opened.error().code != Code::io) return opened.error().message;
    figures.opened_full += opened.ok() ? 1U : 0U;
  }
  fs::remove(disk / "ballast");
  std::string wrong = what_is_wrong(script, played.acknowledged, script.folder, true);
  if (wrong.empty()) fs::remove_all(script.folder);
  return wrong;
}

int run(const Script& script, unsigned rooms) {
  std::string pattern = (fs::temp_directory_path() / "store-full-XXXXXX").string();
  const fs::path disk = ::mkdtemp(pattern.data());
  const std::string no_disk = mount_disk(disk);
  if (!no_disk.empty()) {
    std::cout << "SKIPPED: " << no_disk << "\n";
    fs::remove(disk);
    return 77;
  }
  Figures figures;
  for (unsigned number = 0; number < rooms; ++number) {
    const std::uint64_t room = kRoomFirst + number * kRoomStep;
    const std::string wrong = run_with(script, disk, room, figures);
    if (wrong.empty()) continue;
    std::cerr << "with room for " << room << " bytes, seed " << script.seed << ": " << wrong
              << "\n";
    return 1;
  }
  ::umount(disk.c_str());
  fs::remove(disk);
  std::cout << rooms << " disks that became full: writes refused on " << figures.refused
            << ", no opening on " << figures.unopened << "; " << figures.opened_full
            << " stores opened while full; 0 acknowledged lost, revived or half\n";
  // A script that fits shows nothing.
  return figures.refused > rooms / 4 ? 0 : 1;
}

int start(const std::vector<std::string>& words) {
  log::start("off");  // Failures of the disk are what is asked for.
  Script script;
  unsigned rooms = 24;
  bool plays = false;
  for (std::size_t at = 0; at + 1 < words.size(); at += 2) {
    const std::string& value = words[at + 1];
    if (words[at] == "--rooms") {
      rooms = static_cast<unsigned>(std::stoul(value));
    } else if (words[at] == "--seed") {
      script.seed = std::stoull(value);
    } else if (words[at] == "--operations") {
      script.operations = std::stoull(value);
    } else if (words[at] == "--play") {
      script.folder = value;
      plays = true;
    } else {
      std::cerr << "unknown argument: " << words[at] << "\n";
      return 2;
    }
  }
  return plays ? play(script) : run(script, rooms);
}

}  // namespace
}  // namespace selvedge::crash

int main(int count, char** words) { return selvedge::crash::start({words + 1, words + count}); }
