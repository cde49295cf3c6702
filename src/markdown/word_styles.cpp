// Styles are known by their names, which Word keeps in English in every language.
#include "markdown/word_styles.h"

#include <algorithm>
#include <cctype>
#include <charconv>
#include <string_view>
#include <utility>

namespace selvedge::markdown {
namespace {

constexpr int kBasesMax = 32;
const WordStyle kNoStyle;

std::string lower(std::string text) {
  std::ranges::transform(text, text.begin(),
                         [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return text;
}

void read_name(const std::string& name, WordStyle& style) {
  if (name == "title") style.heading = 1;
  constexpr std::string_view kHeading = "heading ";
  if (name.starts_with(kHeading) && name.size() == kHeading.size() + 1) {
    const char digit = name.back();
    if (digit >= '1' && digit <= '9') style.heading = std::min(digit - '0', 6);
  }
  style.quote = name == "quote" || name == "intense quote" || name == "block text";
  style.code = name.find("code") != std::string::npos ||
               name.find("preformatted") != std::string::npos ||
               name.find("verbatim") != std::string::npos || name == "plain text";
}

}  // namespace

int number_of(const xmlNode& node, std::string_view name, int otherwise) {
  const std::string text = attribute(node, name);
  int number = 0;
  const auto read = std::from_chars(text.data(), text.data() + text.size(), number);
  return read.ec == std::errc() ? number : otherwise;
}

bool switched_on(const xmlNode* node) {
  if (node == nullptr) return false;
  const std::string value = attribute(*node, "val");
  return value != "0" && value != "false" && value != "off" && value != "none";
}

WordStyles::WordStyles(Package& package) {
  if (const auto tree = package.xml_part("word/styles.xml"); tree.ok()) {
    const xmlNode* root = xmlDocGetRootElement(tree->get());
    for (const xmlNode* one = root->children; one != nullptr; one = one->next) {
      if (is(*one, "style")) read_style(*one);
    }
    inherit();
  }
  if (const auto tree = package.xml_part("word/numbering.xml"); tree.ok()) {
    read_numbering(*xmlDocGetRootElement(tree->get()));
  }
}

void WordStyles::read_style(const xmlNode& node) {
  WordStyle style;
  const std::string id = attribute(node, "styleId");
  if (const xmlNode* name = child(node, "name")) read_name(lower(attribute(*name, "val")), style);
  if (const xmlNode* base = child(node, "basedOn")) based_on_[id] = attribute(*base, "val");
  if (const xmlNode* run = child(node, "rPr");
      run != nullptr && attribute(node, "type") == "character") {
    style.strong = switched_on(child(*run, "b"));
    style.emphasis = switched_on(child(*run, "i"));
  }
  if (const xmlNode* level = descend(node, {"pPr", "outlineLvl"});
      level != nullptr && style.heading == 0) {
    const int number = number_of(*level, "val", 9);
    if (number >= 0 && number < 9) style.heading = std::min(number + 1, 6);
  }
  if (const xmlNode* numbering = descend(node, {"pPr", "numPr"})) {
    if (const xmlNode* list = child(*numbering, "numId")) style.numbering = attribute(*list, "val");
    if (const xmlNode* level = child(*numbering, "ilvl")) style.level = number_of(*level, "val", 0);
  }
  styles_.emplace(id, std::move(style));
}

// A style without a say of its own is what it is based on.
void WordStyles::inherit() {
  const auto own = styles_;
  for (auto& [id, style] : styles_) {
    auto base = based_on_.find(id);
    for (int step = 0; base != based_on_.end() && step < kBasesMax; ++step) {
      const auto found = own.find(base->second);
      if (found == own.end()) break;
      if (style.heading == 0) style.heading = found->second.heading;
      if (style.numbering.empty()) {
        style.numbering = found->second.numbering;
        style.level = found->second.level;
      }
      style.quote = style.quote || found->second.quote;
      style.code = style.code || found->second.code;
      base = based_on_.find(base->second);
    }
  }
}

void WordStyles::read_numbering(const xmlNode& root) {
  for (const xmlNode* one = root.children; one != nullptr; one = one->next) {
    if (is(*one, "num")) {
      if (const xmlNode* abstract = child(*one, "abstractNumId")) {
        abstract_of_[attribute(*one, "numId")] = attribute(*abstract, "val");
      }
    }
    if (!is(*one, "abstractNum")) continue;
    const std::string id = attribute(*one, "abstractNumId");
    for (const xmlNode* level = one->children; level != nullptr; level = level->next) {
      if (!is(*level, "lvl")) continue;
      WordLevel read;
      const xmlNode* format = child(*level, "numFmt");
      const std::string name = format == nullptr ? "decimal" : attribute(*format, "val");
      read.ordered = name != "bullet";
      if (const xmlNode* start = child(*level, "start")) read.start = number_of(*start, "val", 1);
      levels_[id + "/" + attribute(*level, "ilvl")] =
          name == "none" ? std::nullopt : std::optional(read);
    }
  }
}

const WordStyle& WordStyles::style(const std::string& id) const {
  const auto found = styles_.find(id);
  return found == styles_.end() ? kNoStyle : found->second;
}

std::optional<WordLevel> WordStyles::level(const std::string& numbering, int level) const {
  if (numbering.empty() || numbering == "0") return std::nullopt;
  const auto abstract = abstract_of_.find(numbering);
  if (abstract == abstract_of_.end()) return WordLevel();
  const auto found = levels_.find(abstract->second + "/" + std::to_string(level));
  return found == levels_.end() ? std::optional(WordLevel()) : found->second;
}

}  // namespace selvedge::markdown
