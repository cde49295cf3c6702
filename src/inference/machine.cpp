// Machine: in a container the whole host's cores are visible, though only some may be used.
#include "inference/machine.h"

#include <algorithm>
#include <charconv>
#include <fstream>
#include <string>
#include <thread>

#include <unistd.h>

namespace selvedge::inference {
namespace {

// Empty when there is no such file: not every system has control groups.
std::string first_line(const char* path) {
  std::ifstream file(path);
  std::string line;
  std::getline(file, line);
  return line;
}

std::optional<std::uint64_t> parse_number(std::string_view text) {
  std::uint64_t number = 0;
  const char* end = text.data() + text.size();
  const auto parsed = std::from_chars(text.data(), end, number);
  if (parsed.ec != std::errc() || parsed.ptr != end) return std::nullopt;
  return number;
}

}  // namespace

std::optional<std::int32_t> cores_of_quota(std::string_view cpu_max) {
  const auto space = cpu_max.find(' ');
  if (space == std::string_view::npos) return std::nullopt;
  const auto quota = parse_number(cpu_max.substr(0, space));
  const auto period = parse_number(cpu_max.substr(space + 1));
  if (!quota || !period || *quota == 0 || *period == 0) return std::nullopt;
  const std::uint64_t cores = (*quota + *period - 1) / *period;
  return static_cast<std::int32_t>(std::min<std::uint64_t>(cores, 4'096));
}

std::int32_t machine_cores() {
  auto cores = static_cast<std::int32_t>(std::thread::hardware_concurrency());
  const auto quota = cores_of_quota(first_line("/sys/fs/cgroup/cpu.max"));
  if (quota) cores = std::min(cores, *quota);
  return std::max(cores, 1);
}

std::uint64_t machine_memory_bytes() {
  const auto pages = static_cast<std::uint64_t>(::sysconf(_SC_PHYS_PAGES));
  const auto page_bytes = static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
  const std::uint64_t physical = pages * page_bytes;
  const auto allowed = parse_number(first_line("/sys/fs/cgroup/memory.max"));
  return allowed ? std::min(physical, *allowed) : physical;
}

}  // namespace selvedge::inference
