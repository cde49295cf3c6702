// Lossy disk: a tree of what was synced, with what came since beside it.
#include "lossy_disk.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <set>
#include <utility>

#include <fcntl.h>

namespace selvedge::crash {
namespace {

namespace fs = std::filesystem;

constexpr std::uint64_t kPageBytes = 4'096;

bool chance(std::mt19937_64& random, double share) {
  return std::uniform_real_distribution<double>(0, 1)(random) < share;
}

}  // namespace

bool recorded(const Call& call, const std::string& folder, Change& change) {
  const std::string begin = folder + "/";
  const std::string path = call.path();
  if (!path.starts_with(begin) && path != folder) return false;
  change.kind = call.kind();
  change.path = path == folder ? "" : path.substr(begin.size());
  switch (call.kind()) {
    case CallKind::create:
      change.opening_flags = call.opening_flags();
      return true;
    case CallKind::write:
      change.position = call.position();
      change.bytes = call.bytes();
      return true;
    case CallKind::resize:
      change.position = call.position();
      change.only_extends = call.only_extends();
      return !call.keeps_size();
    case CallKind::rename:
      change.links = call.links();
      change.new_path = call.new_path().substr(begin.size());
      return true;
    case CallKind::sync:
    case CallKind::remove:
    case CallKind::make_folder:
      return true;
  }
  return false;
}

const char* name_of(Loss loss) {
  switch (loss) {
    case Loss::everything:
      return "everything";
    case Loss::data:
      return "data";
    case Loss::names:
      return "names";
    case Loss::end:
      return "end";
    case Loss::parts:
      return "parts";
  }
  return "";
}

std::size_t DiskState::hash() const {
  std::size_t hash = 0;
  const auto mix = [&hash](const std::string& text) {
    hash = hash * 0x9E3779B97F4A7C15U + std::hash<std::string>{}(text);
  };
  for (const std::string& folder : folders) mix(folder);
  for (const auto& [path, bytes] : files) {
    mix(path);
    mix(bytes);
  }
  return hash;
}

void DiskState::write_to(const std::string& folder) const {
  fs::create_directories(folder);
  for (const std::string& each : folders) fs::create_directory(fs::path(folder) / each);
  for (const auto& [path, bytes] : files) {
    std::ofstream(fs::path(folder) / path, std::ios::binary)
        .write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
  }
}

// Which of the changes that were not synced are there.
struct LossyDisk::Chosen {
  Loss loss = Loss::everything;
  std::uint64_t moment = 0;  // Of Loss::end and of the names of Loss::parts.
  double share = 0;          // Of Loss::parts.
  std::mt19937_64* random = nullptr;
};

LossyDisk::LossyDisk(const std::string& folder) : root_(make(true)) {
  for (const auto& each : fs::recursive_directory_iterator(folder)) {
    std::string name;
    const NodePointer parent = folder_of(fs::relative(each.path(), folder).string(), name);
    const NodePointer node = make(each.is_directory());
    if (!node->is_folder) {
      std::ifstream file(each.path(), std::ios::binary);
      node->bytes.assign(std::istreambuf_iterator<char>(file), {});
    }
    parent->names[name] = parent->now[name] = node;
  }
}

LossyDisk::NodePointer LossyDisk::make(bool is_folder) {
  auto node = std::make_shared<Node>();
  node->is_folder = is_folder;
  nodes_.push_back(node);
  return node;
}

LossyDisk::NodePointer LossyDisk::find(std::string_view path) const {
  NodePointer node = root_;
  while (!path.empty() && node != nullptr) {
    const std::size_t end = path.find('/');
    const auto known = node->now.find(std::string(path.substr(0, end)));
    node = known == node->now.end() ? nullptr : known->second;
    path = end == std::string_view::npos ? std::string_view() : path.substr(end + 1);
  }
  return node;
}

LossyDisk::NodePointer LossyDisk::folder_of(std::string_view path, std::string& name) const {
  const std::size_t slash = path.rfind('/');
  name = path.substr(slash == std::string_view::npos ? 0 : slash + 1);
  const NodePointer folder = find(slash == std::string_view::npos ? "" : path.substr(0, slash));
  return folder != nullptr && folder->is_folder ? folder : nullptr;
}

void LossyDisk::rename(Node& folder, const std::string& removed, const std::string& added,
                       NodePointer node) {
  folder.named.push_back({count_, removed, added, std::move(node)});
  put(folder.now, folder.named.back());
}

// Calls that will fail change nothing.
void LossyDisk::apply(const Change& change) {
  ++count_;
  switch (change.kind) {
    case CallKind::create:
    case CallKind::make_folder:
      return create(change);
    case CallKind::rename:
      return move(change);
    case CallKind::remove:
      return remove(change);
    case CallKind::write:
    case CallKind::resize:
    case CallKind::sync:
      break;
  }
  const NodePointer node = find(change.path);
  if (node == nullptr) return;  // A removed file that is still open.
  if (change.kind == CallKind::sync) return sync(*node);
  node->written.push_back({count_, change.position, change.bytes, change.kind == CallKind::resize,
                           change.only_extends});
}

void LossyDisk::create(const Change& change) {
  std::string name;
  const NodePointer folder = folder_of(change.path, name);
  if (folder == nullptr) return;
  const bool is_folder = change.kind == CallKind::make_folder;
  const auto known = folder->now.find(name);
  if (known == folder->now.end()) {
    if (is_folder || (change.opening_flags & O_CREAT) != 0) {
      rename(*folder, "", name, make(is_folder));
    }
  } else if (!is_folder && (change.opening_flags & O_EXCL) == 0 &&
             (change.opening_flags & O_TRUNC) != 0) {
    known->second->written.push_back({count_, 0, "", true, false});
  }
}

void LossyDisk::move(const Change& change) {
  std::string from;
  std::string to;
  const NodePointer old_folder = folder_of(change.path, from);
  const NodePointer new_folder = folder_of(change.new_path, to);
  const NodePointer node = find(change.path);
  if (node == nullptr || new_folder == nullptr) return;
  if (change.links) from.clear();
  if (old_folder == new_folder || change.links) return rename(*new_folder, from, to, node);
  rename(*new_folder, "", to, node);
  rename(*old_folder, from, "", nullptr);
}

void LossyDisk::remove(const Change& change) {
  std::string name;
  const NodePointer folder = folder_of(change.path, name);
  const NodePointer node = find(change.path);
  if (node != nullptr && node->now.empty()) rename(*folder, name, "", nullptr);
}

void LossyDisk::put(Names& names, const Named& named) {
  if (!named.removed.empty()) names.erase(named.removed);
  if (!named.added.empty()) names[named.added] = named.node;
}

void LossyDisk::write(std::string& bytes, const Written& written, bool with_bytes) {
  const std::uint64_t end = written.position + written.bytes.size();
  if (bytes.size() < end || (written.resizes && !written.only_extends)) bytes.resize(end);
  if (with_bytes) bytes.replace(written.position, written.bytes.size(), written.bytes);
}

void LossyDisk::sync(Node& node) {
  for (const Written& each : node.written) write(node.bytes, each, true);
  for (const Named& each : node.named) put(node.names, each);
  node.written.clear();
  node.named.clear();
}

// A page comes to the disk as it was at one moment: what is written to it later is lost with that.
std::string LossyDisk::some_pages(const Node& node, const Chosen& chosen) {
  std::string bytes = node.bytes;
  std::set<std::uint64_t> lost;
  for (const Written& each : node.written) {
    write(bytes, each, false);
    const std::uint64_t end = each.position + each.bytes.size();
    for (std::uint64_t at = each.position; at < end;) {
      const std::uint64_t page = at / kPageBytes;
      const std::uint64_t next = std::min(end, (page + 1) * kPageBytes);
      if (!lost.contains(page) && chance(*chosen.random, chosen.share)) {
        bytes.replace(at, next - at, each.bytes, at - each.position, next - at);
      } else {
        lost.insert(page);
      }
      at = next;
    }
  }
  return bytes;
}

std::string LossyDisk::contents(const Node& node, const Chosen& chosen) {
  if (chosen.loss == Loss::parts) return some_pages(node, chosen);
  std::string bytes = node.bytes;
  if (chosen.loss == Loss::everything) return bytes;
  for (const Written& each : node.written) {
    if (chosen.loss == Loss::end && each.at > chosen.moment) break;
    Written there = each;
    if (chosen.loss == Loss::end && each.at == chosen.moment) {
      there.bytes.resize((*chosen.random)() % (each.bytes.size() + 1));
    }
    write(bytes, there, chosen.loss != Loss::data);
  }
  return bytes;
}

LossyDisk::Names LossyDisk::names_of(const Node& folder, const Chosen& chosen) {
  if (chosen.loss == Loss::data) return folder.now;
  Names names = folder.names;
  if (chosen.loss == Loss::everything || chosen.loss == Loss::names) return names;
  for (const Named& each : folder.named) {
    if (each.at < chosen.moment) put(names, each);
  }
  return names;
}

void LossyDisk::collect(const Node& folder, const std::string& path, const Chosen& chosen,
                        DiskState& state) {
  for (const auto& [name, node] : names_of(folder, chosen)) {
    const std::string below = path + name;
    if (node->is_folder) {
      state.folders.push_back(below);
      collect(*node, below + "/", chosen, state);
    } else {
      state.files[below] = contents(*node, chosen);
    }
  }
}

DiskState LossyDisk::state(Loss loss, std::mt19937_64& random) const {
  Chosen chosen{loss, 0, 0, &random};
  constexpr double kShares[] = {0.1, 0.5, 0.9};
  chosen.share = kShares[random() % std::size(kShares)];
  std::vector<std::uint64_t> moments;
  for (const auto& each : nodes_) {
    const NodePointer node = each.lock();
    if (node == nullptr) continue;
    for (const Written& written : node->written) moments.push_back(written.at);
    for (const Named& named : node->named) moments.push_back(named.at);
  }
  moments.push_back(count_ + 1);
  chosen.moment = moments[random() % moments.size()];
  DiskState state;
  collect(*root_, "", chosen, state);
  return state;
}

}  // namespace selvedge::crash
