// Recording folder: the files of recorded calls and models.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json.hpp>

#include "base/result.h"
#include "catalog/catalog.h"
#include "inference/recorded_call.h"

namespace selvedge::inference {

// Format: docs/formats/recordings.md. Thread-safe; methods block. Files appear whole or not at all,
// also with several servers that write into one folder. Of a file that is damaged the error names
// the file and what is wrong with it.
class RecordingFolder {
 public:
  // For writing; made when it is missing. Errors: io.
  static Result<std::shared_ptr<RecordingFolder>> create(const std::filesystem::path& path);
  // For reading: what is in it now. Errors: not_found, io, corrupt_data (a model's file).
  static Result<std::shared_ptr<RecordingFolder>> open(const std::filesystem::path& path);

  explicit RecordingFolder(std::filesystem::path path) : path_(std::move(path)) {}

  const std::filesystem::path& path() const { return path_; }

  // `number`: from 1, of equal calls. Replaces what is there. Errors: io.
  Status write(const AskedCall& call, std::uint32_t number, const nlohmann::json& answer);

  // Notes what answers for a model; writes when that is news. Errors: io.
  Status write_model(const catalog::Resolved& model);

  // The numbers of the recorded calls that are equal to one of this name, in order.
  std::vector<std::uint32_t> numbers(std::string_view name) const;

  // The member `answer`. Errors: io, corrupt_data.
  Result<nlohmann::json> read(const AskedCall& call, std::uint32_t number) const;

  // What answered for the model when it was recorded; without a path. Errors: model_not_installed
  // (nothing was recorded of it).
  Result<catalog::Resolved> model(const catalog::ModelEntry& entry) const;

 private:
  Status write_file(const std::string& name, const nlohmann::json& content);
  Result<nlohmann::json> read_file(const std::string& name, std::string_view kind) const;
  Status list();

  const std::filesystem::path path_;
  mutable std::mutex state_mutex_;  // Guards what follows; held for no I/O.
  std::map<std::string, std::vector<std::uint32_t>, std::less<>> numbers_;
  std::map<std::string, catalog::Resolved, std::less<>> models_;  // By id.
  std::uint64_t files_written_ = 0;
};

}  // namespace selvedge::inference
