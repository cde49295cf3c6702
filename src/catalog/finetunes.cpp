// Fine-tunes: SQLite says what exists, the folder holds the bytes.
#include "catalog/finetunes.h"

#include <algorithm>
#include <chrono>
#include <system_error>
#include <utility>

#include "base/uuid.h"
#include "catalog/adapter_check.h"
#include "catalog/durable_file.h"
#include "catalog/intake.h"

namespace selvedge::catalog {

namespace {

namespace fs = std::filesystem;

constexpr const char* kSchema =
    "CREATE TABLE IF NOT EXISTS finetunes(id TEXT PRIMARY KEY NOT NULL, account TEXT NOT NULL,"
    " name TEXT NOT NULL, model TEXT NOT NULL, description TEXT NOT NULL, public INTEGER NOT NULL,"
    " created_us INTEGER NOT NULL, modified_us INTEGER NOT NULL, UNIQUE(account, name));"
    "CREATE TABLE IF NOT EXISTS finetune_assets(id TEXT PRIMARY KEY NOT NULL,"
    " finetune_id TEXT NOT NULL REFERENCES finetunes(id) ON DELETE CASCADE,"
    " file_name TEXT NOT NULL, bytes INTEGER NOT NULL, created_us INTEGER NOT NULL,"
    " UNIQUE(finetune_id, file_name));";

constexpr std::string_view kPartial = ".partial";  // A file that is being written.
constexpr std::string_view kRemoved = ".removed";  // A folder that is going.

constexpr const char* kColumns =
    "SELECT id, account, name, model, description, public, created_us, modified_us FROM finetunes ";

std::string select(std::string_view rest) {
  std::string text(kColumns);
  text += rest;
  return text;
}

std::int64_t microseconds_now() {
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  return std::chrono::duration_cast<std::chrono::microseconds>(now).count();
}

// Runs a statement that returns no rows.
Status finish(Statement& statement) {
  SEL_TRY(has_row, statement.step());
  statement.reset();
  return ok_status();
}

Error not_found(std::string_view id_or_name) {
  return Error{Code::finetune_not_found, "Finetune " + std::string(id_or_name) + " not found"};
}

Error already_there(const Finetune& finetune, const std::string& file_name) {
  return Error{Code::already_exists, "Finetune \"" + finetune.name + "\" has its " + file_name +
                                         " already; files are not replaced"};
}

// Empty where there is no folder.
std::vector<fs::path> entries_of(const fs::path& folder) {
  std::vector<fs::path> entries;
  std::error_code problem;
  for (fs::directory_iterator at(folder, problem), end; !problem && at != end;
       at.increment(problem)) {
    entries.push_back(at->path());
  }
  return entries;
}

Result<std::int64_t> number_of(Statement& statement) {
  SEL_TRY(has_row, statement.step());
  const std::int64_t number = has_row ? statement.number(0) : 0;
  statement.reset();
  return number;
}

}  // namespace

Result<std::unique_ptr<Finetunes>> Finetunes::open(const fs::path& home) {
  auto finetunes = std::make_unique<Finetunes>();
  finetunes->folder_ = home / "finetunes";
  std::error_code problem;
  fs::create_directories(finetunes->folder_, problem);
  if (problem) {
    return Error{Code::io,
                 "cannot create \"" + finetunes->folder_.string() + "\": " + problem.message()};
  }
  SEL_TRY(database, Database::open(home / "catalog.db"));
  SEL_TRY(transaction, Database::Transaction::begin(*database));
  SEL_CHECK_OK(database->run(kSchema));
  SEL_CHECK_OK(transaction.commit());
  finetunes->database_ = std::move(database);
  finetunes->sweep();
  return finetunes;
}

// Removes what a kill -9 left on its way in or out. A file that no row speaks of stays: it may be
// the rows that were lost.
void Finetunes::sweep() const {
  for (const fs::path& folder : entries_of(folder_)) {
    std::error_code problem;
    if (folder.extension() == kRemoved) fs::remove_all(folder, problem);
    for (const fs::path& file : entries_of(folder)) {
      if (file.extension() == kPartial) fs::remove(file, problem);
    }
  }
}

Result<std::vector<Finetune>> Finetunes::read_all(Statement& statement) {
  std::vector<Finetune> all;
  while (true) {
    SEL_TRY(has_row, statement.step());
    if (!has_row) return all;
    Finetune finetune;
    finetune.id = statement.text(0);
    finetune.account = statement.text(1);
    finetune.name = statement.text(2);
    finetune.model = statement.text(3);
    finetune.description = statement.text(4);
    finetune.is_public = statement.number(5) != 0;
    finetune.created_us = statement.number(6);
    finetune.modified_us = statement.number(7);
    all.push_back(std::move(finetune));
  }
}

Result<Finetune> Finetunes::create(Finetune wanted, std::size_t count_max) {
  wanted.id = random_uuid();
  wanted.created_us = wanted.modified_us = microseconds_now();
  std::lock_guard lock(database_mutex_);
  SEL_TRY(transaction, Database::Transaction::begin(*database_));
  SEL_TRY(taken,
          database_->prepare("SELECT count(*) FROM finetunes WHERE account = ?1 AND name = ?2"));
  taken.bind(1, wanted.account).bind(2, wanted.name);
  SEL_TRY(same, number_of(taken));
  if (same != 0) {
    return Error{Code::already_exists, "Finetune name \"" + wanted.name + "\" is already in use"};
  }
  SEL_TRY(count, database_->prepare("SELECT count(*) FROM finetunes WHERE account = ?1"));
  count.bind(1, wanted.account);
  SEL_TRY(there, number_of(count));
  if (static_cast<std::size_t>(there) >= count_max) {
    return Error{Code::too_many_finetunes,
                 "An account holds at most " + std::to_string(count_max) + " finetunes"};
  }
  SEL_TRY(row, database_->prepare("INSERT INTO finetunes VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)"));
  row.bind(1, wanted.id).bind(2, wanted.account).bind(3, wanted.name).bind(4, wanted.model);
  row.bind(5, wanted.description).bind(6, std::int64_t{wanted.is_public});
  row.bind(7, wanted.created_us).bind(8, wanted.modified_us);
  SEL_CHECK_OK(finish(row));
  SEL_CHECK_OK(transaction.commit());
  return wanted;
}

Result<Finetune> Finetunes::find(std::string_view account, std::string_view id_or_name) {
  std::lock_guard lock(database_mutex_);
  return find_locked(account, id_or_name);
}

Result<Finetune> Finetunes::find_locked(std::string_view account, std::string_view id_or_name) {
  SEL_TRY(rows, database_->prepare(select("WHERE account = ?1 AND (id = ?2 OR name = ?2)")));
  rows.bind(1, account).bind(2, id_or_name);
  SEL_TRY(found, read_all(rows));
  for (Finetune& finetune : found) {
    if (finetune.id == id_or_name) return std::move(finetune);
  }
  if (found.empty()) return not_found(id_or_name);
  return std::move(found.front());
}

Result<Finetune> Finetunes::find_usable(std::string_view account, std::string_view id_or_name) {
  std::lock_guard lock(database_mutex_);
  SEL_TRY(rows, database_->prepare(select(
                    "WHERE (account = ?1 OR public = 1 OR ?1 = '') AND (id = ?2 OR name = ?2)"
                    " ORDER BY account <> ?1, id <> ?2, created_us LIMIT 1")));
  rows.bind(1, account).bind(2, id_or_name);
  SEL_TRY(found, read_all(rows));
  if (found.empty()) return not_found(id_or_name);
  SEL_TRY(assets,
          database_->prepare("SELECT file_name FROM finetune_assets WHERE finetune_id = ?1"));
  assets.bind(1, found.front().id);
  bool has_config = false;
  bool has_weights = false;
  while (true) {
    SEL_TRY(has_row, assets.step());
    if (!has_row) break;
    has_config = has_config || assets.text(0) == kAdapterConfigName;
    has_weights = has_weights || assets.text(0) == kAdapterWeightsName;
  }
  if (!has_config || !has_weights) {
    return Error{Code::finetune_incomplete,
                 "Finetune \"" + found.front().name + "\" lacks its " +
                     std::string(has_config ? kAdapterWeightsName : kAdapterConfigName)};
  }
  return std::move(found.front());
}

Result<FinetuneAsset> Finetunes::add_asset(const Finetune& finetune, const std::string& file_name,
                                           std::string_view content) {
  FinetuneAsset asset{random_uuid(), finetune.id, file_name, content.size(), microseconds_now()};
  const fs::path folder = folder_ / finetune.id;
  SEL_CHECK_OK(check_absent(finetune, file_name));
  SEL_CHECK_OK(check_room(folder_, content.size(), file_name));
  std::error_code problem;
  fs::create_directories(folder, problem);
  const fs::path partial = folder / (asset.id + std::string(kPartial));
  Status done = write_durably(partial, content);
  if (done.ok()) done = add_row(finetune, asset, partial, folder / file_name);
  if (!done.ok()) {
    fs::remove(partial, problem);
    fs::remove(folder, problem);  // Only an empty one goes.
    return done.error();
  }
  return asset;
}

// Errors: finetune_not_found, already_exists (it has the file), io.
Status Finetunes::check_absent(const Finetune& finetune, const std::string& file_name) {
  std::lock_guard lock(database_mutex_);
  return check_absent_locked(finetune, file_name);
}

Status Finetunes::check_absent_locked(const Finetune& finetune, const std::string& file_name) {
  SEL_TRY(still_there, find_locked(finetune.account, finetune.id));
  SEL_TRY(same,
          database_->prepare(
              "SELECT count(*) FROM finetune_assets WHERE finetune_id = ?1 AND file_name = ?2"));
  same.bind(1, finetune.id).bind(2, file_name);
  SEL_TRY(count, number_of(same));
  if (count != 0) return already_there(finetune, file_name);
  return ok_status();
}

// The file gets its name before the row counts: what is listed is there.
Status Finetunes::add_row(const Finetune& finetune, const FinetuneAsset& asset,
                          const fs::path& partial, const fs::path& place) {
  std::lock_guard lock(database_mutex_);
  SEL_TRY(transaction, Database::Transaction::begin(*database_));
  SEL_CHECK_OK(check_absent_locked(finetune, asset.file_name));
  SEL_TRY(row, database_->prepare("INSERT INTO finetune_assets VALUES(?1, ?2, ?3, ?4, ?5)"));
  row.bind(1, asset.id).bind(2, finetune.id).bind(3, asset.file_name);
  row.bind(4, static_cast<std::int64_t>(asset.bytes)).bind(5, asset.created_us);
  SEL_CHECK_OK(finish(row));
  SEL_TRY(touch, database_->prepare("UPDATE finetunes SET modified_us = ?2 WHERE id = ?1"));
  touch.bind(1, finetune.id).bind(2, asset.created_us);
  SEL_CHECK_OK(finish(touch));
  SEL_CHECK_OK(rename_durably(partial, place));
  return transaction.commit();
}

Result<std::vector<Finetune>> Finetunes::list(std::string_view account) {
  std::lock_guard lock(database_mutex_);
  SEL_TRY(rows, database_->prepare(select("WHERE account = ?1 ORDER BY created_us, name")));
  rows.bind(1, account);
  return read_all(rows);
}

Result<std::vector<Finetune>> Finetunes::list_public(Order order, std::size_t offset,
                                                     std::size_t count_max) {
  std::lock_guard lock(database_mutex_);
  const char* rest = order == Order::name
                         ? "WHERE public = 1 ORDER BY name, id LIMIT ?1 OFFSET ?2"
                         : "WHERE public = 1 ORDER BY created_us, id LIMIT ?1 OFFSET ?2";
  SEL_TRY(rows, database_->prepare(select(rest)));
  rows.bind(1, static_cast<std::int64_t>(count_max)).bind(2, static_cast<std::int64_t>(offset));
  return read_all(rows);
}

Status Finetunes::remove(std::string_view account, std::string_view id_or_name) {
  std::lock_guard lock(database_mutex_);
  SEL_TRY(finetune, find_locked(account, id_or_name));
  SEL_TRY(row, database_->prepare("DELETE FROM finetunes WHERE id = ?1"));
  row.bind(1, finetune.id);
  SEL_CHECK_OK(finish(row));
  const fs::path folder = folder_ / finetune.id;
  const fs::path going = folder_ / (finetune.id + std::string(kRemoved));
  std::error_code problem;
  if (!fs::exists(folder, problem)) return ok_status();
  fs::rename(folder, going, problem);
  if (!problem) fs::remove_all(going, problem);
  if (problem) {
    return Error{Code::io, "cannot remove the files of finetune \"" + finetune.name +
                               "\": " + problem.message()};
  }
  return ok_status();
}

}  // namespace selvedge::catalog
