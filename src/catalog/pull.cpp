// Pull: fetches an artifact, verifies it, and installs it.
#include <system_error>
#include <utility>

#include "base/log.h"
#include "base/sha256.h"
#include "catalog/local_catalog.h"
#include "catalog/task_names.h"
#include "catalog/weights_check.h"
#include "http/client.h"

namespace selvedge::catalog {

namespace fs = std::filesystem;

namespace {

constexpr std::uint64_t kUnknownBytesMax = 1024ull * 1024 * 1024 * 1024;

// "https://huggingface.co/owner/name" of a file's address: where licences are accepted.
std::string page_of(const std::string& url) {
  const std::size_t end = url.find("/resolve/");
  return end == std::string::npos ? std::string() : url.substr(0, end);
}

std::uint64_t size_of(const fs::path& file) {
  std::error_code problem;
  const std::uintmax_t bytes = fs::file_size(file, problem);
  return problem ? 0 : bytes;
}

Error not_fetched(const Artifact& artifact, const std::string& reason) {
  std::string message = "\"" + artifact.file + "\" could not be fetched: " + reason;
  const std::string page = page_of(artifact.url);
  if (!page.empty()) {
    message += "; the page of its repository, where a licence may wait to be accepted (" +
               artifact.licence + "): " + page;
  }
  return Error{Code::download_failed, message};
}

}  // namespace

Result<const Artifact*> LocalCatalog::artifact_to_pull(std::string_view id_or_name) const {
  const Artifact* artifact = table_->artifact(id_or_name);
  if (artifact == nullptr) {
    const ModelEntry* entry = table_->find(id_or_name);
    if (entry == nullptr) return unknown_model(id_or_name);
    artifact = table_->exact_artifact(id_or_name);
    if (artifact == nullptr) {
      std::string message = "no file to fetch is known for \"" + entry->id + "\"";
      if (!entry->weights.empty()) {
        message += "; its open weights are at https://huggingface.co/" + entry->weights +
                   ": convert them to GGUF, then \"selvedge import FILE --as " + entry->id + "\"";
      }
      return Error{Code::download_failed, message};
    }
  }
  const bool served =
      artifact->part.empty() ? task_is_served(artifact->task) : part_is_served(artifact->part);
  if (!served) {
    return Error{Code::model_unsupported,
                 "\"" + artifact->name + "\" (" + std::string(task_name(artifact->task)) +
                     (artifact->part.empty() ? "" : ", " + artifact->part) +
                     ") is not served by this build, so it is not fetched"};
  }
  if (artifact->url.empty()) {
    return Error{
        Code::download_failed,
        "\"" + artifact->name +
            "\" is made on this machine by \"./run\" "
            "(tools/models/fetch), not fetched; then \"selvedge import FILE\" takes it in"};
  }
  return artifact;
}

// Completes the partial file and returns its sum.
Result<std::string> LocalCatalog::fetch(const Artifact& artifact, Intake& intake,
                                        const Progress& progress, const std::string& bearer) const {
  const fs::path& partial = intake.partial();
  // More than there should be cannot be continued.
  if (artifact.bytes > 0 && size_of(partial) > artifact.bytes) intake.discard();
  const std::uint64_t have = size_of(partial);
  if (artifact.bytes == 0 || have != artifact.bytes) {
    const std::uint64_t whole = artifact.bytes_about;
    SEL_CHECK_OK(check_room(models_folder_, whole > have ? whole - have : 0, artifact.file));
    const std::uint64_t bytes_max = artifact.bytes > 0 ? artifact.bytes : kUnknownBytesMax;
    const auto tell = [&](std::uint64_t done, std::uint64_t total) {
      if (progress) progress(done, total > 0 ? total : artifact.bytes, "fetching");
    };
    const Status fetched = http::download(artifact.url, partial, bytes_max, tell, bearer);
    if (!fetched.ok()) {
      if (fetched.error().code != Code::download_failed) return fetched.error();
      return not_fetched(artifact, fetched.error().message);
    }
  }
  const std::uint64_t bytes = size_of(partial);
  if (artifact.bytes > 0 && bytes < artifact.bytes) {
    return not_fetched(artifact, "it ended after " + readable_bytes(bytes) + " of " +
                                     readable_bytes(artifact.bytes) + "; try again to continue");
  }
  const std::string_view doing =
      artifact.sha256.empty() ? "recording SHA-256 (none is published)" : "checking";
  return sha256_of_file(partial, [&](std::uint64_t done) {
    if (progress) progress(done, bytes, doing);
  });
}

Result<Installed> LocalCatalog::pull(std::string_view id_or_name, const Progress& progress) {
  SEL_TRY(artifact, artifact_to_pull(id_or_name));
  if (artifact->part.empty()) {
    const bool by_id = artifact->name != id_or_name;
    // The weights last: what is broken off then is still not installed.
    for (const Artifact* part : table_->parts_of(*artifact)) {
      if (part->optional || !(by_id || part->of == artifact->name)) continue;
      const auto named = [&](std::uint64_t done, std::uint64_t total, std::string_view doing) {
        if (progress) progress(done, total, std::string(doing) + " " + part->part);
      };
      SEL_TRY(installed, pull_artifact(*part, named));
    }
  }
  return pull_artifact(*artifact, progress);
}

Result<Installed> LocalCatalog::pull_artifact(const Artifact& artifact, const Progress& progress) {
  SEL_TRY(files, files_->list());
  const InstalledFile* there = resolver_.file_of(*files, artifact);
  if (there != nullptr) return describe(*there, *files);
  SEL_TRY(intake, Intake::begin(models_folder_, artifact.file));
  SEL_TRY(sha256, fetch(artifact, intake, progress, ""));
  if (artifact.sha256.empty()) {
    log::warn("no SHA-256 is published for {}: recorded {}", artifact.file, sha256);
  } else if (sha256 != artifact.sha256) {
    intake.discard();
    return Error{Code::checksum_mismatch, "\"" + artifact.file + "\" has SHA-256 " + sha256 +
                                              ", expected " + artifact.sha256 +
                                              ": what came was thrown away"};
  }
  return install_artifact(intake, sha256, artifact);
}

Result<Installed> LocalCatalog::install_artifact(Intake& intake, const std::string& sha256,
                                                 const Artifact& artifact) {
  const auto summary = check_weights(intake.partial());
  if (!summary.ok()) {
    intake.discard();
    return summary.error();
  }
  InstalledFile row;
  row.name = artifact.name;
  row.file = artifact.file;
  row.sha256 = sha256;
  row.bytes = size_of(intake.partial());
  row.source = artifact.url;
  row.artifact = artifact.name;
  row.task = artifact.task;
  row.architecture = summary->architecture;
  row.dimensions = summary->dimensions;
  row.parameters = summary->parameters;
  SEL_CHECK_OK(intake.settle(row.file));
  SEL_CHECK_OK(files_->add(row));
  return described(row.name);
}

}  // namespace selvedge::catalog
