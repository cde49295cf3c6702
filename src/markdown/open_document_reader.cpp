// Both kinds are one content.xml; what its body holds decides.
#include "markdown/open_document_reader.h"

#include <algorithm>
#include <charconv>
#include <iterator>
#include <string>
#include <utility>
#include <vector>

#include "markdown/flatten.h"
#include "markdown/link_target.h"
#include "markdown/open_styles.h"
#include "markdown/package.h"
#include "markdown/table_grid.h"

namespace selvedge::markdown {
namespace {

using Kind = Inline::Kind;

constexpr int kDepthMax = 200;
constexpr std::size_t kSpacesMax = 1'000;

std::size_t count_of(const xmlNode& node, std::string_view name) {
  const std::string text = attribute(node, name);
  std::size_t count = 0;
  const auto read = std::from_chars(text.data(), text.data() + text.size(), count);
  return read.ec == std::errc() && count > 0 ? count : 1;
}

class OpenReader {
 public:
  explicit OpenReader(const OpenStyles& styles) : styles_(styles) {}

  void read_blocks(const xmlNode& parent, Blocks& out, int depth) {
    if (depth > kDepthMax) return;
    for (const xmlNode* one = parent.children; one != nullptr; one = one->next) {
      if (!is_element(*one)) continue;
      const std::string_view name = name_of(*one);
      if (name == "h") {
        read_heading(*one, out);
      } else if (name == "p") {
        read_paragraph(*one, out);
      } else if (name == "list") {
        read_list(*one, {}, 0, out, depth);
      } else if (name == "table") {
        read_table(*one, out, depth);
      } else if (name == "section" || name == "table-of-content" || name == "index-body" ||
                 name == "text-box" || name == "frame") {
        if (name == "table-of-content") continue;  // Headings, told twice.
        read_blocks(*one, out, depth + 1);
      }
      std::ranges::move(std::exchange(boxes_, {}), std::back_inserter(out));
    }
  }

  // A spreadsheet's tables with their names.
  void read_sheets(const xmlNode& parent, Blocks& out) {
    for (const xmlNode* one = parent.children; one != nullptr; one = one->next) {
      if (!is(*one, "table")) continue;
      out.push_back(heading_of(2, attribute(*one, "name")));
      read_table(*one, out, 0);
    }
  }

  Blocks take_notes() { return std::move(notes_); }

 private:
  void read_heading(const xmlNode& node, Blocks& out) {
    Inlines inlines;
    read_inlines(node, inlines, false, 0);
    if (empty(inlines)) return;
    out.push_back(
        heading_of(static_cast<int>(std::min<std::size_t>(count_of(node, "outline-level"), 6)),
                   std::move(inlines)));
  }

  void read_paragraph(const xmlNode& node, Blocks& out) {
    const std::string name = attribute(node, "style-name");
    const OpenStyle& style = styles_.style(name);
    Inlines inlines;
    read_inlines(node, inlines, style.code, 0);
    if (style.code) {
      std::string line;
      for (const Inline& one : inlines) line += one.kind == Kind::line_break ? "\n" : one.text;
      if (!out.empty() && out.back().kind == Block::Kind::code) {
        out.back().text += "\n" + line;
      } else if (!line.empty()) {
        out.push_back({.kind = Block::Kind::code, .text = line});
      }
      return;
    }
    if (empty(inlines)) return;
    if (name == "Title") {
      out.push_back(heading_of(1, std::move(inlines)));
    } else if (style.quote) {
      if (out.empty() || out.back().kind != Block::Kind::quote) {
        out.push_back({.kind = Block::Kind::quote});
      }
      out.back().children.push_back(paragraph_of(std::move(inlines)));
    } else {
      out.push_back(paragraph_of(std::move(inlines)));
    }
  }

  void read_list(const xmlNode& node, const std::string& outer_style, std::size_t level,
                 Blocks& out, int depth) {
    if (depth > kDepthMax) return;
    std::string style = attribute(node, "style-name");
    if (style.empty()) style = outer_style;
    Block list{.kind = Block::Kind::list};
    list.level = styles_.ordered(style, level) ? 1 : 0;
    for (const xmlNode* item = node.children; item != nullptr; item = item->next) {
      if (!is(*item, "list-item") && !is(*item, "list-header")) continue;
      Block read{.kind = Block::Kind::item};
      for (const xmlNode* one = item->children; one != nullptr; one = one->next) {
        if (is(*one, "list")) {
          read_list(*one, style, level + 1, read.children, depth + 1);
        } else if (is(*one, "p") || is(*one, "h")) {
          Inlines inlines;
          read_inlines(*one, inlines, false, 0);
          if (is(*one, "h") && !empty(inlines)) {
            // Chapters with numbers are lists of headings.
            out.push_back(heading_of(
                static_cast<int>(std::min<std::size_t>(count_of(*one, "outline-level"), 6)),
                std::move(inlines)));
          } else if (!empty(inlines)) {
            read.children.push_back(paragraph_of(std::move(inlines)));
          }
        }
      }
      if (!read.children.empty()) list.children.push_back(std::move(read));
    }
    if (list.children.empty()) return;
    if (level < static_cast<std::size_t>(kNestingMax)) {
      out.push_back(std::move(list));
      return;
    }
    for (Block& item : list.children) {
      std::ranges::move(item.children, std::back_inserter(out));
    }
  }

  void read_inlines(const xmlNode& parent, Inlines& out, bool code, int depth) {
    if (depth > kDepthMax) {
      out.push_back(text_of(all_text(parent)));
      return;
    }
    for (const xmlNode* one = parent.children; one != nullptr; one = one->next) {
      const std::string_view text = content_of(*one);
      if (!text.empty()) {
        out.push_back({code ? Kind::code : Kind::text, std::string(text)});
      } else if (is_element(*one)) {
        read_inline(*one, out, code, depth);
      }
    }
  }

  void read_inline(const xmlNode& node, Inlines& out, bool code, int depth) {
    const std::string_view name = name_of(node);
    if (name == "s") {
      const std::string spaces(std::min(count_of(node, "c"), kSpacesMax), ' ');
      out.push_back({code ? Kind::code : Kind::text, spaces});
    } else if (name == "tab") {
      out.push_back({code ? Kind::code : Kind::text, code ? "\t" : " "});
    } else if (name == "line-break") {
      out.push_back({Kind::line_break});
    } else if (name == "span") {
      read_span(node, out, code, depth);
    } else if (name == "a") {
      Inline link{Kind::link, {}, link_target(attribute(node, "href")), {}};
      read_inlines(node, link.children, code, depth + 1);
      if (link.target.empty() || link.target.front() == '#') {
        std::ranges::move(link.children, std::back_inserter(out));
      } else {
        out.push_back(std::move(link));
      }
    } else if (name == "note") {
      read_note(node, out, depth);
    } else if (name == "frame") {
      read_frame(node, out, depth);
    } else if (name != "annotation" && name != "annotation-end" && name != "tracked-changes" &&
               name != "bookmark" && name != "ruby-text" && name != "soft-page-break") {
      read_inlines(node, out, code, depth + 1);
    }
  }

  void read_span(const xmlNode& node, Inlines& out, bool code, int depth) {
    const OpenStyle& style = styles_.style(attribute(node, "style-name"));
    Inlines inside;
    read_inlines(node, inside, code || style.code, depth + 1);
    const auto put = [&inside](bool wanted, Kind kind) {
      if (!wanted || inside.empty()) return;
      Inline around{kind, {}, {}, std::move(inside)};
      inside = {};
      inside.push_back(std::move(around));
    };
    if (!code) {
      put(style.script != Kind::text, style.script);
      put(style.strike, Kind::strike);
      put(style.emphasis, Kind::emphasis);
      put(style.strong, Kind::strong);
    }
    std::ranges::move(inside, std::back_inserter(out));
  }

  void read_note(const xmlNode& node, Inlines& out, int depth) {
    const xmlNode* body = child(node, "note-body");
    if (body == nullptr) return;
    const std::size_t at = notes_.size();
    const std::string label = std::to_string(at + 1);
    out.push_back({Kind::note, label});
    // Its place is taken before what stands in it is read.
    notes_.push_back({.kind = Block::Kind::note, .label = label});
    Blocks children;
    read_blocks(*body, children, depth + 1);
    notes_[at].children = std::move(children);
  }

  // A picture with its description, or a box of text, which follows the paragraph.
  void read_frame(const xmlNode& node, Inlines& out, int depth) {
    if (const xmlNode* box = child(node, "text-box")) {
      Blocks inside;
      Blocks waiting = std::exchange(boxes_, {});
      read_blocks(*box, inside, depth + 1);
      boxes_ = std::move(waiting);
      std::ranges::move(inside, std::back_inserter(boxes_));
      return;
    }
    std::string description;
    for (const char* name : {"desc", "title"}) {
      const xmlNode* told = child(node, name);
      if (told != nullptr && description.empty()) description = all_text(*told);
    }
    const xmlNode* image = child(node, "image");
    std::string target = image == nullptr ? "" : attribute(*image, "href");
    target = target.substr(target.rfind('/') + 1);
    if (!description.empty() || image != nullptr) {
      out.push_back({Kind::image, description, target, {}});
    }
  }

  void read_table(const xmlNode& node, Blocks& out, int depth) {
    TableGrid grid;
    read_rows(node, grid, depth);
    Block table = grid.take();
    if (!table.rows.empty()) out.push_back(std::move(table));
  }

  void read_rows(const xmlNode& parent, TableGrid& grid, int depth) {
    if (depth > kDepthMax) return;
    for (const xmlNode* row = parent.children; row != nullptr; row = row->next) {
      if (is(*row, "table-header-rows") || is(*row, "table-rows") || is(*row, "table-row-group")) {
        read_rows(*row, grid, depth + 1);
      }
      if (!is(*row, "table-row")) continue;
      const std::vector<std::pair<Inlines, std::size_t>> cells = read_cells(*row, depth);
      const bool blank = cells.empty();
      // A file ends in a million empty rows; of several one is kept, at most.
      const std::size_t times =
          blank ? 1 : std::min<std::size_t>(count_of(*row, "number-rows-repeated"), 10'000);
      if (blank && (blank_before_ || !any_row_)) continue;
      for (std::size_t time = 0; time < times; ++time) {
        grid.begin_row();
        for (const auto& [content, repeated] : cells) {
          for (std::size_t at = 0; at < repeated; ++at) grid.add(content);
        }
      }
      blank_before_ = blank;
      any_row_ = true;
    }
  }

  // With how often each is repeated; without empty ones at the end.
  std::vector<std::pair<Inlines, std::size_t>> read_cells(const xmlNode& row, int depth) {
    std::vector<std::pair<Inlines, std::size_t>> cells;
    for (const xmlNode* cell = row.children; cell != nullptr; cell = cell->next) {
      const bool covered = is(*cell, "covered-table-cell");
      if (!covered && !is(*cell, "table-cell")) continue;
      Blocks inside;
      const bool blank_before = std::exchange(blank_before_, false);
      const bool any_row = std::exchange(any_row_, false);
      if (!covered) read_blocks(*cell, inside, depth + 1);
      blank_before_ = blank_before;
      any_row_ = any_row;
      const std::size_t repeated =
          std::min(count_of(*cell, "number-columns-repeated"), TableGrid::kColumnsMax);
      cells.emplace_back(flattened(inside), repeated);
    }
    while (!cells.empty() && empty(cells.back().first)) cells.pop_back();
    return cells;
  }

  const OpenStyles& styles_;
  Blocks notes_;
  Blocks boxes_;
  bool blank_before_ = false;
  bool any_row_ = false;
};

}  // namespace

Result<Blocks> read_open_document(std::string_view bytes) {
  SEL_TRY(package, Package::open(bytes));
  SEL_TRY(content, package.xml_part("content.xml"));
  OpenStyles styles;
  if (const auto more = package.xml_part("styles.xml"); more.ok()) {
    styles.add(*xmlDocGetRootElement(more->get()));
  }
  const xmlNode* root = xmlDocGetRootElement(content.get());
  styles.add(*root);
  OpenReader reader(styles);
  Blocks blocks;
  if (const xmlNode* sheet = descend(*root, {"body", "spreadsheet"})) {
    reader.read_sheets(*sheet, blocks);
  } else if (const xmlNode* text = descend(*root, {"body", "text"})) {
    reader.read_blocks(*text, blocks, 0);
  } else {
    // An encrypted file has other bytes in place of its content.
    return Error{Code::file_invalid, "content.xml has neither a text nor a spreadsheet"};
  }
  std::ranges::move(reader.take_notes(), std::back_inserter(blocks));
  return blocks;
}

}  // namespace selvedge::markdown
