// Installed files: the catalogue's rows in SQLite.
#include "catalog/installed_files.h"

#include <chrono>
#include <utility>

#include "catalog/task_names.h"

namespace selvedge::catalog {

namespace {

constexpr std::int64_t kSchemaVersion = 1;
constexpr std::string_view kLegacy = "legacy";

constexpr const char* kSchema =
    "CREATE TABLE IF NOT EXISTS files(name TEXT PRIMARY KEY NOT NULL, file TEXT NOT NULL UNIQUE,"
    " sha256 TEXT NOT NULL, bytes INTEGER NOT NULL, source TEXT NOT NULL, task TEXT NOT NULL,"
    " artifact TEXT NOT NULL, architecture TEXT NOT NULL, dimensions INTEGER NOT NULL,"
    " parameters INTEGER NOT NULL, added_at INTEGER NOT NULL);"
    "CREATE TABLE IF NOT EXISTS bindings(model TEXT PRIMARY KEY NOT NULL,"
    " name TEXT NOT NULL REFERENCES files(name) ON DELETE CASCADE ON UPDATE CASCADE);"
    "PRAGMA user_version = 1;";

// Came later; versions of the program that do not know it leave it alone.
constexpr const char* kLaterTables =
    "CREATE TABLE IF NOT EXISTS part_bindings(model TEXT NOT NULL, part TEXT NOT NULL,"
    " name TEXT NOT NULL REFERENCES files(name) ON DELETE CASCADE ON UPDATE CASCADE,"
    " PRIMARY KEY(model, part));"
    "CREATE TABLE IF NOT EXISTS own_models(model TEXT PRIMARY KEY NOT NULL"
    " REFERENCES bindings(model) ON DELETE CASCADE, task TEXT NOT NULL, schema TEXT NOT NULL,"
    " context_tokens INTEGER NOT NULL, inputs_like TEXT NOT NULL);"
    "CREATE TABLE IF NOT EXISTS further_files(name TEXT NOT NULL REFERENCES files(name)"
    " ON DELETE CASCADE ON UPDATE CASCADE, at INTEGER NOT NULL, file TEXT NOT NULL,"
    " bytes INTEGER NOT NULL, PRIMARY KEY(name, at));";

Status create_tables(Database& database) {
  SEL_TRY(version, database.prepare("PRAGMA user_version"));
  SEL_TRY(has_row, version.step());
  const std::int64_t found = has_row ? version.number(0) : 0;
  version.reset();
  if (found == kSchemaVersion) return database.run(kLaterTables);
  if (found != 0) {
    return Error{Code::corrupt_data, "catalog.db was written by another version of selvedge"};
  }
  SEL_TRY(transaction, Database::Transaction::begin(database));
  SEL_CHECK_OK(database.run(kSchema));
  SEL_CHECK_OK(database.run(kLaterTables));
  return transaction.commit();
}

// Runs a statement that returns no rows.
Status finish(Statement& statement) {
  SEL_TRY(has_row, statement.step());
  statement.reset();
  return ok_status();
}

// Calls `row` for each row of a statement whose first column is a file's name.
template <class Row>
Status of_files(Database& database, FileList& list, const char* sql, Row row) {
  SEL_TRY(rows, database.prepare(sql));
  while (true) {
    SEL_TRY(has_row, rows.step());
    if (!has_row) return ok_status();
    const std::string name = rows.text(0);
    for (InstalledFile& file : list) {
      if (file.name == name) row(file, rows);
    }
  }
}

Status read_bindings(Database& database, FileList& list) {
  SEL_CHECK_OK(of_files(
      database, list, "SELECT name, model FROM bindings ORDER BY model",
      [](InstalledFile& file, const Statement& row) { file.bound_ids.push_back(row.text(1)); }));
  SEL_CHECK_OK(of_files(database, list,
                        "SELECT name, model, part FROM part_bindings ORDER BY model, part",
                        [](InstalledFile& file, const Statement& row) {
                          file.bound_parts.push_back({row.text(1), row.text(2)});
                        }));
  SEL_CHECK_OK(of_files(database, list,
                        "SELECT name, model, task, schema, context_tokens, inputs_like"
                        " FROM own_models JOIN bindings USING (model) ORDER BY model",
                        [](InstalledFile& file, const Statement& row) {
                          file.own_models.push_back(
                              {row.text(1), task_from_name(row.text(2)).value_or(Task::other),
                               row.text(3) == kLegacy ? Schema::legacy : Schema::openai,
                               row.number(4), row.text(5)});
                        }));
  return of_files(
      database, list, "SELECT name, file, bytes FROM further_files ORDER BY name, at",
      [](InstalledFile& file, const Statement& row) {
        file.further.push_back({row.text(1), static_cast<std::uint64_t>(row.number(2))});
      });
}

Status add_bindings(Database& database, const InstalledFile& file) {
  SEL_TRY(binding, database.prepare("INSERT INTO bindings VALUES(?1, ?2)"
                                    " ON CONFLICT(model) DO UPDATE SET name = ?2"));
  for (const std::string& id : file.bound_ids) {
    binding.bind(1, id).bind(2, file.name);
    SEL_CHECK_OK(finish(binding));
  }
  SEL_TRY(part, database.prepare("INSERT INTO part_bindings VALUES(?1, ?2, ?3)"
                                 " ON CONFLICT(model, part) DO UPDATE SET name = ?3"));
  for (const BoundPart& bound : file.bound_parts) {
    part.bind(1, bound.id).bind(2, bound.part).bind(3, file.name);
    SEL_CHECK_OK(finish(part));
  }
  SEL_TRY(own, database.prepare("INSERT OR REPLACE INTO own_models VALUES(?1, ?2, ?3, ?4, ?5)"));
  for (const OwnModel& model : file.own_models) {
    own.bind(1, model.id).bind(2, task_name(model.task));
    own.bind(3, model.schema == Schema::legacy ? kLegacy : "openai");
    own.bind(4, model.context_tokens).bind(5, model.inputs_like);
    SEL_CHECK_OK(finish(own));
  }
  SEL_TRY(further, database.prepare("INSERT OR REPLACE INTO further_files VALUES(?1, ?2, ?3, ?4)"));
  for (std::size_t at = 0; at < file.further.size(); ++at) {
    further.bind(1, file.name).bind(2, static_cast<std::int64_t>(at));
    further.bind(3, file.further[at].file);
    further.bind(4, static_cast<std::int64_t>(file.further[at].bytes));
    SEL_CHECK_OK(finish(further));
  }
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
  SEL_CHECK_OK(read_bindings(*database_, *list));
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
  SEL_CHECK_OK(add_bindings(*database_, file));
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

Status InstalledFiles::unbind(std::string_view id) {
  std::lock_guard lock(database_mutex_);
  list_.reset();
  SEL_TRY(transaction, Database::Transaction::begin(*database_));
  bool any = false;
  for (const char* sql : {"DELETE FROM bindings WHERE model = ?1 RETURNING name",
                          "DELETE FROM part_bindings WHERE model = ?1 RETURNING name"}) {
    SEL_TRY(deletion, database_->prepare(sql));
    deletion.bind(1, id);
    while (true) {
      SEL_TRY(deleted, deletion.step());
      if (!deleted) break;
      any = true;
    }
  }
  if (!any) return Error{Code::not_found, "no file is bound to \"" + std::string(id) + "\""};
  return transaction.commit();
}

}  // namespace selvedge::catalog
