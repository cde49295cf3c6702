// Store script: a fixed row of operations that one process does, and what is left of it afterwards.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "workload.h"

namespace selvedge::crash {

struct Script {
  std::string folder;
  std::uint64_t seed = 1;
  std::uint64_t operations = 200;
};

inline constexpr int kNoError = -1;
// One acknowledgement on the pipe: written whole, for it is shorter than PIPE_BUF.
struct Acknowledgement {
  std::uint64_t number = 0;
  std::int32_t code = kNoError;  // Of the error.
  std::int32_t unused = 0;
};
inline constexpr int kAcknowledgements = 100;  // The descriptor they are written to.

// The process itself: does the operations in order, opens the store anew after every 25th, and
// acknowledges each. After a first failure of the disk it goes on to the next opening and ends
// there: an index that failed must refuse every write, and readers must see what was acknowledged
// and nothing else. The exit code is 0 when all of that held; kDiskKeptFailing when every try to
// open it failed with `io`; else a line on stderr says what did not hold.
inline constexpr int kDiskKeptFailing = 8;
int play(const Script& script);

// Lets the indexes of a script's store do what they do in the background.
void settle(vectors::Store& store);

// The other side, in another process: the store in `folder` must hold what was acknowledged. Of
// what was not (the operation after the last one, those that answered `io`) one may be there, too,
// whole. `going_on`: then three more operations must work. Empty, or what is wrong.
std::string what_is_wrong(const Script& script, const std::vector<Acknowledgement>& acknowledged,
                          const std::string& folder, bool going_on);

}  // namespace selvedge::crash
