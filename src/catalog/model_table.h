// Model table: the ids and artifacts that the binary was built with.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/result.h"
#include "catalog/catalog.h"

namespace selvedge::catalog {

// Read once, then constant. Pointers into it live as long as it does; it does not move.
class ModelTable {
 public:
  // From the texts of data/models.json and data/artifacts.json: checks that ids, names and sums are
  // unique, prices are not negative, and artifacts name ids that exist. Errors: corrupt_data.
  static Result<std::shared_ptr<const ModelTable>> parse(std::string_view models,
                                                         std::string_view artifacts);
  // The texts that were compiled in.
  static Result<std::shared_ptr<const ModelTable>> built_in();

  const std::vector<ModelEntry>& entries() const { return entries_; }
  const std::vector<Artifact>& artifacts() const { return artifacts_; }

  // Null when there is none.
  const ModelEntry* find(std::string_view id) const;
  const Artifact* artifact(std::string_view name) const;
  const Artifact* artifact_by_sha256(std::string_view sha256) const;
  // The first artifact that is the exact weights of `id` (no projector or other part).
  const Artifact* exact_artifact(std::string_view id) const;
  // The parts of the models that `weights` is of.
  std::vector<const Artifact*> parts_of(const Artifact& weights) const;

 private:
  Status check() const;

  std::vector<ModelEntry> entries_;
  std::vector<Artifact> artifacts_;
  std::unordered_map<std::string_view, const ModelEntry*> by_id_;  // Views into entries_.
};

// The same id has the same UUID on every machine.
std::string uuid_of_id(const std::string& id);

// "4.9 GB", "98 MB", "12 kB": decimal, as download pages write it.
std::string readable_bytes(std::uint64_t bytes);

}  // namespace selvedge::catalog
