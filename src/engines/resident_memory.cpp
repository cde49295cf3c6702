// Resident memory: /proc/self/statm.
#include "engines/resident_memory.h"

#include <fstream>

#include <unistd.h>

namespace selvedge::engines {

std::uint64_t resident_bytes() {
  std::ifstream statistics("/proc/self/statm");
  std::uint64_t total_pages = 0;
  std::uint64_t resident_pages = 0;
  statistics >> total_pages >> resident_pages;
  return resident_pages * static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
}

}  // namespace selvedge::engines
