// Test models: opened once.
#include "engines/test_models.h"

#include <map>

#include <gtest/gtest.h>

#include "engines/engine_log.h"
#include "engines/test_files.h"

namespace selvedge::engines {

EngineLog& test_engine_log() {
  static EngineLog log;
  return log;
}

std::shared_ptr<const LlamaModel> open_test_model(const std::string& file) {
  static std::map<std::string, std::shared_ptr<const LlamaModel>> opened;
  if (opened[file]) return opened[file];
  const std::string path = test_model_path(file);
  if (path.empty()) return nullptr;
  auto model = LlamaModel::open(path, test_engine_log(), [](float) { return true; });
  if (!model.ok()) {
    ADD_FAILURE() << model.error().message;
    return nullptr;
  }
  return opened[file] = std::move(*model);
}

}  // namespace selvedge::engines
