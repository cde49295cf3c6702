// Package: the files inside of an office document, which is a ZIP archive.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>

#include "base/result.h"
#include "markdown/xml_tree.h"

struct zip;

namespace selvedge::markdown {

class Package {
 public:
  static constexpr std::size_t kPartBytesMax = 128u * 1024 * 1024;
  static constexpr std::size_t kTotalBytesMax = 256u * 1024 * 1024;  // All that is unpacked.

  // `bytes` are borrowed. Errors: file_invalid (no ZIP archive).
  static Result<Package> open(std::string_view bytes);

  bool has(const std::string& path) const;
  // Unpacked. Errors: file_invalid (missing, broken, encrypted, larger than the bounds).
  Result<std::string> part(const std::string& path);
  Result<XmlTree> xml_part(const std::string& path);

 private:
  struct Close {
    void operator()(zip* archive) const;
  };

  explicit Package(zip* archive) : archive_(archive) {}

  std::unique_ptr<zip, Close> archive_;
  std::size_t unpacked_ = 0;
};

// Relations of a part: where its ids lead.
struct Relation {
  std::string target;  // A path in the package, or a URL.
  std::string type;    // The last word of its type: "image", "hyperlink".
  bool external = false;
};
using Relations = std::unordered_map<std::string, Relation>;

// Of the part at `path` ("word/document.xml"); empty where it has none.
Relations relations_of(Package& package, const std::string& path);

}  // namespace selvedge::markdown
