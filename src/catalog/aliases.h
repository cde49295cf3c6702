// Aliases: further names of models, in catalog.db.
#pragma once

#include <filesystem>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "catalog/catalog.h"
#include "catalog/database.h"

namespace selvedge::catalog {

struct Alias {
  std::string name;
  std::string id;  // What answers; never an alias itself.
};

// Thread-safe. The list is kept in memory and read again when another connection has written.
//
// Table: aliases(name, model).
class Aliases {
 public:
  // Errors: io, corrupt_data, unavailable.
  static Result<std::shared_ptr<Aliases>> open(const std::filesystem::path& database_file);

  // In the order of names.
  Result<std::shared_ptr<const std::vector<Alias>>> list();
  // The id that `name` stands for; `name` where it is no alias.
  std::string target_of(std::string_view name);

  // `catalog`, which knows no aliases, tells what is a model. A name that is one already, or an
  // alias of another id, wants `replace`. Errors: invalid_input (a name that cannot be; what would
  // lead from alias to alias), model_not_found, already_exists.
  Status add(const Alias& alias, const Catalog& catalog, bool replace);
  // Errors: not_found.
  Status remove(std::string_view name);

 private:
  Result<std::shared_ptr<const std::vector<Alias>>> read();

  std::mutex database_mutex_;  // Guards everything below; held while SQLite reads or writes.
  std::unique_ptr<Database> database_;
  std::optional<Statement> data_version_;
  std::int64_t version_seen_ = -1;
  std::shared_ptr<const std::vector<Alias>> list_;
};

}  // namespace selvedge::catalog
