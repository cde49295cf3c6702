// Aliases: one table, and the rules that keep each one step away from its model.
#include "catalog/aliases.h"

#include <algorithm>
#include <utility>

#include "catalog/own_id.h"

namespace selvedge::catalog {
namespace {

std::string in_quotes(std::string_view text) { return "\"" + std::string(text) + "\""; }

// One step leads from a name to its model: no alias of an alias, and so no loops.
Status check_step(const std::vector<Alias>& known, const Alias& alias) {
  if (alias.name == alias.id) {
    return Error{Code::invalid_input, in_quotes(alias.name) + " would be an alias of itself"};
  }
  for (const Alias& other : known) {
    if (other.name == alias.id) {
      return Error{Code::invalid_input, in_quotes(alias.id) + " is an alias itself, of " +
                                            in_quotes(other.id) + ": name that"};
    }
    if (other.id == alias.name && other.name != alias.name) {
      return Error{Code::invalid_input, "the alias " + in_quotes(other.name) + " leads to " +
                                            in_quotes(alias.name) + ", which thus can be none"};
    }
  }
  return ok_status();
}

}  // namespace

Result<std::shared_ptr<Aliases>> Aliases::open(const std::filesystem::path& database_file) {
  SEL_TRY(database, Database::open(database_file));
  SEL_CHECK_OK(
      database->run("CREATE TABLE IF NOT EXISTS aliases(name TEXT PRIMARY KEY NOT NULL,"
                    " model TEXT NOT NULL);"));
  SEL_TRY(data_version, database->prepare("PRAGMA data_version"));
  auto aliases = std::make_shared<Aliases>();
  aliases->database_ = std::move(database);
  aliases->data_version_ = std::move(data_version);
  SEL_TRY(list, aliases->list());
  return aliases;
}

Result<std::shared_ptr<const std::vector<Alias>>> Aliases::list() {
  const std::lock_guard lock(database_mutex_);
  // Changes when another connection commits; our own writes drop the list themselves.
  SEL_TRY(has_row, data_version_->step());
  const std::int64_t version = has_row ? data_version_->number(0) : 0;
  data_version_->reset();
  if (list_ != nullptr && version == version_seen_) return list_;
  SEL_TRY(rows, read());
  list_ = rows;
  version_seen_ = version;
  return rows;
}

Result<std::shared_ptr<const std::vector<Alias>>> Aliases::read() {
  auto list = std::make_shared<std::vector<Alias>>();
  SEL_TRY(rows, database_->prepare("SELECT name, model FROM aliases ORDER BY name"));
  while (true) {
    SEL_TRY(has_row, rows.step());
    if (!has_row) break;
    list->push_back({rows.text(0), rows.text(1)});
  }
  return std::shared_ptr<const std::vector<Alias>>(std::move(list));
}

std::string Aliases::target_of(std::string_view name) {
  const auto known = list();
  if (!known.ok()) return std::string(name);
  for (const Alias& alias : **known) {
    if (alias.name == name) return alias.id;
  }
  return std::string(name);
}

Status Aliases::add(const Alias& alias, const Catalog& catalog, bool replace) {
  SEL_TRY(known, list());
  SEL_CHECK_OK(check_step(*known, alias));
  SEL_TRY(target, catalog.find(alias.id));
  const auto model = catalog.find(alias.name);
  if (!model.ok()) SEL_CHECK_OK(check_own_id(catalog.artifacts(), alias.name));
  if (model.ok() && !replace) {
    return Error{Code::already_exists,
                 in_quotes(alias.name) + " is a model" + ((*model)->own ? "" : " of Workers AI") +
                     "; say --replace to let " + in_quotes(alias.id) + " answer for it"};
  }
  for (const Alias& other : *known) {
    if (other.name != alias.name || other.id == alias.id || replace) continue;
    return Error{Code::already_exists,
                 in_quotes(alias.name) + " is an alias of " + in_quotes(other.id) +
                     "; say --replace to make it one of " + in_quotes(alias.id)};
  }
  const std::lock_guard lock(database_mutex_);
  list_.reset();
  SEL_TRY(row, database_->prepare("INSERT INTO aliases VALUES(?1, ?2)"
                                  " ON CONFLICT(name) DO UPDATE SET model = ?2"));
  row.bind(1, alias.name).bind(2, target->id);
  SEL_TRY(done, row.step());
  return ok_status();
}

Status Aliases::remove(std::string_view name) {
  const std::lock_guard lock(database_mutex_);
  list_.reset();
  SEL_TRY(row, database_->prepare("DELETE FROM aliases WHERE name = ?1 RETURNING name"));
  row.bind(1, name);
  SEL_TRY(deleted, row.step());
  if (!deleted) return Error{Code::not_found, "no alias is called " + in_quotes(name)};
  SEL_TRY(more, row.step());
  return ok_status();
}

}  // namespace selvedge::catalog
