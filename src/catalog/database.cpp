// Database: thin RAII over the C interface of SQLite.
#include "catalog/database.h"

#include <utility>

#include <sqlite3.h>

namespace selvedge::catalog {

namespace {

constexpr int kBusyMsMax = 5'000;

Error error_of(sqlite3* connection) {
  const int reason = connection == nullptr ? SQLITE_NOMEM : sqlite3_errcode(connection);
  const std::string message =
      std::string("catalog.db: ") +
      (connection == nullptr ? "out of memory" : sqlite3_errmsg(connection));
  switch (reason & 0xFF) {
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
      return Error{Code::corrupt_data, message};
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
      return Error{Code::unavailable, message};
    default:
      return Error{Code::io, message};
  }
}

}  // namespace

void Statement::Finish::operator()(sqlite3_stmt* statement) const { sqlite3_finalize(statement); }

void Database::Close::operator()(sqlite3* connection) const { sqlite3_close_v2(connection); }

// A failed bind leaves NULL, which the NOT NULL columns of our tables refuse at the step.
Statement& Statement::bind(int parameter, std::string_view text) {
  sqlite3_bind_text(statement_.get(), parameter, text.data(), static_cast<int>(text.size()),
                    SQLITE_TRANSIENT);
  return *this;
}

Statement& Statement::bind(int parameter, std::int64_t number) {
  sqlite3_bind_int64(statement_.get(), parameter, number);
  return *this;
}

Statement& Statement::bind(int parameter, double number) {
  sqlite3_bind_double(statement_.get(), parameter, number);
  return *this;
}

Result<bool> Statement::step() {
  const int reason = sqlite3_step(statement_.get());
  if (reason == SQLITE_ROW) return true;
  if (reason == SQLITE_DONE) return false;
  Error error = error_of(sqlite3_db_handle(statement_.get()));
  reset();
  return error;
}

std::string Statement::text(int column) const {
  const auto* bytes = sqlite3_column_text(statement_.get(), column);
  const int length = sqlite3_column_bytes(statement_.get(), column);
  if (bytes == nullptr) return {};
  return std::string(reinterpret_cast<const char*>(bytes), static_cast<std::size_t>(length));
}

std::int64_t Statement::number(int column) const {
  return sqlite3_column_int64(statement_.get(), column);
}

double Statement::real(int column) const { return sqlite3_column_double(statement_.get(), column); }

void Statement::reset() { sqlite3_reset(statement_.get()); }

Result<std::unique_ptr<Database>> Database::open(const std::filesystem::path& file) {
  auto database = std::make_unique<Database>();
  sqlite3* connection = nullptr;
  const int reason =
      sqlite3_open_v2(file.c_str(), &connection,
                      SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX, nullptr);
  database->connection_.reset(connection);
  if (reason != SQLITE_OK) return error_of(connection);
  sqlite3_extended_result_codes(connection, 1);
  sqlite3_busy_timeout(connection, kBusyMsMax);
  SEL_CHECK_OK(database->run("PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON;"));
  // The switch to WAL needs the file for itself: when two processes create it at once, one of them
  // does it for both.
  const Status wal = database->run("PRAGMA journal_mode = WAL;");
  if (!wal.ok() && wal.error().code != Code::unavailable) return wal.error();
  return database;
}

Result<Statement> Database::prepare(std::string_view sql) {
  sqlite3_stmt* prepared = nullptr;
  const int reason = sqlite3_prepare_v2(connection_.get(), sql.data(), static_cast<int>(sql.size()),
                                        &prepared, nullptr);
  if (reason != SQLITE_OK) return error_of(connection_.get());
  Statement statement;
  statement.statement_.reset(prepared);
  return statement;
}

Status Database::run(const char* sql) {
  if (sqlite3_exec(connection_.get(), sql, nullptr, nullptr, nullptr) != SQLITE_OK) {
    return error_of(connection_.get());
  }
  return ok_status();
}

Result<Database::Transaction> Database::Transaction::begin(Database& database) {
  SEL_CHECK_OK(database.run("BEGIN IMMEDIATE"));
  return Transaction(database);
}

Database::Transaction::Transaction(Transaction&& other) noexcept
    : database_(std::exchange(other.database_, nullptr)) {}

Database::Transaction::~Transaction() {
  if (database_ == nullptr) return;
  // Fails only when SQLite has rolled back by itself.
  [[maybe_unused]] const Status rolled_back = database_->run("ROLLBACK");
}

Status Database::Transaction::commit() {
  SEL_CHECK_OK(database_->run("COMMIT"));
  database_ = nullptr;
  return ok_status();
}

}  // namespace selvedge::catalog
