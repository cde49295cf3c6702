// Store faults: plays a script of operations again and again, and each time strikes at another one
// of its calls that change the disk, from the first to the last. Whatever was acknowledged must be
// there afterwards.
//
//   store_faults [--mode kill|tear|sync|write|space] [--stride N] [--first N] [--last N]
//                [--operations N] [--seed S]
//
// kill: SIGKILL in place of the call. tear: half of a write, then SIGKILL. sync: EIO instead of a
// sync. write: EIO instead of a write. space: ENOSPC instead of four calls that need space. Without
// --mode all of them. Prints one line for each mode; the exit code is 1 after the first difference,
// and the folder is kept.
#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <iostream>
#include <string>
#include <utility>
#include <vector>

#include <fcntl.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/log.h"
#include "call_watch.h"
#include "store_script.h"

namespace selvedge::crash {
namespace {

enum class Mode : std::uint8_t { kill, tear, sync, write, space };
constexpr const char* kModes[] = {"kill", "tear", "sync", "write", "space"};
constexpr std::uint64_t kCallsWithoutSpace = 4;

struct Arguments {
  std::vector<Mode> modes;
  std::uint64_t stride = 1;
  std::uint64_t first = 1;
  std::uint64_t last = UINT64_MAX;
  Script script;
  bool play = false;
};

bool concerns(Mode mode, CallKind kind) {
  switch (mode) {
    case Mode::kill:
      return true;
    case Mode::tear:
    case Mode::write:
      return kind == CallKind::write;
    case Mode::sync:
      return kind == CallKind::sync;
    case Mode::space:
      return kind == CallKind::write || kind == CallKind::create || kind == CallKind::resize ||
             kind == CallKind::make_folder;
  }
  return false;
}

// In memory where there is such a place: what is asked here does not depend on the disk.
std::string new_folder() {
  std::error_code failed;
  const bool memory = std::filesystem::is_directory("/dev/shm", failed);
  const auto parent =
      memory ? std::filesystem::path("/dev/shm") : std::filesystem::temp_directory_path();
  std::string pattern = (parent / "store-faults-XXXXXX").string();
  return ::mkdtemp(pattern.data());
}

struct Outcome {
  bool struck = false;
  std::string at;     // The call that was struck.
  std::string wrong;  // Empty when all is well.
};

// Strikes at one call of the script.
class Strike {
 public:
  Strike(Mode mode, std::uint64_t number, std::string folder)
      : mode_(mode), number_(number), folder_(std::move(folder)) {}

  Answer operator()(const Call& call) {
    if (call.kind() == CallKind::write && call.descriptor() == kAcknowledgements) return {};
    if (!concerns(mode_, call.kind()) || !call.path().starts_with(folder_)) return {};
    ++count_;
    const std::uint64_t calls = mode_ == Mode::space ? kCallsWithoutSpace : 1;
    if (count_ < number_ || count_ >= number_ + calls) return {};
    outcome.struck = true;
    if (outcome.at.empty()) {
      outcome.at = std::string(name_of(call.kind())) + " of " +
                   std::filesystem::path(call.path()).filename().string();
    }
    if (mode_ == Mode::kill) return {true, 0};
    if (mode_ == Mode::tear) return {call.tear(), 0};
    return {false, mode_ == Mode::space ? ENOSPC : EIO};
  }

  Outcome outcome;

 private:
  Mode mode_;
  std::uint64_t number_;
  std::string folder_;  // Other calls (the name of a thread) are not the store's.
  std::uint64_t count_ = 0;
};

std::vector<Acknowledgement> read_all(int pipe) {
  std::vector<Acknowledgement> all;
  Acknowledgement done;
  while (::read(pipe, &done, sizeof done) == sizeof done) all.push_back(done);
  return all;
}

Outcome strike(Script script, Mode mode, std::uint64_t number) {
  script.folder = new_folder();
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) return {false, "", "no pipe"};
  Strike striking(mode, number, script.folder);
  const auto status =
      run_watched({"store_faults", "--play", script.folder, "--seed", std::to_string(script.seed),
                   "--operations", std::to_string(script.operations)},
                  ends[1], kAcknowledgements, std::ref(striking));
  const std::vector<Acknowledgement> acknowledged = read_all(ends[0]);
  ::close(ends[0]);
  Outcome outcome = striking.outcome;
  const bool killed = mode == Mode::kill || mode == Mode::tear;
  if (!status.ok()) {
    outcome.wrong = status.error().message;
  } else if (outcome.struck && killed
                 ? !WIFSIGNALED(status.value())
                 : !WIFEXITED(status.value()) || WEXITSTATUS(status.value()) != 0) {
    outcome.wrong = "the script ended with status " + std::to_string(status.value());
  } else {
    outcome.wrong = what_is_wrong(script, acknowledged, script.folder, true);
  }
  if (outcome.wrong.empty()) {
    std::filesystem::remove_all(script.folder);
  } else {
    outcome.wrong += " (" + std::to_string(acknowledged.size()) +
                     " acknowledgements; folder kept: " + script.folder + ")";
  }
  return outcome;
}

// Every stride-th call of the mode, until a run ends that has no such call.
bool strike_all(const Arguments& arguments, Mode mode) {
  const char* name = kModes[static_cast<std::size_t>(mode)];
  std::uint64_t runs = 0;
  const auto began = std::chrono::steady_clock::now();
  for (std::uint64_t number = arguments.first; number <= arguments.last;
       number += arguments.stride) {
    const Outcome outcome = strike(arguments.script, mode, number);
    if (!outcome.wrong.empty()) {
      std::cerr << name << " " << number << " of seed " << arguments.script.seed << ", "
                << (outcome.at.empty() ? "no call" : outcome.at) << ": " << outcome.wrong << "\n";
      return false;
    }
    if (!outcome.struck) break;
    ++runs;
  }
  const auto took = std::chrono::steady_clock::now() - began;
  std::cout << name << ": " << runs << " runs of " << arguments.script.operations
            << " operations, one struck call in each, 0 acknowledged lost, revived or half; "
            << std::chrono::duration_cast<std::chrono::seconds>(took).count() << " s" << std::endl;
  return runs > 0;
}

int start(const std::vector<std::string>& words) {
  log::start("off");  // Failures of the disk are what is asked for.
  Arguments arguments;
  if (words == std::vector<std::string>{"--nothing"}) return 0;
  for (std::size_t at = 0; at + 1 < words.size(); at += 2) {
    const std::string& value = words[at + 1];
    if (words[at] == "--mode") {
      const auto known = std::find(std::begin(kModes), std::end(kModes), value);
      if (known == std::end(kModes)) return 2;
      arguments.modes.push_back(static_cast<Mode>(known - std::begin(kModes)));
    } else if (words[at] == "--stride") {
      arguments.stride = std::max<std::uint64_t>(std::stoull(value), 1);
    } else if (words[at] == "--first") {
      arguments.first = std::stoull(value);
    } else if (words[at] == "--last") {
      arguments.last = std::stoull(value);
    } else if (words[at] == "--seed") {
      arguments.script.seed = std::stoull(value);
    } else if (words[at] == "--operations") {
      arguments.script.operations = std::stoull(value);
    } else if (words[at] == "--play") {
      arguments.script.folder = value;
      arguments.play = true;
    } else {
      std::cerr << "unknown argument: " << words[at] << "\n";
      return 2;
    }
  }
  if (arguments.play) return play(arguments.script);
  const Status watching = can_watch();
  if (!watching.ok()) {
    std::cout << "SKIPPED: " << watching.error().message << "\n";
    return 77;
  }
  if (arguments.modes.empty()) {
    arguments.modes = {Mode::kill, Mode::tear, Mode::sync, Mode::write, Mode::space};
  }
  return std::all_of(arguments.modes.begin(), arguments.modes.end(),
                     [&](Mode mode) { return strike_all(arguments, mode); })
             ? 0
             : 1;
}

}  // namespace
}  // namespace selvedge::crash

int main(int count, char** words) { return selvedge::crash::start({words + 1, words + count}); }
