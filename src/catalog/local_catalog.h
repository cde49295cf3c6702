// Local catalogue: the Catalog of one home folder.
#pragma once

#include <deque>
#include <filesystem>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "catalog/catalog.h"
#include "catalog/hub.h"
#include "catalog/installed_files.h"
#include "catalog/intake.h"
#include "catalog/model_table.h"
#include "catalog/resolver.h"
#include "catalog/weights_check.h"
#include "catalog/weights_set.h"

namespace selvedge::catalog {

class LocalCatalog final : public Catalog {
 public:
  // With a table of the caller's; Catalog::open takes the built-in one. Errors: as Catalog::open.
  static Result<std::unique_ptr<Catalog>> open(const std::filesystem::path& home, Profile profile,
                                               std::shared_ptr<const ModelTable> table);

  LocalCatalog(std::filesystem::path models_folder, Profile profile,
               std::shared_ptr<const ModelTable> table, std::unique_ptr<InstalledFiles> files);

  std::span<const ModelEntry> entries() const override { return table_->entries(); }
  std::vector<const ModelEntry*> all_entries() const override;
  std::span<const Artifact> artifacts() const override { return table_->artifacts(); }
  Result<const ModelEntry*> find(std::string_view id) const override;
  Result<Resolved> resolve(std::string_view id) const override;
  Result<std::vector<Installed>> installed() const override;
  Result<Installed> take_in(const ImportRequest& request, const Progress& progress) override;
  Result<Installed> pull(std::string_view id_or_name, const Progress& progress) override;
  Status remove(std::string_view name_or_id) override;
  Status unbind(std::string_view id) override;

 private:
  Installed describe(const InstalledFile& file, const FileList& files) const;
  Result<Installed> described(std::string_view name) const;
  // The entry of an own id; null where `id` is none.
  const ModelEntry* own_entry(const FileList& files, std::string_view id) const;
  const ModelEntry* entry_of(const OwnModel& model, std::int32_t dimensions) const;

  // The files of one model on their way in, and what their headers say together.
  struct Incoming;
  Result<Installed> take_in_files(const ImportRequest& request, const std::filesystem::path& source,
                                  const Progress& progress);
  Result<Installed> take_in_from_hub(const ImportRequest& request, const HubReference& from,
                                     const Progress& progress);
  Result<std::optional<Installed>> bind_if_there(const ImportRequest& request,
                                                 const WeightsSet& set);
  Result<std::string> fetch_into(Incoming& incoming, const Hub& hub, const std::string& repository,
                                 const WeightsFile& file, const Progress& progress) const;
  // What the ids of `request` that are no ids of Workers AI become.
  std::vector<OwnModel> own_models(const ImportRequest& request, const GgufSummary& summary) const;
  void bind(InstalledFile& row, const ImportRequest& request, const GgufSummary& summary) const;
  Status check_names(const ImportRequest& request) const;
  Status check_ids(const ImportRequest& request, const GgufSummary& summary,
                   const std::string& file) const;
  // The file with this sum, when it is there: it is bound besides.
  Result<std::optional<Installed>> reuse(const std::string& sha256, const ImportRequest& request,
                                         const GgufSummary& summary);
  Result<InstalledFile> row_for(const Incoming& incoming) const;
  Result<Installed> install(Incoming& incoming, const ImportRequest& request);

  Result<Installed> pull_artifact(const Artifact& artifact, const Progress& progress);
  Result<Installed> install_artifact(Intake& intake, const std::string& sha256,
                                     const Artifact& artifact);
  // Of pull: all errors but io and checksum_mismatch.
  Result<const Artifact*> artifact_to_pull(std::string_view id_or_name) const;
  Result<std::string> fetch(const Artifact& artifact, Intake& intake, const Progress& progress,
                            const std::string& bearer) const;

  std::filesystem::path models_folder_;
  Profile profile_;
  std::shared_ptr<const ModelTable> table_;
  std::unique_ptr<InstalledFiles> files_;
  Resolver resolver_;
  mutable std::mutex own_entries_mutex_;        // Guards what follows.
  mutable std::deque<ModelEntry> own_entries_;  // All that were asked for; none is ever taken out.
};

}  // namespace selvedge::catalog
