// CSS selectors: which elements of a page are meant.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <libxml/tree.h>

#include "base/result.h"

namespace selvedge::markdown {

// Lists of compounds with descendant and child combinators: type, *, #id, .class, [name],
// [name=value], [name^=…], [name$=…], [name*=…], [name~=…].
class CssSelector {
 public:
  // Errors: file_invalid (what is none of these, in words for people).
  static Result<CssSelector> parse(std::string_view text);

  bool matches(const xmlNode& element) const;

 private:
  struct Condition {
    std::string name;
    char sign = 0;  // 0: is there; '=': equals; else the sign before '='.
    std::string value;
  };
  struct Compound {
    std::string type;  // Lower case; empty: any.
    std::vector<Condition> conditions;
    bool of_parent = false;  // Stands behind `>`: the compound before it is the parent's.
  };
  using Complex = std::vector<Compound>;

  class Reader;

  static bool holds(const Condition& condition, const xmlNode& element);
  static bool matches_compound(const Compound& compound, const xmlNode& element);
  static bool matches_complex(const Complex& complex, const xmlNode& element);

  std::vector<Complex> list_;
};

}  // namespace selvedge::markdown
