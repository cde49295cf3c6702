// Weights set: grouped by the numbers in names.
#include "catalog/weights_set.h"

#include <algorithm>
#include <cstdio>
#include <map>
#include <numeric>
#include <utility>

#include "catalog/model_table.h"

namespace selvedge::catalog {
namespace {

constexpr std::string_view kEnding = ".gguf";
constexpr std::size_t kListedMax = 40;

std::string lower(std::string_view text) {
  std::string low(text);
  for (char& c : low) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  return low;
}

std::string_view base_name(std::string_view path) { return path.substr(path.rfind('/') + 1); }

bool is_weights(std::string_view path) {
  const std::string name = lower(base_name(path));
  return name.ends_with(kEnding) && !name.starts_with("mmproj") &&
         name.find("imatrix") == name.npos;
}

// Five digits, or 0.
std::uint32_t number_of(std::string_view digits) {
  std::uint32_t number = 0;
  for (const char c : digits) {
    if (c < '0' || c > '9') return 0;
    number = number * 10 + static_cast<std::uint32_t>(c - '0');
  }
  return number;
}

bool is_named(const WeightsFile& file, std::string_view name) {
  return file.path == name || base_name(file.path) == name;
}

bool is_meant(const WeightsSet& set, std::string_view pick) {
  return std::ranges::any_of(set.files,
                             [&](const WeightsFile& file) { return is_named(file, pick); });
}

Error choose(const std::vector<const WeightsSet*>& sets, const std::string& where) {
  std::string message = where + " holds " + std::to_string(sets.size()) +
                        " models; say with --file NAME (or a part of it) which one:";
  for (std::size_t at = 0; at < sets.size() && at < kListedMax; ++at) {
    message += "\n  " + sets[at]->name() + " (" + readable_bytes(sets[at]->bytes());
    if (sets[at]->files.size() > 1) {
      message += " in " + std::to_string(sets[at]->files.size()) + " files";
    }
    message += ")";
  }
  if (sets.size() > kListedMax) message += "\n  and others";
  return Error{Code::invalid_input, std::move(message)};
}

Result<WeightsSet> whole(const WeightsSet& set) {
  const SplitName name = split_name(base_name(set.name()));
  if (name.count == 0 || set.files.size() == name.count) return set;
  return Error{Code::file_invalid, "of the " + std::to_string(name.count) + " files of \"" +
                                       name.prefix + "\" only " + std::to_string(set.files.size()) +
                                       " are there"};
}

}  // namespace

std::uint64_t WeightsSet::bytes() const {
  return std::accumulate(
      files.begin(), files.end(), std::uint64_t{0},
      [](std::uint64_t sum, const WeightsFile& file) { return sum + file.bytes; });
}

SplitName split_name(std::string_view file) {
  constexpr std::size_t kTailBytes = 20;  // "-00001-of-00003.gguf"
  if (file.size() <= kTailBytes || !file.ends_with(kEnding)) return {};
  const std::string_view tail = file.substr(file.size() - kTailBytes);
  if (tail[0] != '-' || tail.substr(6, 4) != "-of-") return {};
  const std::uint32_t at = number_of(tail.substr(1, 5));
  const std::uint32_t count = number_of(tail.substr(10, 5));
  if (at == 0 || at > count) return {};
  return {std::string(file.substr(0, file.size() - kTailBytes)), at, count};
}

std::string split_file_name(std::string_view prefix, std::uint32_t at, std::uint32_t count) {
  char tail[32];
  std::snprintf(tail, sizeof tail, "-%05u-of-%05u.gguf", at, count);
  return std::string(prefix) + tail;
}

std::vector<WeightsSet> weights_sets(std::vector<WeightsFile> files, std::string_view named) {
  std::ranges::sort(files, {}, &WeightsFile::path);
  std::map<std::string, WeightsSet> by_name;
  for (WeightsFile& file : files) {
    if (!is_weights(file.path) && !is_named(file, named)) continue;
    const SplitName name = split_name(file.path);
    const std::string key =
        name.count == 0 ? file.path : name.prefix + "/" + std::to_string(name.count);
    by_name[key].files.push_back(std::move(file));
  }
  std::vector<WeightsSet> sets;
  for (auto& [key, set] : by_name) sets.push_back(std::move(set));
  return sets;
}

Result<WeightsSet> pick_weights(const std::vector<WeightsSet>& sets, std::string_view pick,
                                const std::string& where) {
  std::vector<const WeightsSet*> meant;
  for (const WeightsSet& set : sets) {
    if (pick.empty() || is_meant(set, pick)) meant.push_back(&set);
  }
  if (meant.empty() && !pick.empty()) {
    const std::string part = lower(pick);
    for (const WeightsSet& set : sets) {
      if (lower(set.name()).find(part) != part.npos) meant.push_back(&set);
    }
  }
  if (meant.size() == 1) return whole(*meant.front());
  if (meant.size() > 1) return choose(meant, where);
  if (sets.empty()) return Error{Code::not_found, where + " holds no GGUF file of a model"};
  std::vector<const WeightsSet*> all;
  for (const WeightsSet& set : sets) all.push_back(&set);
  Error error = choose(all, where + " has no \"" + std::string(pick) + "\"; it");
  error.code = Code::not_found;
  return error;
}

}  // namespace selvedge::catalog
