// List stack: paragraphs that say their depth in a list become lists in lists.
#pragma once

#include <algorithm>
#include <cstddef>
#include <string>
#include <utility>
#include <vector>

#include "markdown/document.h"

namespace selvedge::markdown {

class ListStack {
 public:
  // The list that lists are put into when they end is `out`, which outlives the stack.
  explicit ListStack(Blocks& out) : out_(out) {}

  struct Place {
    std::size_t depth = 0;  // 0 is the outermost.
    bool ordered = false;
    int start = 1;
    std::string list;  // Which list: at one depth another one begins where this changes.
  };

  // A new item at `place`.
  void add(const Place& place, Inlines inlines) {
    const std::size_t depth = std::min<std::size_t>(place.depth, kNestingMax - 1);
    while (open_.size() > depth + 1) close_one();
    if (open_.size() == depth + 1 && open_.back().list != place.list) close_one();
    while (open_.size() < depth + 1) {
      Open list{{.kind = Block::Kind::list}, place.list};
      list.block.level = place.ordered ? std::max(place.start, 1) : 0;
      open_.push_back(std::move(list));
    }
    Block item{.kind = Block::Kind::item};
    item.children.push_back(paragraph_of(std::move(inlines)));
    open_.back().block.children.push_back(std::move(item));
  }

  // Ends all lists: something else follows.
  void close() {
    while (!open_.empty()) close_one();
  }

 private:
  struct Open {
    Block block;
    std::string list;
  };

  void close_one() {
    Block list = std::move(open_.back().block);
    open_.pop_back();
    if (list.children.empty()) return;
    if (open_.empty()) {
      out_.push_back(std::move(list));
      return;
    }
    Blocks& items = open_.back().block.children;
    // Depths may be left out; then there is no item yet for it to be in.
    if (items.empty()) items.push_back({.kind = Block::Kind::item});
    items.back().children.push_back(std::move(list));
  }

  Blocks& out_;
  std::vector<Open> open_;
};

}  // namespace selvedge::markdown
