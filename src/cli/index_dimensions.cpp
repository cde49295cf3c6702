// Reads the sources as text: an id is an id, in whatever language it stands.
#include "cli/index_dimensions.h"

#include <algorithm>
#include <array>
#include <fstream>
#include <iterator>

namespace selvedge::cli {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kDefaultModel = "@cf/baai/bge-base-en-v1.5";
constexpr int kFilesMax = 5'000;
constexpr std::uintmax_t kFileBytesMax = 2 * 1024 * 1024;
constexpr std::array<std::string_view, 12> kSuffixes = {".ts",  ".js",   ".mts",  ".mjs",
                                                        ".cts", ".cjs",  ".tsx",  ".jsx",
                                                        ".py",  ".toml", ".json", ".jsonc"};
constexpr std::array<std::string_view, 4> kSkipped = {"node_modules", "dist", "build", "out"};

bool in_an_id(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
         std::string_view("@/._-").find(c) != std::string_view::npos;
}

bool stands_in(std::string_view text, std::string_view id) {
  for (std::size_t at = text.find(id); at != std::string_view::npos; at = text.find(id, at + 1)) {
    const std::size_t end = at + id.size();
    if (end == text.size() || !in_an_id(text[end])) return true;
  }
  return false;
}

std::string text_of(const fs::path& file) {
  std::error_code error;
  if (const auto bytes = fs::file_size(file, error); error || bytes > kFileBytesMax) return {};
  std::ifstream stream(file, std::ios::binary);
  return {std::istreambuf_iterator<char>(stream), {}};
}

// Links are not followed: they may lead in circles.
std::vector<fs::path> program_texts(const fs::path& place) {
  std::error_code error;
  if (fs::is_regular_file(place, error)) return {place};
  std::vector<fs::path> files;
  fs::recursive_directory_iterator walk(place, fs::directory_options::skip_permission_denied,
                                        error);
  for (int seen = 0; !error && walk != fs::recursive_directory_iterator() && seen < kFilesMax;
       walk.increment(error)) {
    const std::string name = walk->path().filename().string();
    if (walk->is_directory(error)) {
      if (name.starts_with('.') ||
          std::find(kSkipped.begin(), kSkipped.end(), name) != kSkipped.end()) {
        walk.disable_recursion_pending();
      }
    } else if (std::find(kSuffixes.begin(), kSuffixes.end(), walk->path().extension().string()) !=
               kSuffixes.end()) {
      files.push_back(walk->path());
      ++seen;
    }
  }
  return files;
}

}  // namespace

std::vector<const catalog::ModelEntry*> named_embedding_models(const catalog::ModelTable& models,
                                                               const fs::path& place) {
  std::vector<const catalog::ModelEntry*> wanted;
  for (const auto& entry : models.entries()) {
    if (entry.task == catalog::Task::text_embeddings) wanted.push_back(&entry);
  }
  std::vector<bool> named(wanted.size());
  for (const fs::path& file : program_texts(place)) {
    const std::string text = text_of(file);
    for (std::size_t at = 0; at < wanted.size(); ++at) {
      if (!named[at]) named[at] = stands_in(text, wanted[at]->id);
    }
  }
  std::vector<const catalog::ModelEntry*> found;
  for (std::size_t at = 0; at < wanted.size(); ++at) {
    if (named[at]) found.push_back(wanted[at]);
  }
  return found;
}

Result<IndexDimensions> guess_dimensions(const catalog::ModelTable& models,
                                         const std::vector<fs::path>& places) {
  for (const fs::path& place : places) {
    const auto named = named_embedding_models(models, place);
    if (named.empty()) continue;
    std::string ids;
    for (const auto* entry : named) ids += (ids.empty() ? "" : ", ") + entry->id;
    const std::int32_t count = named.front()->output_dimensions;
    const bool same = std::all_of(named.begin(), named.end(), [&](const auto* entry) {
      return entry->output_dimensions == count && count > 0;
    });
    if (!same) {
      return Error{Code::invalid_input, place.string() +
                                            " names embedding models of several or "
                                            "unknown dimensions (" +
                                            ids + "): give --dimensions"};
    }
    return IndexDimensions{count, "of " + ids + ", named in " + place.string()};
  }
  const auto* entry = models.find(kDefaultModel);
  return IndexDimensions{entry->output_dimensions,
                         "of " + entry->id + ", since the source names no embedding model"};
}

}  // namespace selvedge::cli
