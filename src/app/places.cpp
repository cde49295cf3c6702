// Follows the XDG base directory specification.
#include "app/places.h"

#include <cstdlib>
#include <system_error>

namespace selvedge::app {
namespace {
std::filesystem::path from_environment(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? std::filesystem::path() : std::filesystem::path(value);
}
}  // namespace

std::filesystem::path default_home() {
  if (auto home = from_environment("SELVEDGE_HOME"); !home.empty()) return home;
  if (auto data = from_environment("XDG_DATA_HOME"); !data.empty()) return data / "selvedge";
  if (auto user = from_environment("HOME"); !user.empty()) return user / ".local/share/selvedge";
  return std::filesystem::current_path() / "selvedge-home";
}

std::filesystem::path executable_folder() {
  std::error_code ignored;
  const auto self = std::filesystem::read_symlink("/proc/self/exe", ignored);
  return self.parent_path();
}

std::filesystem::path default_runner() { return executable_folder() / "selvedge-runner"; }

std::filesystem::path default_converter() { return executable_folder() / "selvedge-converter"; }

}  // namespace selvedge::app
