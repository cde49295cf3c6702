// Styles of styles.xml are read first, so that those of the content find what they are made from.
#include "markdown/open_styles.h"

#include <string_view>
#include <utility>

namespace selvedge::markdown {
namespace {
const OpenStyle kNoStyle;
}  // namespace

void OpenStyles::add(const xmlNode& root) {
  for (const xmlNode* here = &root; here != nullptr; here = next_in(root, *here)) {
    if (is(*here, "style")) add_style(*here);
    if (is(*here, "list-style")) add_list(*here);
    if (is(*here, "body")) break;  // Styles stand before it.
  }
}

void OpenStyles::add_style(const xmlNode& node) {
  const std::string name = attribute(node, "name");
  const std::string parent = attribute(node, "parent-style-name");
  OpenStyle style = this->style(parent);
  style.list = attribute(node, "list-style-name");
  for (const std::string& one : {name, parent}) {
    if (one.starts_with("Preformatted") || one.starts_with("Source_20_Text")) style.code = true;
    if (one.starts_with("Quot")) style.quote = true;
    if (one == "Strong_20_Emphasis") style.strong = true;
    if (one == "Emphasis") style.emphasis = true;
  }
  if (const xmlNode* text = child(node, "text-properties")) {
    // Bold of a paragraph's style is how it looks; of a span's, what is meant.
    const bool span = attribute(node, "family") == "text";
    const std::string weight = attribute(*text, "font-weight");
    const std::string slant = attribute(*text, "font-style");
    if (span && !weight.empty()) style.strong = weight == "bold" || weight >= "600";
    if (weight == "normal" || weight == "400") style.strong = false;
    if (span && !slant.empty()) style.emphasis = slant == "italic" || slant == "oblique";
    const std::string line = attribute(*text, "text-line-through-style");
    if (!line.empty()) style.strike = line != "none";
    const std::string position = attribute(*text, "text-position");
    if (position.starts_with("super")) style.script = Inline::Kind::superscript;
    if (position.starts_with("sub")) style.script = Inline::Kind::subscript;
  }
  styles_[name] = std::move(style);
}

void OpenStyles::add_list(const xmlNode& node) {
  const std::string name = attribute(node, "name");
  for (const xmlNode* level = node.children; level != nullptr; level = level->next) {
    if (!is(*level, "list-level-style-number")) continue;
    if (!attribute(*level, "num-format").empty()) {
      ordered_.insert(name + "/" + attribute(*level, "level"));
    }
  }
}

const OpenStyle& OpenStyles::style(const std::string& name) const {
  const auto found = styles_.find(name);
  return found == styles_.end() ? kNoStyle : found->second;
}

bool OpenStyles::ordered(const std::string& list, std::size_t depth) const {
  return ordered_.contains(list + "/" + std::to_string(depth + 1));
}

}  // namespace selvedge::markdown
