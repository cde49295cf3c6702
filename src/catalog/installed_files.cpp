// Installed files: the catalogue's rows in SQLite.
#include "catalog/installed_files.h"

#include <chrono>
#include <utility>

#include "catalog/task_names.h"

namespace selvedge::catalog {

namespace {

constexpr std::int64_t kSchemaVersion = 1;

constexpr const char* kSchema =
    "CREATE TABLE IF NOT EXISTS files(name TEXT PRIMARY KEY NOT NULL, file TEXT NOT NULL UNIQUE,"
    " sha256 TEXT NOT NULL, bytes INTEGER NOT NULL, source TEXT NOT NULL, task TEXT NOT NULL,"
    " artifact TEXT NOT NULL, architecture TEXT NOT NULL, dimensions INTEGER NOT NULL,"
    " parameters INTEGER NOT NULL, added_at INTEGER NOT NULL);"
    "CREATE TABLE IF NOT EXISTS bindings(model TEXT PRIMARY KEY NOT NULL,"
    " name TEXT NOT NULL REFERENCES files(name) ON DELETE CASCADE ON UPDATE CASCADE);"
    "PRAGMA user_version = 1;";

// Came later; versions of the program that do not know it leave it alone.
constexpr const char* kPartBindings =
    "CREATE TABLE IF NOT EXISTS part_bindings(model TEXT NOT NULL, part TEXT NOT NULL,"
    " name TEXT NOT NULL REFERENCES files(name) ON DELETE CASCADE ON UPDATE CASCADE,"
    " PRIMARY KEY(model, part));";

Status create_tables(Database& database) {
  SEL_TRY(version, database.prepare("PRAGMA user_version"));
  SEL_TRY(has_row, version.step());
  const std::int64_t found = has_row ? version.number(0) : 0;
  version.reset();
  if (found == kSchemaVersion) return database.run(kPartBindings);
  if (found != 0) {
    return Error{Code::corrupt_data, "catalog.db was written by another version of selvedge"};
  }
  SEL_TRY(transaction, Database::Transaction::begin(database));
  SEL_CHECK_OK(database.run(kSchema));
  SEL_CHECK_OK(database.run(kPartBindings));
  return transaction.commit();
}

// Runs a statement that returns no rows.
Status finish(Statement& statement) {
  SEL_TRY(has_row, statement.step());
  statement.reset();
  return ok_status();
}

std::int64_t seconds_now() {
  return std::chrono::duration_cast<std::chrono::seconds>(
             std::chrono::system_clock::now().time_since_epoch())
      .count();
}

}  // namespace

Result<std::unique_ptr<InstalledFiles>> InstalledFiles::open(
    const std::filesystem::path& database_file) {
  SEL_TRY(database, Database::open(database_file));
  SEL_CHECK_OK(create_tables(*database));
  SEL_TRY(data_version, database->prepare("PRAGMA data_version"));
  auto files = std::make_unique<InstalledFiles>();
  files->database_ = std::move(database);
  files->data_version_ = std::move(data_version);
  SEL_TRY(list, files->list());
  return files;
}

Result<std::shared_ptr<const FileList>> InstalledFiles::list() {
  std::lock_guard lock(database_mutex_);
  // Changes when another connection commits; our own writes drop the list themselves.
  SEL_TRY(has_row, data_version_->step());
  const std::int64_t version = has_row ? data_version_->number(0) : 0;
  data_version_->reset();
  if (list_ != nullptr && version == version_seen_) return list_;
  SEL_TRY(read_list, read());
  list_ = read_list;
  version_seen_ = version;
  return read_list;
}

Result<std::shared_ptr<const FileList>> InstalledFiles::read() {
  auto list = std::make_shared<FileList>();
  SEL_TRY(files,
          database_->prepare("SELECT name, file, sha256, bytes, source, task, artifact,"
                             " architecture, dimensions, parameters FROM files ORDER BY name"));
  while (true) {
    SEL_TRY(has_row, files.step());
    if (!has_row) break;
    InstalledFile file;
    file.name = files.text(0);
    file.file = files.text(1);
    file.sha256 = files.text(2);
    file.bytes = static_cast<std::uint64_t>(files.number(3));
    file.source = files.text(4);
    file.task = task_from_name(files.text(5)).value_or(Task::other);
    file.artifact = files.text(6);
    file.architecture = files.text(7);
    file.dimensions = static_cast<std::int32_t>(files.number(8));
    file.parameters = static_cast<std::uint64_t>(files.number(9));
    list->push_back(std::move(file));
  }
  SEL_TRY(bindings, database_->prepare("SELECT name, model FROM bindings ORDER BY model"));
  while (true) {
    SEL_TRY(has_row, bindings.step());
    if (!has_row) break;
    const std::string name = bindings.text(0);
    for (InstalledFile& file : *list) {
      if (file.name == name) file.bound_ids.push_back(bindings.text(1));
    }
  }
  SEL_TRY(parts,
          database_->prepare("SELECT name, model, part FROM part_bindings ORDER BY model, part"));
  while (true) {
    SEL_TRY(has_row, parts.step());
    if (!has_row) break;
    const std::string name = parts.text(0);
    for (InstalledFile& file : *list) {
      if (file.name == name) file.bound_parts.push_back({parts.text(1), parts.text(2)});
    }
  }
  return std::shared_ptr<const FileList>(std::move(list));
}

Status InstalledFiles::add(const InstalledFile& file) {
  std::lock_guard lock(database_mutex_);
  list_.reset();
  SEL_TRY(transaction, Database::Transaction::begin(*database_));
  // An upsert and not REPLACE, which would delete the row first, and its bindings with it.
  SEL_TRY(row, database_->prepare(
                   "INSERT INTO files VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)"
                   " ON CONFLICT(name) DO UPDATE SET file = ?2, sha256 = ?3, bytes = ?4,"
                   " source = ?5, task = ?6, artifact = ?7, architecture = ?8, dimensions = ?9,"
                   " parameters = ?10, added_at = ?11"));
  row.bind(1, file.name).bind(2, file.file).bind(3, file.sha256);
  row.bind(4, static_cast<std::int64_t>(file.bytes)).bind(5, file.source);
  row.bind(6, task_name(file.task)).bind(7, file.artifact).bind(8, file.architecture);
  row.bind(9, std::int64_t{file.dimensions}).bind(10, static_cast<std::int64_t>(file.parameters));
  row.bind(11, seconds_now());
  SEL_CHECK_OK(finish(row));
  SEL_TRY(binding, database_->prepare("INSERT INTO bindings VALUES(?1, ?2)"
                                      " ON CONFLICT(model) DO UPDATE SET name = ?2"));
  for (const std::string& id : file.bound_ids) {
    binding.bind(1, id).bind(2, file.name);
    SEL_CHECK_OK(finish(binding));
  }
  SEL_TRY(part, database_->prepare("INSERT INTO part_bindings VALUES(?1, ?2, ?3)"
                                   " ON CONFLICT(model, part) DO UPDATE SET name = ?3"));
  for (const BoundPart& bound : file.bound_parts) {
    part.bind(1, bound.id).bind(2, bound.part).bind(3, file.name);
    SEL_CHECK_OK(finish(part));
  }
  return transaction.commit();
}

Status InstalledFiles::remove(std::string_view name) {
  std::lock_guard lock(database_mutex_);
  list_.reset();
  SEL_TRY(transaction, Database::Transaction::begin(*database_));
  SEL_TRY(deletion, database_->prepare("DELETE FROM files WHERE name = ?1 RETURNING name"));
  deletion.bind(1, name);
  SEL_TRY(deleted, deletion.step());
  if (!deleted) {
    return Error{Code::not_found, "no installed file is called \"" + std::string(name) + "\""};
  }
  // Until it is done, the statement would keep the transaction from committing.
  SEL_TRY(more, deletion.step());
  deletion.reset();
  return transaction.commit();
}

}  // namespace selvedge::catalog
