// Log tail: tells a torn end of a log from a damaged one.
#pragma once

#include <filesystem>

#include "base/result.h"

namespace selvedge::vectors {

// Checks the logs of a RocksDB folder (`*.log`, `MANIFEST-*`) before they are opened. A last record
// that is longer than its file is what a crash leaves, and recovery drops it. The same is seen when
// a bit of the length of a whole record flips; that record was acknowledged, and this finds it:
// with one bit of the length turned back, the record's checksum fits. Format: 32 KiB blocks of
// records with 7-byte headers, in RocksDB's include of LevelDB's log_format.md. Errors:
// corrupt_data (names file and offset), io.
Status check_log_tails(const std::filesystem::path& folder);

}  // namespace selvedge::vectors
