// Intake: how a file gets into models/: alone, whole, and only then under its name.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>

#include "base/result.h"

namespace selvedge::catalog {

// The right to bring in one file: of all processes and threads one holds it at a time. What is on
// its way is called `<file>.partial`; a kill -9 leaves that and `<file>.partial.lock`, which the
// next intake of the same file takes over.
class Intake {
 public:
  // `file`: name inside `folder`. Errors: unavailable (somebody else is at it), io.
  static Result<Intake> begin(const std::filesystem::path& folder, const std::string& file);
  ~Intake();
  Intake(Intake&& other) noexcept;
  Intake& operator=(Intake&&) = delete;

  const std::filesystem::path& partial() const { return partial_; }

  // Fills the partial file with a copy of `from` and returns its SHA-256. A file system that can
  // share blocks shares them. `on_bytes` (may be empty) is told the bytes done. Errors: io (the
  // partial file is removed).
  Result<std::string> copy(const std::filesystem::path& from,
                           const std::function<void(std::uint64_t)>& on_bytes);

  // Makes the partial file durable and gives it the name `file` in the folder, in place of what had
  // it. Errors: io.
  Status settle(const std::string& file);

  // Removes the partial file and what a download keeps beside it.
  void discard();

 private:
  Intake(std::filesystem::path folder, const std::string& file, int lock);

  std::filesystem::path folder_;
  std::filesystem::path partial_;
  std::filesystem::path lock_path_;
  int lock_ = -1;
};

// Error io when `folder` has no room for `bytes` more (0 = not known: never an error); the message
// says how much is missing.
Status check_room(const std::filesystem::path& folder, std::uint64_t bytes,
                  const std::string& what);

}  // namespace selvedge::catalog
