// libzip reads the archive in memory; what a part says of its own size is not believed.
#include "markdown/package.h"

#include <algorithm>
#include <array>
#include <utility>
#include <vector>

#include <zip.h>

namespace selvedge::markdown {
namespace {

constexpr std::size_t kRelationsMax = 200'000;

struct CloseFile {
  void operator()(zip_file_t* file) const { zip_fclose(file); }
};

// "word/document.xml" and "../media/a.png" -> "media/a.png"; without dots that lead above.
std::string resolved(const std::string& part, std::string_view target) {
  std::vector<std::string> steps;
  std::string path = target.starts_with('/')
                         ? std::string(target.substr(1))
                         : part.substr(0, part.rfind('/') + 1) + std::string(target);
  std::size_t at = 0;
  while (at <= path.size()) {
    const std::size_t end = std::min(path.find('/', at), path.size());
    std::string step = path.substr(at, end - at);
    if (step == "..") {
      if (!steps.empty()) steps.pop_back();
    } else if (!step.empty() && step != ".") {
      steps.push_back(std::move(step));
    }
    at = end + 1;
  }
  std::string out;
  for (const std::string& step : steps) out += (out.empty() ? "" : "/") + step;
  return out;
}

}  // namespace

void Package::Close::operator()(zip* archive) const { zip_discard(archive); }

Result<Package> Package::open(std::string_view bytes) {
  zip_error_t error;
  zip_error_init(&error);
  zip_source_t* source = zip_source_buffer_create(bytes.data(), bytes.size(), 0, &error);
  zip_t* archive = source == nullptr ? nullptr : zip_open_from_source(source, ZIP_RDONLY, &error);
  if (archive == nullptr && source != nullptr) zip_source_free(source);
  zip_error_fini(&error);
  if (archive != nullptr) return Package(archive);
  // The binary files of older programs begin like this; so do encrypted newer ones.
  if (bytes.starts_with("\xd0\xcf\x11\xe0")) {
    return Error{Code::file_invalid, "this file is encrypted, or of an older program"};
  }
  return Error{Code::file_invalid, "this is no archive, as files of this format are"};
}

bool Package::has(const std::string& path) const {
  return zip_name_locate(archive_.get(), path.c_str(), ZIP_FL_NOCASE) >= 0;
}

Result<std::string> Package::part(const std::string& path) {
  const zip_int64_t at = zip_name_locate(archive_.get(), path.c_str(), ZIP_FL_NOCASE);
  if (at < 0) return Error{Code::file_invalid, "there is no " + path + " in this file"};
  const std::unique_ptr<zip_file_t, CloseFile> file(
      zip_fopen_index(archive_.get(), static_cast<zip_uint64_t>(at), 0));
  if (file == nullptr) {
    return Error{Code::file_invalid, path + " in this file is encrypted or cannot be unpacked"};
  }
  std::string bytes;
  std::array<char, 65'536> chunk;
  for (;;) {
    const zip_int64_t count = zip_fread(file.get(), chunk.data(), chunk.size());
    if (count < 0) return Error{Code::file_invalid, path + " in this file is damaged"};
    if (count == 0) return bytes;
    bytes.append(chunk.data(), static_cast<std::size_t>(count));
    unpacked_ += static_cast<std::size_t>(count);
    if (bytes.size() > kPartBytesMax || unpacked_ > kTotalBytesMax) {
      return Error{Code::file_invalid, "this file is too large when it is unpacked"};
    }
  }
}

Result<XmlTree> Package::xml_part(const std::string& path) {
  SEL_TRY(bytes, part(path));
  return parse_xml(bytes, nullptr, path + " in this file");
}

Relations relations_of(Package& package, const std::string& path) {
  const std::size_t slash = path.rfind('/');
  const std::string folder = slash == std::string::npos ? "" : path.substr(0, slash + 1);
  const std::string name = slash == std::string::npos ? path : path.substr(slash + 1);
  Relations relations;
  const std::string rels = folder + "_rels/" + name + ".rels";
  if (!package.has(rels)) return relations;
  const auto tree = package.xml_part(rels);
  if (!tree.ok()) return relations;
  const xmlNode* root = xmlDocGetRootElement(tree->get());
  for (const xmlNode* one = root->children; one != nullptr; one = one->next) {
    if (!is(*one, "Relationship") || relations.size() >= kRelationsMax) continue;
    Relation relation;
    relation.external = attribute(*one, "TargetMode") == "External";
    const std::string target = attribute(*one, "Target");
    relation.target = relation.external ? target : resolved(path, target);
    const std::string type = attribute(*one, "Type");
    relation.type = type.substr(type.rfind('/') + 1);
    relations.emplace(attribute(*one, "Id"), std::move(relation));
  }
  return relations;
}

}  // namespace selvedge::markdown
