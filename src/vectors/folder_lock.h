// FolderLock: keeps a second process (or a second opening) out of a folder.
#pragma once

#include <filesystem>
#include <memory>

#include "base/result.h"

namespace selvedge::vectors {

// Held while the object lives; the system lets go when the process ends, however it ends.
class FolderLock {
 public:
  static constexpr const char* kFile = "LOCK.selvedge";

  // Creates `folder` (and its parents) when missing, and the file LOCK.selvedge in it. Errors: io,
  // unavailable (the message names the folder).
  static Result<std::unique_ptr<FolderLock>> take(const std::filesystem::path& folder);
  // Owns `file`, open and locked.
  explicit FolderLock(int file) : file_(file) {}
  ~FolderLock();
  FolderLock(const FolderLock&) = delete;
  FolderLock& operator=(const FolderLock&) = delete;

 private:
  int file_;
};

}  // namespace selvedge::vectors
