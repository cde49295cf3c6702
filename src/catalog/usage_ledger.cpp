// Usage ledger: sums in memory, and rows in SQLite that they are added to.
#include "catalog/usage_ledger.h"

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <utility>

namespace selvedge::catalog {
namespace {

namespace fs = std::filesystem;

constexpr std::int64_t kDayUs = 86'400'000'000;

constexpr const char* kSchema =
    "CREATE TABLE IF NOT EXISTS model_use(day TEXT NOT NULL, account TEXT NOT NULL,"
    " key TEXT NOT NULL, model TEXT NOT NULL, calls INTEGER NOT NULL, neurons REAL NOT NULL,"
    " input_tokens INTEGER NOT NULL, cached_tokens INTEGER NOT NULL,"
    " output_tokens INTEGER NOT NULL, audio_s REAL NOT NULL, pictures INTEGER NOT NULL,"
    " PRIMARY KEY(day, account, key, model)) WITHOUT ROWID;"
    "CREATE TABLE IF NOT EXISTS index_use(day TEXT NOT NULL, account TEXT NOT NULL,"
    " index_name TEXT NOT NULL, queries INTEGER NOT NULL, dimensions INTEGER NOT NULL,"
    " vectors_most INTEGER NOT NULL, PRIMARY KEY(day, account, index_name)) WITHOUT ROWID;";

constexpr const char* kAddModel =
    "INSERT INTO model_use VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)"
    " ON CONFLICT DO UPDATE SET calls = calls + ?5, neurons = neurons + ?6,"
    " input_tokens = input_tokens + ?7, cached_tokens = cached_tokens + ?8,"
    " output_tokens = output_tokens + ?9, audio_s = audio_s + ?10, pictures = pictures + ?11";
constexpr const char* kAddIndex =
    "INSERT INTO index_use VALUES(?1, ?2, ?3, ?4, ?5, ?6)"
    " ON CONFLICT DO UPDATE SET queries = queries + ?4, dimensions = ?5,"
    " vectors_most = max(vectors_most, ?6)";

// Days are compared as text: those that begin with `days` are from it up to what follows them all.
constexpr const char* kModels =
    "SELECT day, account, key, model, calls, neurons, input_tokens, cached_tokens, output_tokens,"
    " audio_s, pictures FROM model_use WHERE day >= ?1 AND day < ?1 || '~' ORDER BY 1, 2, 3, 4";
constexpr const char* kIndexes =
    "SELECT day, account, index_name, queries, dimensions, vectors_most FROM index_use"
    " WHERE day >= ?1 AND day < ?1 || '~' ORDER BY 1, 2, 3";

std::string day_of(std::int64_t us) {
  const std::chrono::sys_days day(std::chrono::days(us / kDayUs));
  const std::chrono::year_month_day date(day);
  char text[32];
  std::snprintf(text, sizeof text, "%04d-%02u-%02u", static_cast<int>(date.year()),
                static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()));
  return text;
}

Status finish(Statement& statement) {
  SEL_TRY(has_row, statement.step());
  statement.reset();
  return ok_status();
}

}  // namespace

ModelUse& ModelUse::operator+=(const ModelUse& other) {
  calls += other.calls;
  neurons += other.neurons;
  input_tokens += other.input_tokens;
  cached_tokens += other.cached_tokens;
  output_tokens += other.output_tokens;
  audio_s += other.audio_s;
  pictures += other.pictures;
  return *this;
}

VectorUse& VectorUse::operator+=(const VectorUse& other) {
  queries += other.queries;
  if (other.dimensions > 0) dimensions = other.dimensions;
  vectors_most = std::max(vectors_most, other.vectors_most);
  return *this;
}

Result<std::unique_ptr<UsageLedger>> UsageLedger::open(const fs::path& home, Clock now_us) {
  auto ledger = std::make_unique<UsageLedger>();
  ledger->now_us_ = std::move(now_us);
  SEL_TRY(database, Database::open(home / "usage.db"));
  ledger->database_ = std::move(database);
  SEL_CHECK_OK(ledger->database_->run(kSchema));
  SEL_CHECK_OK(ledger->load_today());
  return ledger;
}

Status UsageLedger::load_today() {
  SEL_TRY(rows, model_rows(today()));
  const std::lock_guard lock(new_mutex_);
  counted_day_ = day_of(now_us_());
  for (const ModelRow& row : rows) counted_[row.account] += row.use.neurons;
  return ok_status();
}

void UsageLedger::add(std::string_view account, std::string_view key, std::string_view model,
                      const ModelUse& use) {
  const std::lock_guard lock(new_mutex_);
  const std::string day = day_of(now_us_());
  new_models_[{day, std::string(account), std::string(key), std::string(model)}] += use;
  if (day != counted_day_) {
    counted_day_ = day;
    counted_.clear();
  }
  counted_[std::string(account)] += use.neurons;
}

void UsageLedger::add(std::string_view account, std::string_view index, const VectorUse& use) {
  const std::lock_guard lock(new_mutex_);
  new_indexes_[{day_of(now_us_()), std::string(account), std::string(index)}] += use;
}

double UsageLedger::neurons_today(std::string_view account) const {
  const std::lock_guard lock(new_mutex_);
  if (counted_day_ != day_of(now_us_())) return 0;
  const auto found = counted_.find(account);
  return found == counted_.end() ? 0 : found->second;
}

std::int64_t UsageLedger::ms_until_tomorrow() const {
  return (kDayUs - now_us_() % kDayUs + 999) / 1'000;
}

std::string UsageLedger::today() const { return day_of(now_us_()); }

Status UsageLedger::flush() {
  const std::lock_guard database(database_mutex_);
  std::map<ModelKey, ModelUse> models;
  std::map<IndexKey, VectorUse> indexes;
  {
    const std::lock_guard lock(new_mutex_);
    models.swap(new_models_);
    indexes.swap(new_indexes_);
  }
  if (models.empty() && indexes.empty()) return ok_status();
  Status written = write(models, indexes);
  if (written.ok()) return written;
  const std::lock_guard lock(new_mutex_);
  for (const auto& [key, use] : models) new_models_[key] += use;
  for (const auto& [key, use] : indexes) new_indexes_[key] += use;
  return written;
}

Status UsageLedger::write(const std::map<ModelKey, ModelUse>& models,
                          const std::map<IndexKey, VectorUse>& indexes) {
  SEL_TRY(transaction, Database::Transaction::begin(*database_));
  SEL_TRY(add_model, database_->prepare(kAddModel));
  for (const auto& [key, use] : models) {
    const auto& [day, account, bearer, model] = key;
    add_model.bind(1, day).bind(2, account).bind(3, bearer).bind(4, model);
    add_model.bind(5, use.calls).bind(6, use.neurons).bind(7, use.input_tokens);
    add_model.bind(8, use.cached_tokens).bind(9, use.output_tokens).bind(10, use.audio_s);
    add_model.bind(11, use.pictures);
    SEL_CHECK_OK(finish(add_model));
  }
  SEL_TRY(add_index, database_->prepare(kAddIndex));
  for (const auto& [key, use] : indexes) {
    const auto& [day, account, index] = key;
    add_index.bind(1, day).bind(2, account).bind(3, index);
    add_index.bind(4, use.queries).bind(5, use.dimensions).bind(6, use.vectors_most);
    SEL_CHECK_OK(finish(add_index));
  }
  return transaction.commit();
}

Result<std::vector<ModelRow>> UsageLedger::model_rows(std::string_view days) {
  SEL_CHECK_OK(flush());
  const std::lock_guard database(database_mutex_);
  SEL_TRY(statement, database_->prepare(kModels));
  statement.bind(1, days);
  std::vector<ModelRow> rows;
  for (;;) {
    SEL_TRY(has_row, statement.step());
    if (!has_row) return rows;
    ModelRow row{statement.text(0), statement.text(1), statement.text(2), statement.text(3), {}};
    row.use.calls = statement.number(4);
    row.use.neurons = statement.real(5);
    row.use.input_tokens = statement.number(6);
    row.use.cached_tokens = statement.number(7);
    row.use.output_tokens = statement.number(8);
    row.use.audio_s = statement.real(9);
    row.use.pictures = statement.number(10);
    rows.push_back(std::move(row));
  }
}

Result<std::vector<VectorRow>> UsageLedger::index_rows(std::string_view days) {
  SEL_CHECK_OK(flush());
  const std::lock_guard database(database_mutex_);
  SEL_TRY(statement, database_->prepare(kIndexes));
  statement.bind(1, days);
  std::vector<VectorRow> rows;
  for (;;) {
    SEL_TRY(has_row, statement.step());
    if (!has_row) return rows;
    VectorRow row{statement.text(0), statement.text(1), statement.text(2), {}};
    row.use = {statement.number(3), statement.number(4), statement.number(5)};
    rows.push_back(std::move(row));
  }
}

}  // namespace selvedge::catalog
