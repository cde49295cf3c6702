// Store script: playing it, and telling which of the allowed outcomes is there.
#include "store_script.h"

#include <filesystem>
#include <iostream>
#include <memory>
#include <optional>
#include <set>

#include <unistd.h>

#include "store_model.h"

namespace selvedge::crash {
namespace {

constexpr const char* kAccount = "account";
constexpr std::uint64_t kOperationsBetweenOpenings = 25;
constexpr int kOpenings = 8;

// A disk that fails once fails one opening; what it left must not look like damage to the next.
Result<std::unique_ptr<vectors::Store>> open(const std::string& folder) {
  for (int opening = 1;; ++opening) {
    auto store = open_store(folder);
    if (store.ok() || store.error().code != Code::io || opening == kOpenings) return store;
  }
}

int fail_opening(const Error& error) {
  std::cerr << "opening: " << error.message << "\n";
  return error.code == Code::io ? kDiskKeptFailing : 5;
}

int fail(std::uint64_t number, const std::string& what) {
  std::cerr << "operation " << number << ": " << what << "\n";
  return 6;
}

bool writes_to_an_index(Kind kind) {
  return kind != Kind::create && kind != Kind::drop && kind != Kind::describe;
}

}  // namespace

void settle(vectors::Store& store) {
  for (const auto& description : store.list(kAccount)) {
    const auto index = store.find(kAccount, description.name);
    if (index.ok()) index.value()->settle();
  }
}

int play(const Script& script) {
  auto opened = open(script.folder);
  if (!opened.ok()) return fail_opening(opened.error());
  Model model;
  std::set<std::string> failed;  // Indexes that must refuse writes.
  bool disk_failed = false;
  for (std::uint64_t number = 0; number < script.operations; ++number) {
    if (number % kOperationsBetweenOpenings == kOperationsBetweenOpenings - 1) {
      if (disk_failed) break;
      settle(*opened.value());
      opened.value().reset();
      opened = open(script.folder);
      if (!opened.ok()) return fail_opening(opened.error());
    }
    const Operation next = operation(script.seed, 0, number);
    const auto code = perform(*opened.value(), kAccount, next);
    if (code == Code::io) {
      disk_failed = true;
      if (writes_to_an_index(next.kind)) failed.insert(next.index);
    } else {
      if (model.apply(next) != code) return fail(number, "an answer other than expected");
      if (!code && writes_to_an_index(next.kind) && failed.contains(next.index)) {
        return fail(number, "an index took a write after one had failed");
      }
      if (!code && next.kind == Kind::drop) failed.erase(next.index);
    }
    const Acknowledgement done{number, code ? static_cast<int>(*code) : kNoError};
    if (::write(kAcknowledgements, &done, sizeof done) != sizeof done) return 3;
  }
  if (!disk_failed) return 0;
  const std::string different = model.difference(*opened.value(), kAccount);
  return different.empty() ? 0 : fail(script.operations, "read after a failure: " + different);
}

std::string what_is_wrong(const Script& script, const std::vector<Acknowledgement>& acknowledged,
                          const std::string& folder, bool going_on) {
  // Opening would make it anew, which looks like a store that lost everything.
  if (!std::filesystem::is_directory(folder)) return "the folder was removed by someone else";
  auto store = open_store(folder);
  if (!store.ok()) return store.error().message;
  constexpr auto kIo = static_cast<std::int32_t>(Code::io);
  std::vector<std::optional<std::uint64_t>> unsure = {std::nullopt};
  for (const Acknowledgement& each : acknowledged) {
    if (each.code == kIo) unsure.emplace_back(each.number);
  }
  const std::uint64_t next = acknowledged.empty() ? 0 : acknowledged.back().number + 1;
  if (next < script.operations) unsure.emplace_back(next);
  std::string first;
  for (const std::optional<std::uint64_t>& there : unsure) {
    // Errors changed nothing; whether they were the right ones, the process itself has looked at.
    Model model;
    bool possible = true;
    for (std::uint64_t number = 0; number <= next && possible; ++number) {
      const bool done = number < next && acknowledged[number].code == kNoError;
      if (!done && number != there) continue;
      possible = !model.apply(operation(script.seed, 0, number)) || !done;
    }
    if (!possible) continue;
    std::string different = model.difference(*store.value(), kAccount);
    if (first.empty()) first = different;
    if (!different.empty()) continue;
    for (std::uint64_t more = 1; going_on && more <= 3; ++more) {
      const Operation another = operation(script.seed, 0, script.operations + more);
      if (perform(*store.value(), kAccount, another) != model.apply(another)) {
        return "the store does not go on";
      }
    }
    return going_on ? model.difference(*store.value(), kAccount) : "";
  }
  return first;
}

}  // namespace selvedge::crash
