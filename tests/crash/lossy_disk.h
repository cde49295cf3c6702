// Lossy disk: what a folder may hold after the power failed, told from the calls that changed it.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "call_watch.h"

namespace selvedge::crash {

// A call of the program that was recorded, so that it can be gone through again.
struct Change {
  CallKind kind = CallKind::write;
  std::string path;            // Below the folder.
  std::string new_path;        // Of a rename.
  std::uint64_t position = 0;  // As Call's.
  std::string bytes;           // Of a write.
  bool links = false;
  bool only_extends = false;
  int opening_flags = 0;
};

// `call` as a change of `folder`. False when it is none.
bool recorded(const Call& call, const std::string& folder, Change& change);

// What becomes of changes that were not synced. Those that were stay in any case.
enum class Loss : std::uint8_t {
  everything,  // None of them came to the disk.
  data,        // Names and sizes did; what was written did not, and new room reads as zeros.
  names,       // What was written did; new, changed and removed names did not.
  end,         // Those before a moment did, and a part of the write of that moment.
  parts,       // Names before a moment and any of the pages did; the other pages read as zeros.
};
inline constexpr Loss kLosses[] = {Loss::everything, Loss::data, Loss::names, Loss::end,
                                   Loss::parts};
const char* name_of(Loss loss);

// One state: the folders, and of each file the bytes, by their paths.
struct DiskState {
  std::vector<std::string> folders;  // Those above others come first.
  std::map<std::string, std::string> files;

  std::size_t hash() const;
  void write_to(const std::string& folder) const;
};

// Knows of each file and of each folder what was synced and what came since. A file is there after
// a failure only when its folder was synced, too: POSIX promises no more than that. Names come in
// the order in which they were made, as file systems with a journal keep them; RocksDB relies on it
// when it names a new manifest in CURRENT.
class LossyDisk {
 public:
  // Begins with what is in `folder`, all of it synced.
  explicit LossyDisk(const std::string& folder);

  void apply(const Change& change);
  DiskState state(Loss loss, std::mt19937_64& random) const;

 private:
  struct Node;
  using NodePointer = std::shared_ptr<Node>;
  using Names = std::map<std::string, NodePointer>;
  struct Written {
    std::uint64_t at = 0;  // Its place in the row of all changes.
    std::uint64_t position = 0;
    std::string bytes;
    bool resizes = false;  // To `position`.
    bool only_extends = false;
  };
  struct Named {
    std::uint64_t at = 0;
    std::string removed;
    std::string added;
    NodePointer node;
  };
  struct Node {
    bool is_folder = false;
    std::string bytes;  // Synced, as `names`.
    Names names;
    std::vector<Written> written;  // Since, as `named`.
    std::vector<Named> named;
    Names now;  // All names.
  };
  struct Chosen;

  NodePointer find(std::string_view path) const;
  // The folder of `path`, null when there is none; `name` is the rest.
  NodePointer folder_of(std::string_view path, std::string& name) const;
  NodePointer make(bool is_folder);
  void rename(Node& folder, const std::string& removed, const std::string& added, NodePointer node);
  void create(const Change& change);
  void move(const Change& change);
  void remove(const Change& change);
  static void sync(Node& node);
  static void write(std::string& bytes, const Written& written, bool with_bytes);
  static void put(Names& names, const Named& named);
  static std::string contents(const Node& node, const Chosen& chosen);
  static std::string some_pages(const Node& node, const Chosen& chosen);
  static Names names_of(const Node& folder, const Chosen& chosen);
  static void collect(const Node& folder, const std::string& path, const Chosen& chosen,
                      DiskState& state);

  std::vector<std::weak_ptr<Node>> nodes_;
  NodePointer root_;
  std::uint64_t count_ = 0;  // Of changes.
};

}  // namespace selvedge::crash
