// Test files: where they are.
#include "engines/test_files.h"

#include <cstdlib>
#include <filesystem>

#include <gtest/gtest.h>

namespace selvedge::engines {
namespace {

std::string variable(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? std::string() : std::string(value);
}

std::filesystem::path models_folder() {
  if (const auto folder = variable("SELVEDGE_TEST_MODELS"); !folder.empty()) return folder;
  if (const auto cache = variable("SELVEDGE_CACHE"); !cache.empty()) {
    return std::filesystem::path(cache) / "models";
  }
  if (const auto cache = variable("XDG_CACHE_HOME"); !cache.empty()) {
    return std::filesystem::path(cache) / "selvedge/models";
  }
  return std::filesystem::path(variable("HOME")) / ".cache/selvedge/models";
}

}  // namespace

std::string test_model_path(const std::string& file, const std::string& fetch_option) {
  const std::filesystem::path path = models_folder() / file;
  std::error_code ignored;
  if (std::filesystem::is_regular_file(path, ignored)) return path.string();
  ADD_FAILURE() << path.string() << " is missing; get it with: tools/models/fetch " << fetch_option;
  return {};
}

}  // namespace selvedge::engines
