// Installed files: which weights lie in models/ and which ids they are bound to, in catalog.db.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "catalog/catalog.h"
#include "catalog/database.h"

namespace selvedge::catalog {

// A file as a part of a model.
struct BoundPart {
  std::string id;
  std::string part;
};

// What is known of an id that the user made up.
struct OwnModel {
  std::string id;
  Task task = Task::text_generation;
  Schema schema = Schema::openai;
  std::int64_t context_tokens = 0;
  std::string inputs_like;  // As ModelEntry::inputs_like.
};

// The second and later files of a split model, in their order.
struct FurtherFile {
  std::string file;  // In models/.
  std::uint64_t bytes = 0;
};

struct InstalledFile {
  std::string name;  // Unique; an artifact's name, or the file's without its ending.
  std::string file;  // In models/.
  std::string sha256;
  std::uint64_t bytes = 0;
  std::string source;    // A URL, or "import".
  std::string artifact;  // Its name, when the catalogue knows the file; else empty.
  Task task = Task::other;
  std::string architecture;
  std::int32_t dimensions = 0;
  std::uint64_t parameters = 0;
  std::vector<std::string> bound_ids;  // By the user, with --as.
  std::vector<BoundPart> bound_parts;  // The same, with --part.
  std::vector<OwnModel> own_models;    // Of `bound_ids`, those that are no ids of Workers AI.
  std::vector<FurtherFile> further;  // Of a split model. `sha256` is of the sums of all its files.
};

using FileList = std::vector<InstalledFile>;

// Thread-safe. The list is kept in memory and read again when another connection has written.
//
// Tables (PRAGMA user_version 1):
//   files(name, file, sha256, bytes, source, task, artifact, architecture, dimensions, parameters,
//         added_at)
//   bindings(model, name): an id is bound to at most one file; a file's bindings go with it.
//   part_bindings(model, part, name): the same for each part of an id.
//   own_models(model, task, schema, context_tokens, inputs_like): ends with its binding.
//   further_files(name, at, file, bytes): ends with its file.
class InstalledFiles {
 public:
  // Errors: io, corrupt_data, unavailable.
  static Result<std::unique_ptr<InstalledFiles>> open(const std::filesystem::path& database_file);

  // In the order of names. Costs one PRAGMA when nothing changed.
  Result<std::shared_ptr<const FileList>> list();

  // Adds or replaces the row of `file.name` and binds `file.bound_ids` and `file.bound_parts` to
  // it, besides those it has; what was bound to another file moves.
  Status add(const InstalledFile& file);

  // Errors: not_found.
  Status remove(std::string_view name);
  // The binding of an id, and those of its parts. Errors: not_found.
  Status unbind(std::string_view id);

 private:
  Result<std::shared_ptr<const FileList>> read();

  // Guards everything below; held while SQLite reads or writes its small file.
  std::mutex database_mutex_;
  std::unique_ptr<Database> database_;
  std::optional<Statement> data_version_;
  std::int64_t version_seen_ = -1;
  std::shared_ptr<const FileList> list_;
};

}  // namespace selvedge::catalog
