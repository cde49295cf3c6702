// Database: one SQLite connection and its statements, with errors as values.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>

#include "base/result.h"

struct sqlite3;
struct sqlite3_stmt;

namespace selvedge::catalog {

// A prepared statement. Parameters and columns count as in SQLite: from 1, and from 0.
class Statement {
 public:
  // Text is copied.
  Statement& bind(int parameter, std::string_view text);
  Statement& bind(int parameter, std::int64_t number);
  Statement& bind(int parameter, double number);
  // True: a row is there. False: done. After an error the statement is reset.
  Result<bool> step();
  std::string text(int column) const;
  std::int64_t number(int column) const;
  double real(int column) const;
  void reset();

 private:
  friend class Database;
  struct Finish {
    void operator()(sqlite3_stmt* statement) const;
  };
  std::unique_ptr<sqlite3_stmt, Finish> statement_;
};

// Not thread-safe. Errors everywhere: io, corrupt_data (the file is no database, or damaged),
// unavailable (another process holds it for longer than 5 s).
class Database {
 public:
  // Opens or creates the file, in WAL mode, so that several processes read while one writes.
  static Result<std::unique_ptr<Database>> open(const std::filesystem::path& file);

  Result<Statement> prepare(std::string_view sql);
  Status run(const char* sql);

  // All of `sql`'s writes between begin and commit, or none: a Transaction that is not committed is
  // rolled back.
  class Transaction {
   public:
    static Result<Transaction> begin(Database& database);
    ~Transaction();
    Transaction(Transaction&& other) noexcept;
    Transaction& operator=(Transaction&&) = delete;
    Status commit();

   private:
    explicit Transaction(Database& database) : database_(&database) {}
    Database* database_ = nullptr;  // Null when committed.
  };

 private:
  struct Close {
    void operator()(sqlite3* connection) const;
  };
  std::unique_ptr<sqlite3, Close> connection_;
};

}  // namespace selvedge::catalog
