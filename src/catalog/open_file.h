// Open file: a descriptor that closes itself, and what a file's failures are called.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>

#include "base/result.h"

namespace selvedge::catalog {

class OpenFile {
 public:
  // `flags` are those of open(2); a file that is created may be read by all.
  OpenFile(const std::filesystem::path& path, int flags);
  ~OpenFile();
  OpenFile(const OpenFile&) = delete;
  OpenFile& operator=(const OpenFile&) = delete;
  bool ok() const { return number_ >= 0; }
  int number() const { return number_; }

 private:
  int number_;
};

// By errno, which must be that of the failure: cannot <doing> "<path>": <why>.
Error io_error(const std::string& doing, const std::filesystem::path& path);

// All of them, or false with errno set.
bool write_all(int file, std::string_view bytes);

// What was written to the file or folder is there after a power cut. `flags` as in OpenFile.
// Errors: io.
Status sync(const std::filesystem::path& path, int flags);

}  // namespace selvedge::catalog
