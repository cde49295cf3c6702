// Store crash test: kills a process that writes to a store and reads from it, again and again, and
// looks at what is left. Every acknowledged write must be there, nothing that was erased may come
// back, and the write under way must be there whole or not at all.
//
//   store_crash [--cycles N] [--seed S] [--folder F]
//
// Prints one line of figures; the exit code is 1 after the first difference, and the folder is
// kept.
#include <array>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <iostream>
#include <random>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "store_model.h"

namespace selvedge::crash {
namespace {

constexpr unsigned kWriters = 3;
constexpr unsigned kReaders = 2;
constexpr int kNoError = -1;

std::string account(unsigned writer) { return "account " + std::to_string(writer); }

// One acknowledgement on the pipe: written whole, for it is shorter than PIPE_BUF.
struct Acknowledgement {
  std::uint64_t number = 0;
  std::uint32_t writer = 0;
  std::int32_t code = kNoError;
};

struct Arguments {
  std::string folder;
  std::uint64_t seed = 1;
  unsigned cycles = 15;
  int pipe = -1;                               // The child's; else -1.
  std::array<std::uint64_t, kWriters> next{};  // The child's: first operation of each writer.
};

// What a reader may never see, whatever is written meanwhile; empty when all is well.
std::string read_once(vectors::Store& store, std::mt19937& random) {
  const auto index = store.find(account(static_cast<unsigned>(random() % kWriters)),
                                "index " + std::to_string(random() % 3));
  if (!index.ok()) return {};
  const std::vector<float> from(kDimensions, static_cast<float>(random() % 125));
  vectors::QueryOptions options;
  options.top_k = 1 + random() % 100;
  options.with_values = true;
  options.with_metadata = true;
  if (random() % 3 == 0) options.recall = 1.0F;
  if (random() % 3 == 0) options.partition = std::to_string(random() % 5);
  const auto matches = index.value()->query(from, options);
  if (!matches.ok()) return matches.error().message;
  std::set<std::string> ids;
  for (const auto& match : matches.value()) {
    if (!belongs_together(match.metadata, match.values)) return "a match that is half of each";
    if (options.partition && match.partition != options.partition) return "another partition";
    if (!ids.insert(match.id).second) return "a match twice";
  }
  const auto stored = index.value()->get(std::vector<std::string>(ids.begin(), ids.end()));
  if (!stored.ok()) return stored.error().message;
  for (const auto& vector : stored.value()) {
    if (!belongs_together(vector.metadata, vector.values)) return "a vector that is half of each";
  }
  const auto page = index.value()->list_page(50, "");
  if (!page.ok()) return page.error().message;
  const bool fits = page.value().next_cursor.empty()
                        ? page.value().ids.size() == page.value().total_count
                        : page.value().ids.size() < page.value().total_count;
  return fits ? "" : "a listing with a count of another moment";
}

// The child: each writer does its operations one after the other, and readers read beside them,
// until the process is killed.
int write_until_killed(const Arguments& arguments) {
  auto store = open_store(arguments.folder);
  if (!store.ok()) {
    std::cerr << store.error().message << "\n";
    return 2;
  }
  std::vector<std::thread> writers;
  for (unsigned writer = 0; writer < kWriters; ++writer) {
    writers.emplace_back([&, writer] {
      for (std::uint64_t number = arguments.next[writer];; ++number) {
        const auto code =
            perform(*store.value(), account(writer), operation(arguments.seed, writer, number));
        const Acknowledgement done{number, writer, code ? static_cast<int>(*code) : kNoError};
        if (::write(arguments.pipe, &done, sizeof done) != sizeof done) ::_exit(3);
      }
    });
  }
  for (unsigned reader = 0; reader < kReaders; ++reader) {
    writers.emplace_back([&, reader] {
      std::mt19937 random(reader + static_cast<unsigned>(arguments.next[0]));
      for (;;) {
        const std::string wrong = read_once(*store.value(), random);
        if (wrong.empty()) continue;
        std::cerr << "a reader saw " << wrong << "\n";
        ::_exit(4);
      }
    });
  }
  for (std::thread& writer : writers) writer.join();
  return 0;
}

pid_t start_child(const Arguments& arguments, int pipe) {
  std::vector<std::string> words = {"store_crash",
                                    "--folder",
                                    arguments.folder,
                                    "--seed",
                                    std::to_string(arguments.seed),
                                    "--pipe",
                                    std::to_string(pipe)};
  for (const std::uint64_t next : arguments.next) {
    words.emplace_back("--next");
    words.push_back(std::to_string(next));
  }
  std::vector<char*> pointers;
  for (std::string& word : words) pointers.push_back(word.data());
  pointers.push_back(nullptr);
  const pid_t child = ::fork();
  if (child == 0) {
    ::execv("/proc/self/exe", pointers.data());
    ::_exit(127);
  }
  return child;
}

struct Figures {
  std::uint64_t acknowledged = 0;
  std::uint64_t least_per_cycle = UINT64_MAX;
  unsigned in_flight_kept = 0;
  unsigned in_flight_gone = 0;
  std::uint64_t vectors_checked = 0;
  std::uint64_t linked_at_opening = 0;  // Vectors, dead ones too, of graphs from checkpoints.
  double slowest_open_ms = 0;
};

class CrashTest {
 public:
  explicit CrashTest(const Arguments& arguments)
      : arguments_(arguments), random_(static_cast<unsigned>(arguments.seed)) {}

  // Empty, or what went wrong.
  std::string cycle() {
    std::string wrong = write_and_kill();
    return wrong.empty() ? check(++cycles_ % 2 == 0) : wrong;
  }

  const Figures& figures() const { return figures_; }

 private:
  std::string write_and_kill() {
    int ends[2];
    if (::pipe2(ends, 0) != 0) return "no pipe";
    ::fcntl(ends[0], F_SETFD, FD_CLOEXEC);
    const pid_t child = start_child(arguments_, ends[1]);
    ::close(ends[1]);
    std::thread killer([this, child] {
      // Now and then while the store is still being opened, or after work in the background.
      const auto dice = random_() % 10;
      const auto ms = dice == 0 ? random_() % 40 : dice == 1 ? 1'500 : 30 + random_() % 400;
      std::this_thread::sleep_for(std::chrono::milliseconds(ms));
      ::kill(child, SIGKILL);
    });
    std::string wrong;
    std::uint64_t count = 0;
    Acknowledgement done;
    while (::read(ends[0], &done, sizeof done) == sizeof done) {
      ++count;
      const Operation next = operation(arguments_.seed, done.writer, done.number);
      const auto code = models_[done.writer].apply(next);
      const int expected = code ? static_cast<int>(*code) : kNoError;
      if (done.number != arguments_.next[done.writer]++) wrong = "an operation out of turn";
      if (done.code != expected) wrong = "an answer other than expected";
    }
    killer.join();
    ::close(ends[0]);
    int status = 0;
    ::waitpid(child, &status, 0);
    if (!WIFSIGNALED(status)) wrong = "the child ended by itself";
    figures_.acknowledged += count;
    figures_.least_per_cycle = std::min(figures_.least_per_cycle, count);
    return wrong;
  }

  // The operation after the last acknowledged one may be there too, but only whole.
  // In every second cycle of a copy, so that the next one starts from what the kill left and not
  // from what a clean end made of it.
  std::string check(bool copied) {
    if (!copied) return check(arguments_.folder);
    const std::string copy = arguments_.folder + ".copy";
    std::filesystem::copy(arguments_.folder, copy, std::filesystem::copy_options::recursive);
    std::string wrong = check(copy);
    if (wrong.empty()) std::filesystem::remove_all(copy);
    return wrong;
  }

  static std::uint64_t linked_at_opening(vectors::Store& store) {
    for (unsigned writer = 0; writer < kWriters; ++writer) {
      for (const auto& description : store.list(account(writer))) {
        [[maybe_unused]] const auto opened = store.find(account(writer), description.name);
      }
    }
    return store.loaded().internals.linked_count;
  }

  std::string check(const std::string& folder) {
    const auto began = std::chrono::steady_clock::now();
    auto store = open_store(folder);
    if (!store.ok()) return store.error().message;
    const std::chrono::duration<double, std::milli> took = std::chrono::steady_clock::now() - began;
    figures_.slowest_open_ms = std::max(figures_.slowest_open_ms, took.count());
    figures_.linked_at_opening += linked_at_opening(*store.value());
    for (unsigned writer = 0; writer < kWriters; ++writer) {
      Model& model = models_[writer];
      const std::string without = model.difference(*store.value(), account(writer));
      if (without.empty()) {
        ++figures_.in_flight_gone;
      } else {
        model.apply(operation(arguments_.seed, writer, arguments_.next[writer]));
        const std::string with = model.difference(*store.value(), account(writer));
        if (!with.empty()) return account(writer) + ": " + without + "; " + with;
        ++arguments_.next[writer];
        ++figures_.in_flight_kept;
      }
      figures_.vectors_checked += model.vector_count();
    }
    return {};
  }

  Arguments arguments_;
  std::mt19937 random_;
  std::array<Model, kWriters> models_;
  Figures figures_;
  unsigned cycles_ = 0;
};

int run(Arguments arguments) {
  const bool own_folder = arguments.folder.empty();
  if (own_folder) {
    std::string pattern = (std::filesystem::temp_directory_path() / "store-crash-XXXXXX").string();
    arguments.folder = ::mkdtemp(pattern.data());
  }
  CrashTest test(arguments);
  for (unsigned cycle = 0; cycle < arguments.cycles; ++cycle) {
    const std::string wrong = test.cycle();
    if (wrong.empty()) continue;
    std::cerr << "cycle " << cycle << " of seed " << arguments.seed << ": " << wrong
              << " (folder kept: " << arguments.folder << ")\n";
    return 1;
  }
  const Figures& figures = test.figures();
  std::cout << arguments.cycles << " kills, " << figures.acknowledged
            << " acknowledged operations (least in a cycle: " << figures.least_per_cycle
            << "), 0 lost, 0 revived; under way at the kill: " << figures.in_flight_kept
            << " whole, " << figures.in_flight_gone << " absent or none; "
            << figures.vectors_checked << " vectors compared; saved graphs of "
            << figures.linked_at_opening << "; slowest opening "
            << static_cast<int>(figures.slowest_open_ms) << " ms\n";
  if (own_folder) std::filesystem::remove_all(arguments.folder);
  // A run without graphs has not tested them.
  const bool long_enough = arguments.cycles >= 50;
  return long_enough && figures.linked_at_opening == 0 ? 1 : 0;
}

int start(const std::vector<std::string>& words) {
  Arguments arguments;
  unsigned writer = 0;
  for (std::size_t at = 0; at + 1 < words.size(); at += 2) {
    const std::string& value = words[at + 1];
    if (words[at] == "--cycles") {
      arguments.cycles = static_cast<unsigned>(std::stoul(value));
    } else if (words[at] == "--seed") {
      arguments.seed = std::stoull(value);
    } else if (words[at] == "--folder") {
      arguments.folder = value;
    } else if (words[at] == "--pipe") {
      arguments.pipe = std::stoi(value);
    } else if (words[at] == "--next" && writer < kWriters) {
      arguments.next[writer++] = std::stoull(value);
    } else {
      std::cerr << "unknown argument: " << words[at] << "\n";
      return 2;
    }
  }
  return arguments.pipe >= 0 ? write_until_killed(arguments) : run(arguments);
}

}  // namespace
}  // namespace selvedge::crash

int main(int count, char** words) { return selvedge::crash::start({words + 1, words + count}); }
