// Document: what every format is read into, before it is written as Markdown.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace selvedge::markdown {

inline constexpr int kNestingMax = 24;  // Of lists, quotes and styles; deeper ones are flattened.

struct Inline {
  enum class Kind : std::uint8_t {
    text,  // White space is collapsed when it is written.
    strong,
    emphasis,
    strike,
    superscript,
    subscript,
    code,   // `text`, as it is.
    link,   // `target` and children.
    image,  // `target` and its description in `text`.
    note,   // A mark of the note with the label `text`.
    line_break,
    soft_break,  // Another line of the same paragraph.
  };
  Kind kind = Kind::text;
  std::string text = {};
  std::string target = {};
  std::vector<Inline> children = {};
};
using Inlines = std::vector<Inline>;

struct Block {
  enum class Kind : std::uint8_t {
    paragraph,
    heading,  // `level` 1 to 6.
    list,     // Of items; `level` is the first number, 0 = bullets.
    item,
    quote,
    code,   // `text`, of the language `label`.
    table,  // `rows`; the first is the head.
    rule,
    note,          // What the note with `label` says.
    front_matter,  // Lines of YAML in `text`, before everything else.
  };
  using Row = std::vector<Inlines>;

  Kind kind = Kind::paragraph;
  int level = 0;
  Inlines inlines = {};
  std::string text = {};
  std::string label = {};
  std::vector<Block> children = {};
  std::vector<Row> rows = {};
};
using Blocks = std::vector<Block>;

inline Inline text_of(std::string text) { return {Inline::Kind::text, std::move(text)}; }
inline Block paragraph_of(Inlines inlines) {
  return {Block::Kind::paragraph, 0, std::move(inlines)};
}
inline Block heading_of(int level, Inlines inlines) {
  return {Block::Kind::heading, level, std::move(inlines)};
}
inline Block heading_of(int level, std::string text) {
  Inlines inlines;
  inlines.push_back(text_of(std::move(text)));
  return heading_of(level, std::move(inlines));
}

// Whether anything of it would be seen.
bool empty(const Inlines& inlines);

}  // namespace selvedge::markdown
