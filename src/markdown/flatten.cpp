// Flatten: what a block is in one line.
#include "markdown/flatten.h"

#include <string_view>
#include <utility>

namespace selvedge::markdown {
namespace {

using Kind = Block::Kind;

class Flattener {
 public:
  void add(const Blocks& blocks, std::string_view mark, int depth) {
    if (depth > 2 * kNestingMax) return;
    for (const Block& block : blocks) {
      add_one(block, mark, depth);
      mark = {};
    }
  }
  Inlines take() { return std::move(out_); }

 private:
  void begin(std::string_view mark) {
    if (!out_.empty()) out_.push_back({Inline::Kind::line_break});
    if (!mark.empty()) out_.push_back(text_of(std::string(mark)));
  }

  void add_line(const Inlines& inlines, std::string_view mark) {
    if (empty(inlines)) return;
    begin(mark);
    out_.insert(out_.end(), inlines.begin(), inlines.end());
  }

  void add_one(const Block& block, std::string_view mark, int depth) {
    switch (block.kind) {
      case Kind::paragraph:
      case Kind::heading:
        return add_line(block.inlines, mark);
      case Kind::code:
        begin(mark);
        out_.push_back({Inline::Kind::code, block.text});
        return;
      case Kind::list: {
        int number = block.level;
        for (const Block& item : block.children) {
          const std::string sign = block.level > 0 ? std::to_string(number++) + ". " : "• ";
          add(item.children, sign, depth + 1);
        }
        return;
      }
      case Kind::table:
        for (const Block::Row& row : block.rows) {
          Inlines line;
          for (const Inlines& cell : row) {
            if (!line.empty()) line.push_back(text_of(" "));
            line.insert(line.end(), cell.begin(), cell.end());
          }
          add_line(line, mark);
        }
        return;
      case Kind::front_matter:
      case Kind::rule:
        return;
      default:
        return add(block.children, mark, depth + 1);
    }
  }

  Inlines out_;
};

}  // namespace

Inlines flattened(const Blocks& blocks) {
  Flattener flattener;
  flattener.add(blocks, {}, 0);
  return flattener.take();
}

void wrap(Blocks& blocks, Inline::Kind kind, const std::string& target) {
  for (Block& block : blocks) {
    if (block.kind == Kind::paragraph || block.kind == Kind::heading) {
      Inline around{kind, {}, target, std::move(block.inlines)};
      block.inlines.clear();
      block.inlines.push_back(std::move(around));
    } else if (!block.children.empty()) {
      wrap(block.children, kind, target);
    }
  }
}

}  // namespace selvedge::markdown
