// Store derived: damages the derived files of a store, one after the other: cut at every 64th byte,
// and one bit turned in every 64 bytes. Contents must be exact after each opening.
//
//   store_derived [--stride N] [--first N] [--operations N] [--seed S]
//
// With --stride only every N-th damage. The exit code is 1 after the first difference, and the
// folder is kept.
#include <algorithm>
#include <chrono>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <iterator>
#include <string>
#include <utility>
#include <vector>

#include <stdlib.h>

#include "base/log.h"
#include "store_model.h"
#include "store_script.h"

namespace selvedge::crash {
namespace {

namespace fs = std::filesystem;

constexpr const char* kAccount = "account";
constexpr std::uint64_t kApart = 64;  // Bytes between two damages.

struct Arguments {
  std::uint64_t stride = 1;
  std::uint64_t first = 0;
  std::uint64_t operations = 60;
  std::uint64_t seed = 1;
};

std::string read(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

void write(const fs::path& path, const std::string& bytes) {
  std::ofstream(path, std::ios::binary | std::ios::trunc)
      .write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
}

// Empty, or why not. The last operations come after the checkpoints.
std::string fill(const Arguments& arguments, const fs::path& folder, Model& model) {
  auto store = open_store(folder.string());
  if (!store.ok()) return store.error().message;
  for (std::uint64_t number = 0; number < arguments.operations; ++number) {
    const Operation next = operation(arguments.seed, 0, number);
    if (perform(*store.value(), kAccount, next) != model.apply(next)) return "an answer";
    if (number + 2 == arguments.operations) settle(*store.value());
  }
  return {};
}

class Damages {
 public:
  Damages(const Arguments& arguments, fs::path place, const Model& model)
      : arguments_(arguments), place_(std::move(place)), model_(model) {}

  // Empty, or what is wrong.
  std::string all() {
    std::vector<fs::path> files;
    for (const auto& each : fs::recursive_directory_iterator(place_ / "store" / "derived")) {
      if (each.is_regular_file()) files.push_back(fs::relative(each.path(), place_ / "store"));
    }
    for (const fs::path& file : files) {
      const std::string bytes = read(place_ / "store" / file);
      bytes_ += bytes.size();
      for (std::uint64_t at = 0; at < bytes.size(); at += kApart) {
        std::string wrong = due() ? one(file, bytes.substr(0, at), "cut at ", at) : "";
        if (!wrong.empty()) return wrong;
        if (!due()) continue;
        std::string flipped = bytes;
        const std::uint64_t turned =
            std::min<std::uint64_t>(at + at / kApart % kApart, bytes.size() - 1);
        flipped[turned] = static_cast<char>(flipped[turned] ^ (1 << (at / kApart % 8)));
        wrong = one(file, flipped, "a bit turned at ", turned);
        if (!wrong.empty()) return wrong;
      }
    }
    files_ = files.size();
    return {};
  }

  std::uint64_t count() const { return count_; }
  std::uint64_t files() const { return files_; }
  std::uint64_t bytes() const { return bytes_; }

 private:
  // Whether the next damage is one of those asked for.
  bool due() { return number_++ % arguments_.stride == arguments_.first % arguments_.stride; }

  std::string one(const fs::path& file, const std::string& bytes, const char* what,
                  std::uint64_t at) {
    ++count_;
    const fs::path copy = place_ / "copy";
    fs::copy(place_ / "store", copy, fs::copy_options::recursive);
    write(copy / file, bytes);
    std::string wrong = check(copy);
    if (wrong.empty()) wrong = check(copy);  // What the first opening left.
    if (!wrong.empty()) return file.string() + ", " + what + std::to_string(at) + ": " + wrong;
    fs::remove_all(copy);
    return {};
  }

  std::string check(const fs::path& folder) const {
    auto store = open_store(folder.string());
    return store.ok() ? model_.difference(*store.value(), kAccount) : store.error().message;
  }

  Arguments arguments_;
  fs::path place_;
  const Model& model_;
  std::uint64_t number_ = 0;
  std::uint64_t count_ = 0;
  std::uint64_t files_ = 0;
  std::uint64_t bytes_ = 0;
};

int run(const Arguments& arguments) {
  std::error_code failed;
  const fs::path memory = "/dev/shm";
  const fs::path parent = fs::is_directory(memory, failed) ? memory : fs::temp_directory_path();
  std::string pattern = (parent / "store-derived-XXXXXX").string();
  const fs::path place = ::mkdtemp(pattern.data());
  const auto began = std::chrono::steady_clock::now();
  Model model;
  Damages damages(arguments, place, model);
  std::string wrong = fill(arguments, place / "store", model);
  if (wrong.empty()) wrong = damages.all();
  if (wrong.empty() && damages.files() < 2) wrong = "no derived files to damage";
  if (!wrong.empty()) {
    std::cerr << "seed " << arguments.seed << ": " << wrong << " (folder kept: " << place.string()
              << ")\n";
    return 1;
  }
  fs::remove_all(place);
  const auto took = std::chrono::steady_clock::now() - began;
  std::cout << damages.count() << " damages to " << damages.files() << " derived files of "
            << damages.bytes() << " bytes, contents exact after each; "
            << std::chrono::duration_cast<std::chrono::seconds>(took).count() << " s\n";
  return 0;
}

int start(const std::vector<std::string>& words) {
  log::start("off");  // Damage is what is asked for.
  Arguments arguments;
  for (std::size_t at = 0; at + 1 < words.size(); at += 2) {
    const std::uint64_t value = std::stoull(words[at + 1]);
    if (words[at] == "--stride") {
      arguments.stride = std::max<std::uint64_t>(value, 1);
    } else if (words[at] == "--first") {
      arguments.first = value;
    } else if (words[at] == "--operations") {
      arguments.operations = value;
    } else if (words[at] == "--seed") {
      arguments.seed = value;
    } else {
      std::cerr << "unknown argument: " << words[at] << "\n";
      return 2;
    }
  }
  return run(arguments);
}

}  // namespace
}  // namespace selvedge::crash

int main(int count, char** words) { return selvedge::crash::start({words + 1, words + count}); }
