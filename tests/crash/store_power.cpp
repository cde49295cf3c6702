// Store power: records what a script of operations asks of a disk, then lets the power fail after
// each of these calls and opens the store on what the disk may hold then. Killing a process tests
// none of this: what it wrote stays, synced or not.
//
//   store_power [--stride N] [--first N] [--operations N] [--seed S] [--again N]
//
// With --stride after every N-th call only. With --again the power fails a second time, at calls of
// the opening, for each N-th of the states. Whatever was acknowledged must be there. Prints one
// line; the exit code is 1 after the first difference, and the folder is kept.
#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <iostream>
#include <random>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include <fcntl.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/log.h"
#include "call_watch.h"
#include "lossy_disk.h"
#include "store_script.h"

namespace selvedge::crash {
namespace {

namespace fs = std::filesystem;

struct Arguments {
  std::uint64_t stride = 1;
  std::uint64_t first = 1;
  std::uint64_t again = 0;
  Script script;
  std::string role;  // The child's: "--play" or "--open"; else empty.
};

// What a program asked of a disk, and how many operations were acknowledged before each of it.
struct Recording {
  std::vector<Change> changes;
  std::vector<std::size_t> acknowledged_before;
  std::vector<Acknowledgement> acknowledged;
  std::string wrong;
};

class Recorder {
 public:
  Recorder(std::string place, Recording& made) : place_(std::move(place)), made_(made) {}

  Answer operator()(const Call& call) {
    if (call.kind() == CallKind::write && call.descriptor() == kAcknowledgements) {
      Acknowledgement done;
      const std::string bytes = call.bytes();
      std::memcpy(&done, bytes.data(), std::min(sizeof done, bytes.size()));
      made_.acknowledged.push_back(done);
      return {};
    }
    Change change;
    if (!recorded(call, place_, change)) return {};
    made_.changes.push_back(std::move(change));
    made_.acknowledged_before.push_back(made_.acknowledged.size());
    return {};
  }

 private:
  std::string place_;
  Recording& made_;
};

Recording record(const Script& script, const char* role) {
  Recording made;
  const int nowhere = ::open("/dev/null", O_WRONLY | O_CLOEXEC);
  const auto status = run_watched(
      {"store_power", role, script.folder, "--seed", std::to_string(script.seed), "--operations",
       std::to_string(script.operations)},
      nowhere, kAcknowledgements, Recorder(fs::path(script.folder).parent_path().string(), made));
  if (!status.ok()) {
    made.wrong = status.error().message;
  } else if (!WIFEXITED(status.value()) || WEXITSTATUS(status.value()) != 0) {
    made.wrong = "the program ended with status " + std::to_string(status.value());
  }
  return made;
}

// Opens the store and lets it do what it does in the background.
int open_and_settle(const std::string& folder) {
  auto store = open_store(folder);
  if (!store.ok()) return 5;
  settle(*store.value());
  return 0;
}

class PowerTest {
 public:
  PowerTest(const Arguments& arguments, fs::path place)
      : arguments_(arguments), place_(std::move(place)) {}

  // Empty, or what is wrong.
  std::string all() {
    fs::create_directory(place_ / "played");
    LossyDisk empty((place_ / "played").string());
    Script script = arguments_.script;
    script.folder = (place_ / "played" / "store").string();
    const Recording played = record(script, "--play");
    if (!played.wrong.empty()) return played.wrong;
    fs::remove_all(place_ / "played");
    return fail_at_each(played, empty, played.acknowledged, 0);
  }

  std::uint64_t calls() const { return calls_; }
  std::uint64_t states() const { return seen_.size(); }
  std::uint64_t states_again() const { return states_again_; }

 private:
  // `acknowledged`: all of them; those before a call count then. `depth`: how often it had failed.
  std::string fail_at_each(const Recording& recording, LossyDisk& disk,
                           const std::vector<Acknowledgement>& acknowledged, unsigned depth) {
    if (depth == 0) calls_ = recording.changes.size();
    for (std::size_t at = 0; at < recording.changes.size(); ++at) {
      disk.apply(recording.changes[at]);
      if ((at + 1) % arguments_.stride != arguments_.first % arguments_.stride) continue;
      // An acknowledgement that comes before the next call counts.
      const bool last = at + 1 == recording.changes.size();
      const std::size_t count =
          depth > 0 || last ? acknowledged.size() : recording.acknowledged_before[at + 1];
      for (const Loss loss : kLosses) {
        std::mt19937_64 random(arguments_.script.seed + at * 16 + static_cast<std::uint64_t>(loss));
        std::string wrong =
            one(disk.state(loss, random),
                {acknowledged.begin(), acknowledged.begin() + static_cast<std::ptrdiff_t>(count)},
                depth);
        if (!wrong.empty()) {
          return std::string(depth > 0 ? "in an opening, " : "") + "after call " +
                 std::to_string(at + 1) + " (" + name_of(recording.changes[at].kind) + " of " +
                 recording.changes[at].path + "), lost: " + name_of(loss) + ": " + wrong;
        }
      }
    }
    return {};
  }

  std::string one(const DiskState& state, const std::vector<Acknowledgement>& acknowledged,
                  unsigned depth) {
    if (!seen_.insert({state.hash(), acknowledged.size()}).second) return {};
    const fs::path disk = place_ / ("disk " + std::to_string(depth));
    state.write_to(disk.string());
    Script script = arguments_.script;
    script.folder = (disk / "store").string();
    // Before anything was acknowledged it may be missing.
    fs::create_directory(script.folder);
    if (depth == 0 && arguments_.again != 0 && seen_.size() % arguments_.again == 0) {
      LossyDisk before(disk.string());
      const Recording opened = record(script, "--open");
      const std::uint64_t known = seen_.size();
      std::string wrong = opened.wrong;
      if (wrong.empty()) wrong = fail_at_each(opened, before, acknowledged, depth + 1);
      states_again_ += seen_.size() - known;
      if (!wrong.empty()) return wrong;
    }
    std::string wrong = what_is_wrong(script, acknowledged, script.folder, true);
    if (wrong.empty()) fs::remove_all(disk);
    return wrong;
  }

  Arguments arguments_;
  fs::path place_;
  std::uint64_t calls_ = 0;
  std::uint64_t states_again_ = 0;
  std::set<std::pair<std::size_t, std::size_t>> seen_;  // States, and what had to be there.
};

int run(const Arguments& arguments) {
  std::error_code failed;
  const fs::path memory = "/dev/shm";
  const fs::path parent = fs::is_directory(memory, failed) ? memory : fs::temp_directory_path();
  std::string pattern = (parent / "store-power-XXXXXX").string();
  const fs::path place = ::mkdtemp(pattern.data());
  const auto began = std::chrono::steady_clock::now();
  PowerTest test(arguments, place);
  const std::string wrong = test.all();
  if (!wrong.empty()) {
    std::cerr << "seed " << arguments.script.seed << ": " << wrong
              << " (folder kept: " << place.string() << ")\n";
    return 1;
  }
  fs::remove_all(place);
  const auto took = std::chrono::steady_clock::now() - began;
  std::cout << arguments.script.operations << " operations, " << test.calls()
            << " calls that change the disk; " << test.states() << " states after a failure of the "
            << "power, of these " << test.states_again() << " after a second one, 0 acknowledged "
            << "lost, revived or half; "
            << std::chrono::duration_cast<std::chrono::seconds>(took).count() << " s\n";
  return 0;
}

int start(const std::vector<std::string>& words) {
  log::start("off");  // Torn files are what is asked for.
  Arguments arguments;
  if (words == std::vector<std::string>{"--nothing"}) return 0;
  for (std::size_t at = 0; at + 1 < words.size(); at += 2) {
    const std::string& value = words[at + 1];
    if (words[at] == "--stride") {
      arguments.stride = std::max<std::uint64_t>(std::stoull(value), 1);
    } else if (words[at] == "--first") {
      arguments.first = std::stoull(value);
    } else if (words[at] == "--again") {
      arguments.again = std::stoull(value);
    } else if (words[at] == "--seed") {
      arguments.script.seed = std::stoull(value);
    } else if (words[at] == "--operations") {
      arguments.script.operations = std::stoull(value);
    } else if (words[at] == "--play" || words[at] == "--open") {
      arguments.role = words[at];
      arguments.script.folder = value;
    } else {
      std::cerr << "unknown argument: " << words[at] << "\n";
      return 2;
    }
  }
  if (arguments.role == "--play") return play(arguments.script);
  if (arguments.role == "--open") return open_and_settle(arguments.script.folder);
  const Status watching = can_watch();
  if (!watching.ok()) {
    std::cout << "SKIPPED: " << watching.error().message << "\n";
    return 77;
  }
  return run(arguments);
}

}  // namespace
}  // namespace selvedge::crash

int main(int count, char** words) { return selvedge::crash::start({words + 1, words + count}); }
