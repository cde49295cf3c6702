// Word styles: what the names and numbers of a DOCX file's paragraphs mean.
#pragma once

#include <optional>
#include <string>
#include <unordered_map>

#include "markdown/package.h"

namespace selvedge::markdown {

struct WordStyle {
  int heading = 0;  // 1 to 6; 0: none.
  bool quote = false;
  bool code = false;
  bool strong = false;
  bool emphasis = false;
  std::string numbering;  // A list that its paragraphs are in; empty: none.
  int level = 0;          // There.
};

struct WordLevel {
  bool ordered = false;
  int start = 1;
};

class WordStyles {
 public:
  // From word/styles.xml and word/numbering.xml, as far as they are there.
  explicit WordStyles(Package& package);

  // A style that says nothing where there is none of this id.
  const WordStyle& style(const std::string& id) const;
  // Nullopt: no list; a level without marks is one without items.
  std::optional<WordLevel> level(const std::string& numbering, int level) const;

 private:
  void read_style(const xmlNode& node);
  void inherit();
  void read_numbering(const xmlNode& root);

  std::unordered_map<std::string, WordStyle> styles_;
  std::unordered_map<std::string, std::string> based_on_;
  std::unordered_map<std::string, std::string> abstract_of_;          // Of a numbering.
  std::unordered_map<std::string, std::optional<WordLevel>> levels_;  // "<abstract>/<level>"
};

// A number in an attribute `val` or another; `otherwise` where it is none.
int number_of(const xmlNode& node, std::string_view name, int otherwise);
// Whether a switch such as <w:b/> is on.
bool switched_on(const xmlNode* node);

}  // namespace selvedge::markdown
