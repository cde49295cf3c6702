// Fine-tunes: LoRA adapters of every account: rows in catalog.db, files in finetunes/.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "catalog/database.h"

namespace selvedge::catalog {

struct Finetune {
  std::string id;  // A UUID.
  std::string account;
  std::string name;   // Unique in its account.
  std::string model;  // Id of the model that the adapter was trained for.
  std::string description;
  bool is_public = false;  // Listed to every account.
  std::int64_t created_us = 0;
  std::int64_t modified_us = 0;  // When a file was added last.
};

struct FinetuneAsset {
  std::string id;  // A UUID.
  std::string finetune_id;
  std::string file_name;
  std::uint64_t bytes = 0;
  std::int64_t created_us = 0;
};

// Thread-safe; methods block. Belongs to the one server of a home folder.
//
// Tables, besides those of InstalledFiles:
//   finetunes(id, account, name, model, description, public, created_us, modified_us)
//   finetune_assets(id, finetune_id, file_name, bytes, created_us): go with their fine-tune.
// A file is <home>/finetunes/<id>/<file_name>. It is whole and on disk before its row is. A kill -9
// leaves at most `<uuid>.partial` and a folder `<id>.removed`, which the next open removes, and
// files without a row, which a new upload replaces.
class Finetunes {
 public:
  // Errors: io, corrupt_data, unavailable.
  static Result<std::unique_ptr<Finetunes>> open(const std::filesystem::path& home);

  // Of `wanted` the account, name, model, description and is_public count. Errors: already_exists
  // (the account has the name), too_many_finetunes (it has `count_max`), io.
  Result<Finetune> create(Finetune wanted, std::size_t count_max);

  // By id, else by name. Errors: finetune_not_found, io.
  Result<Finetune> find(std::string_view account, std::string_view id_or_name);

  // The same for whoever uses the adapter: the account's own first, then public ones; without an
  // account any, the oldest first. Errors: as find, and finetune_incomplete (a file is missing).
  Result<Finetune> find_usable(std::string_view account, std::string_view id_or_name);

  // Where the files of a fine-tune are.
  std::filesystem::path folder_of(const Finetune& finetune) const { return folder_ / finetune.id; }

  // Writes `content` to the disk. A file that is there stays as it is. Errors: finetune_not_found,
  // already_exists, io.
  Result<FinetuneAsset> add_asset(const Finetune& finetune, const std::string& file_name,
                                  std::string_view content);

  // The oldest first.
  Result<std::vector<Finetune>> list(std::string_view account);

  enum class Order : std::uint8_t { created, name };
  // Public ones of all accounts.
  Result<std::vector<Finetune>> list_public(Order order, std::size_t offset, std::size_t count_max);

  // With its files. Errors: finetune_not_found, io.
  Status remove(std::string_view account, std::string_view id_or_name);

 private:
  Result<Finetune> find_locked(std::string_view account, std::string_view id_or_name);
  Result<std::vector<Finetune>> read_all(Statement& statement);
  Status add_row(const Finetune& finetune, const FinetuneAsset& asset,
                 const std::filesystem::path& partial, const std::filesystem::path& place);
  Status check_absent(const Finetune& finetune, const std::string& file_name);
  Status check_absent_locked(const Finetune& finetune, const std::string& file_name);
  void sweep() const;

  std::filesystem::path folder_;
  std::mutex database_mutex_;  // Guards the database; not held while a file is written.
  std::unique_ptr<Database> database_;
};

}  // namespace selvedge::catalog
