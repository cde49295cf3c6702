// Log tail: tells a torn end of a log from a damaged one, and cuts off what is torn in the middle.
#pragma once

#include <filesystem>

#include "base/result.h"

namespace selvedge::vectors {

// Checks the logs of a RocksDB folder (`*.log`, and the manifest that CURRENT names) before they
// are opened. Recovery verifies the checksum of every record it reads, but some damages look to it
// like the end of the log, and what follows would be lost without a word:
// - in the length of a record of the last block: the record seems longer than its file, as after a
//   crash. It is damage when the checksum fits with one bit of the length turned back.
// - in a type: the record seems to belong to a recycled log. Ours are never recycled.
// - zeros in place of a header, with whole records in later blocks.
// A last record that ends with its file passes; recovery drops it. When the power fails, a disk may
// also hold later pages of the last record and not earlier ones, which read as zeros. Recovery
// would refuse that for ever; nobody was told of such a record, so it is cut off the file here.
// That is done only where a page of zeros explains what does not fit, in the manifest or the newest
// log: each record is synced before the next one is written. Format: 32 KiB blocks of records with
// 7-byte headers (checksum, length, type), as in LevelDB's log_format.md. Errors: corrupt_data
// (names file and offset), io.
Status check_log_tails(const std::filesystem::path& folder);

}  // namespace selvedge::vectors
