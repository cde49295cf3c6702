// Local catalogue: the Catalog of one home folder.
#pragma once

#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "catalog/catalog.h"
#include "catalog/installed_files.h"
#include "catalog/intake.h"
#include "catalog/model_table.h"
#include "catalog/resolver.h"
#include "catalog/weights_check.h"

namespace selvedge::catalog {

class LocalCatalog final : public Catalog {
 public:
  // With a table of the caller's; Catalog::open takes the built-in one. Errors: as Catalog::open.
  static Result<std::unique_ptr<Catalog>> open(const std::filesystem::path& home, Profile profile,
                                               std::shared_ptr<const ModelTable> table);

  LocalCatalog(std::filesystem::path models_folder, Profile profile,
               std::shared_ptr<const ModelTable> table, std::unique_ptr<InstalledFiles> files);

  std::span<const ModelEntry> entries() const override { return table_->entries(); }
  std::span<const Artifact> artifacts() const override { return table_->artifacts(); }
  Result<const ModelEntry*> find(std::string_view id) const override;
  Result<Resolved> resolve(std::string_view id) const override;
  Result<std::vector<Installed>> installed() const override;
  Result<Installed> import(const std::filesystem::path& file, std::span<const std::string> as_ids,
                           const Progress& progress) override;
  Result<Installed> import_part(const std::filesystem::path& file, std::string_view part,
                                std::span<const std::string> as_ids,
                                const Progress& progress) override;
  Result<Installed> pull(std::string_view id_or_name, const Progress& progress) override;
  Status remove(std::string_view name_or_id) override;

 private:
  Installed describe(const InstalledFile& file, const FileList& files) const;
  Result<Installed> described(std::string_view name) const;
  // What an imported file shall be: the weights, or a part, of models.
  struct Binding {
    std::string part;
    std::span<const std::string> ids;

    void add_to(InstalledFile& file) const;
  };
  Status check_ids(const Binding& binding, const GgufSummary& summary,
                   const std::string& file) const;
  Result<Installed> take_in(const std::filesystem::path& file, const Binding& binding,
                            const Progress& progress);
  // The file with this sum, when it is there: it is bound besides.
  Result<std::optional<Installed>> reuse(const std::string& sha256, const Binding& binding);
  Result<InstalledFile> row_for(const std::filesystem::path& source, const std::string& sha256,
                                const GgufSummary& summary) const;
  Result<Installed> install(Intake& intake, const std::string& sha256,
                            const std::filesystem::path& source, const Binding& binding);
  Result<Installed> pull_artifact(const Artifact& artifact, const Progress& progress);
  Result<Installed> install_artifact(Intake& intake, const std::string& sha256,
                                     const Artifact& artifact);
  // Of pull: all errors but io and checksum_mismatch.
  Result<const Artifact*> artifact_to_pull(std::string_view id_or_name) const;
  Result<std::string> fetch(const Artifact& artifact, Intake& intake,
                            const Progress& progress) const;

  std::filesystem::path models_folder_;
  Profile profile_;
  std::shared_ptr<const ModelTable> table_;
  std::unique_ptr<InstalledFiles> files_;
  Resolver resolver_;
};

}  // namespace selvedge::catalog
