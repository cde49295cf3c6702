// Log tail: tells a torn end of a log from a damaged one.
#pragma once

#include <filesystem>

#include "base/result.h"

namespace selvedge::vectors {

// Checks the logs of a RocksDB folder (`*.log`, `MANIFEST-*`) before they are opened. Recovery
// verifies the checksum of every record it reads, but two flipped bits look to it like the end of
// the log, and what follows would be lost without a word:
// - in the length of a record of the last block: the record seems longer than its file, as after a
//   crash. It is damage when the checksum fits with one bit of the length turned back.
// - in a type: the record seems to belong to a recycled log. Ours are never recycled.
// A last record that is really torn passes; recovery drops it. Format: 32 KiB blocks of records
// with 7-byte headers (checksum, length, type), as in LevelDB's log_format.md. Errors: corrupt_data
// (names file and offset), io.
Status check_log_tails(const std::filesystem::path& folder);

}  // namespace selvedge::vectors
