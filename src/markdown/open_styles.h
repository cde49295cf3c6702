// OpenDocument styles: what the names in a file's content mean.
#pragma once

#include <string>
#include <unordered_map>
#include <unordered_set>

#include "markdown/document.h"
#include "markdown/xml_tree.h"

namespace selvedge::markdown {

struct OpenStyle {
  bool strong = false;
  bool emphasis = false;
  bool strike = false;
  bool code = false;
  bool quote = false;
  Inline::Kind script = Inline::Kind::text;
  std::string list;  // The list style that paragraphs of it are in.
};

class OpenStyles {
 public:
  // All styles of content.xml or styles.xml; may be called for both.
  void add(const xmlNode& root);

  const OpenStyle& style(const std::string& name) const;
  bool ordered(const std::string& list, std::size_t depth) const;

 private:
  void add_style(const xmlNode& node);
  void add_list(const xmlNode& node);

  std::unordered_map<std::string, OpenStyle> styles_;
  std::unordered_set<std::string> ordered_;  // "<list style>/<depth>"
};

}  // namespace selvedge::markdown
