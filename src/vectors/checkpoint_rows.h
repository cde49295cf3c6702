// Checkpoint rows: the sections of a checkpoint that hold rows, but for their values.
#pragma once

#include <span>
#include <stop_token>

#include "base/result.h"
#include "vectors/checkpoint_file.h"
#include "vectors/rows.h"
#include "vectors/snapshot.h"
#include "vectors/stored_rows.h"

namespace selvedge::vectors {

// Writes what `snapshot` sees. `free`: slots to which nothing points. `with_properties`: whether
// properties were read from metadata at all. Errors: io, cancelled.
Status write_rows(CheckpointWriter& writer, const Snapshot& snapshot, std::span<const Slot> free,
                  bool with_properties, const std::stop_token& stop);

// Borrows from `file`. `with_properties`: as above; columns that were written otherwise are left
// out. Errors: corrupt_data.
Result<StoredRows> read_rows(const CheckpointFile& file, bool with_properties);

// A column of the rows that `stored` gave, made from one of its columns.
Rows::Draft restore_column(const Rows& rows, const StoredRows& stored, const StoredColumn& column);

}  // namespace selvedge::vectors
