// An element that holds blocks is a container, whatever it is called; one that does not is part of
// a paragraph.
#include "markdown/html_reader.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <iterator>
#include <string>
#include <utility>

#include "base/utf8.h"
#include "markdown/css_selector.h"
#include "markdown/flatten.h"
#include "markdown/link_target.h"
#include "markdown/page_head.h"
#include "markdown/table_grid.h"
#include "markdown/xml_tree.h"

namespace selvedge::markdown {
namespace {

using Kind = Inline::Kind;

constexpr int kDepthMax = 400;  // Of elements; what is deeper is read as text.
constexpr std::size_t kLabelBytesMax = 32;

// Sorted.
constexpr std::array<std::string_view, 46> kBlocks = {
    "address", "article", "aside",  "blockquote", "body",  "caption", "center",   "dd",
    "details", "dialog",  "dir",    "div",        "dl",    "dt",      "fieldset", "figcaption",
    "figure",  "footer",  "form",   "h1",         "h2",    "h3",      "h4",       "h5",
    "h6",      "header",  "hgroup", "hr",         "html",  "legend",  "li",       "main",
    "menu",    "nav",     "ol",     "p",          "pre",   "section", "summary",  "table",
    "tbody",   "td",      "tfoot",  "th",         "thead", "tr"};
constexpr std::array<std::string_view, 20> kSkipped = {
    "audio",  "canvas", "datalist", "embed",    "frame",  "head",    "iframe",
    "input",  "map",    "noembed",  "noscript", "object", "rp",      "script",
    "select", "style",  "svg",      "template", "title",  "textarea"};

bool is_block(const xmlNode& node) {
  return is_element(node) &&
         (std::ranges::binary_search(kBlocks, name_of(node)) || name_of(node) == "ul");
}

bool never_read(const xmlNode& node) {
  if (!is_element(node)) return node.type == XML_COMMENT_NODE || node.type == XML_PI_NODE;
  if (std::ranges::find(kSkipped, name_of(node)) != kSkipped.end()) return true;
  if (has_attribute(node, "hidden")) return true;
  std::string style = attribute(node, "style");
  std::erase(style, ' ');
  return style.find("display:none") != std::string::npos;
}

bool is_list(const xmlNode& node) {
  return is(node, "ul") || is(node, "ol") || is(node, "menu") || is(node, "dir");
}

std::size_t number_in(const xmlNode& node, std::string_view name, std::size_t otherwise) {
  const std::string text = attribute(node, name);
  std::size_t number = 0;
  const auto read = std::from_chars(text.data(), text.data() + text.size(), number);
  return read.ec == std::errc() && number <= 100'000'000 ? number : otherwise;
}

class HtmlReader {
 public:
  // `hostname`: see link_target(). `margins`: headers and footers are read, too.
  HtmlReader(std::string hostname, bool margins)
      : hostname_(std::move(hostname)), margins_(margins) {}

  // Remembers in each node whether blocks are inside: asked on the way down, it would be asked for
  // every element once per ancestor.
  void mark(xmlNode& root) {
    for (const xmlNode* here = &root; here != nullptr; here = next_in(root, *here)) {
      if (!is_block(*here)) continue;
      for (xmlNode* up = here->parent; up != nullptr && up->type == XML_ELEMENT_NODE;
           up = up->parent) {
        if (up->_private == &marker_) break;
        up->_private = &marker_;
      }
    }
  }

  void read_children(const xmlNode& parent, Blocks& out, int depth) {
    Inlines run;
    for (const xmlNode* one = parent.children; one != nullptr; one = one->next) {
      if (skipped(*one)) continue;
      if (is_block(*one) || holds_blocks(*one)) {
        flush(run, out);
        read_block(*one, out, depth + 1);
      } else {
        read_inline(*one, run, depth + 1);
      }
    }
    flush(run, out);
  }

  void read_element(const xmlNode& node, Blocks& out) {
    if (is_block(node) || holds_blocks(node)) return read_block(node, out, 0);
    Inlines run;
    read_inline(node, run, 0);
    flush(run, out);
  }

 private:
  bool holds_blocks(const xmlNode& node) const {
    return is_element(node) && node._private == &marker_;
  }

  bool skipped(const xmlNode& node) const {
    if (never_read(node)) return true;
    return !margins_ && (is(node, "header") || is(node, "footer"));
  }

  static void flush(Inlines& run, Blocks& out) {
    if (!empty(run)) out.push_back(paragraph_of(std::move(run)));
    run.clear();
  }

  void read_block(const xmlNode& node, Blocks& out, int depth) {
    if (depth > kDepthMax) {
      Inlines run;
      run.push_back(text_of(all_text(node)));
      return flush(run, out);
    }
    const std::string_view name = name_of(node);
    if (name.size() == 2 && name[0] == 'h' && name[1] >= '1' && name[1] <= '6') {
      return read_heading(node, name[1] - '0', out, depth);
    }
    if (name == "hr") {
      out.push_back({Block::Kind::rule});
    } else if (name == "pre") {
      read_code(node, out);
    } else if (is_list(node)) {
      read_list(node, out, depth);
    } else if (name == "dl") {
      read_terms(node, out, depth);
    } else if (name == "blockquote") {
      read_quote(node, out, depth);
    } else if (name == "table") {
      read_table(node, out, depth);
    } else if (name == "summary" || name == "legend" || name == "caption") {
      read_styled(node, out, Kind::strong, {}, depth);
    } else if (name == "a") {
      const std::string target = link_target(attribute(node, "href"), hostname_);
      read_styled(node, out, target.empty() ? Kind::text : Kind::link, target, depth);
    } else {
      const Kind style = style_of(name);
      read_styled(node, out, style, {}, depth);
    }
  }

  // A container whose paragraphs all have a style; `text` is none.
  void read_styled(const xmlNode& node, Blocks& out, Kind style, const std::string& target,
                   int depth) {
    if (style == Kind::text) return read_children(node, out, depth);
    Blocks inside;
    read_children(node, inside, depth);
    wrap(inside, style, target);
    std::ranges::move(inside, std::back_inserter(out));
  }

  void read_heading(const xmlNode& node, int level, Blocks& out, int depth) {
    Blocks inside;
    read_children(node, inside, depth);
    Inlines line;
    for (Block& block : inside) {
      if (block.kind != Block::Kind::paragraph) {
        // A list or table in a heading is not one.
        std::ranges::move(inside, std::back_inserter(out));
        return;
      }
    }
    line = flattened(inside);
    if (!empty(line)) out.push_back(heading_of(level, std::move(line)));
  }

  void read_code(const xmlNode& node, Blocks& out) {
    Block block{.kind = Block::Kind::code};
    std::string classes = attribute(node, "class");
    for (const xmlNode* here = &node; here != nullptr; here = next_in(node, *here)) {
      if (is(*here, "br")) block.text += '\n';
      if (is(*here, "code")) classes += " " + attribute(*here, "class");
      block.text += content_of(*here);
    }
    std::erase(block.text, '\r');
    if (block.text.starts_with('\n')) block.text.erase(0, 1);
    for (const std::string_view sign : {"language-", "lang-", "highlight-source-"}) {
      const std::size_t at = classes.find(sign);
      if (at == std::string::npos) continue;
      const std::size_t start = at + sign.size();
      const std::size_t end = std::min(classes.find_first_of(" \t\n", start), classes.size());
      const std::string_view label = std::string_view(classes).substr(start, end - start);
      block.label = label.substr(0, utf8::floor_boundary(label, kLabelBytesMax));
      break;
    }
    out.push_back(std::move(block));
  }

  void read_list(const xmlNode& node, Blocks& out, int depth) {
    if (lists_ >= kNestingMax) return read_children(node, out, depth);
    ++lists_;
    Block list{.kind = Block::Kind::list};
    if (is(node, "ol"))
      list.level = static_cast<int>(std::max<std::size_t>(1, number_in(node, "start", 1)));
    for (const xmlNode* one = node.children; one != nullptr; one = one->next) {
      if (skipped(*one)) continue;
      // A list right in a list belongs to the item before it.
      if (is_list(*one) && !list.children.empty()) {
        read_block(*one, list.children.back().children, depth + 1);
        continue;
      }
      Block item{.kind = Block::Kind::item};
      if (is(*one, "li")) {
        read_children(*one, item.children, depth + 1);
      } else {
        read_element(*one, item.children);
      }
      if (!item.children.empty()) list.children.push_back(std::move(item));
    }
    --lists_;
    if (!list.children.empty()) out.push_back(std::move(list));
  }

  // Terms with what they mean: an item each, "**term**: meaning".
  void read_terms(const xmlNode& node, Blocks& out, int depth) {
    if (lists_ >= kNestingMax) return read_children(node, out, depth);
    ++lists_;
    Block list{.kind = Block::Kind::list};
    read_term_parts(node, list, depth);
    --lists_;
    if (!list.children.empty()) out.push_back(std::move(list));
  }

  void read_term_parts(const xmlNode& node, Block& list, int depth) {
    for (const xmlNode* one = node.children; one != nullptr; one = one->next) {
      if (skipped(*one) || !is_element(*one)) continue;
      if (is(*one, "div") && depth <= kDepthMax) {
        read_term_parts(*one, list, depth + 1);
        continue;
      }
      Blocks inside;
      read_children(*one, inside, depth + 1);
      if (inside.empty()) continue;
      const bool term = is(*one, "dt");
      if (term) wrap(inside, Kind::strong);
      if (term || list.children.empty()) {
        list.children.push_back({.kind = Block::Kind::item});
        list.children.back().children = std::move(inside);
        continue;
      }
      Blocks& item = list.children.back().children;
      const bool joins = item.size() == 1 && item.front().kind == Block::Kind::paragraph &&
                         inside.front().kind == Block::Kind::paragraph;
      if (joins) {
        item.front().inlines.push_back(text_of(": "));
        std::ranges::move(inside.front().inlines, std::back_inserter(item.front().inlines));
        inside.erase(inside.begin());
      }
      std::ranges::move(inside, std::back_inserter(item));
    }
  }

  void read_quote(const xmlNode& node, Blocks& out, int depth) {
    if (lists_ >= kNestingMax) return read_children(node, out, depth);
    ++lists_;
    Block quote{.kind = Block::Kind::quote};
    read_children(node, quote.children, depth);
    --lists_;
    if (!quote.children.empty()) out.push_back(std::move(quote));
  }

  // Rows of this table, not of tables in it.
  void collect_rows(const xmlNode& node, std::vector<const xmlNode*>& rows,
                    std::vector<const xmlNode*>& others) const {
    for (const xmlNode* one = node.children; one != nullptr; one = one->next) {
      if (skipped(*one)) continue;
      if (is(*one, "tr")) {
        rows.push_back(one);
      } else if (is(*one, "thead") || is(*one, "tbody") || is(*one, "tfoot")) {
        for (const xmlNode* row = one->children; row != nullptr; row = row->next) {
          if (is(*row, "tr") && !skipped(*row)) rows.push_back(row);
        }
      } else if (is(*one, "caption")) {
        others.push_back(one);
      }
    }
  }

  static bool is_cell(const xmlNode& node) { return is(node, "td") || is(node, "th"); }

  // Whether it only arranges what is in it.
  static bool is_layout(const xmlNode& table, const std::vector<const xmlNode*>& rows) {
    if (attribute(table, "role") == "presentation") return true;
    bool one_column = true;
    for (const xmlNode* row : rows) {
      std::size_t cells = 0;
      for (const xmlNode* cell = row->children; cell != nullptr; cell = cell->next) {
        if (is_cell(*cell)) ++cells;
      }
      if (cells > 1) one_column = false;
    }
    return one_column;
  }

  void read_table(const xmlNode& node, Blocks& out, int depth) {
    std::vector<const xmlNode*> rows;
    std::vector<const xmlNode*> captions;
    collect_rows(node, rows, captions);
    for (const xmlNode* caption : captions) read_block(*caption, out, depth + 1);
    const bool layout = tables_ > 0 || is_layout(node, rows);
    TableGrid grid;
    bool holds_table = false;
    if (!layout) ++tables_;
    Blocks arranged;
    for (const xmlNode* row : rows) {
      grid.begin_row();
      for (const xmlNode* cell = row->children; cell != nullptr; cell = cell->next) {
        if (!is_cell(*cell) || skipped(*cell)) continue;
        Blocks inside;
        read_children(*cell, inside, depth + 2);
        holds_table = holds_table || has_table(*cell);
        if (!layout) {
          grid.add(flattened(inside), number_in(*cell, "colspan", 1),
                   number_in(*cell, "rowspan", 1));
        }
        std::ranges::move(inside, std::back_inserter(arranged));
      }
    }
    if (!layout) --tables_;
    if (layout || holds_table) {
      std::ranges::move(arranged, std::back_inserter(out));
      return;
    }
    Block table = grid.take();
    if (!table.rows.empty()) out.push_back(std::move(table));
  }

  static bool has_table(const xmlNode& cell) {
    for (const xmlNode* here = &cell; here != nullptr; here = next_in(cell, *here)) {
      if (is(*here, "table")) return true;
    }
    return false;
  }

  static Kind style_of(std::string_view name) {
    if (name == "b" || name == "strong") return Kind::strong;
    if (name == "i" || name == "em" || name == "cite" || name == "dfn" || name == "var") {
      return Kind::emphasis;
    }
    if (name == "s" || name == "del" || name == "strike") return Kind::strike;
    if (name == "sup") return Kind::superscript;
    if (name == "sub") return Kind::subscript;
    return Kind::text;
  }

  static bool is_code(std::string_view name) {
    return name == "code" || name == "kbd" || name == "samp" || name == "tt";
  }

  void read_inlines(const xmlNode& parent, Inlines& run, int depth) {
    for (const xmlNode* one = parent.children; one != nullptr; one = one->next) {
      if (!skipped(*one)) read_inline(*one, run, depth + 1);
    }
  }

  void read_inline(const xmlNode& node, Inlines& run, int depth) {
    if (!is_element(node)) {
      if (!content_of(node).empty()) run.push_back(text_of(std::string(content_of(node))));
      return;
    }
    if (depth > kDepthMax) {
      run.push_back(text_of(all_text(node)));
      return;
    }
    const std::string_view name = name_of(node);
    if (name == "br") {
      run.push_back({Kind::line_break});
    } else if (name == "img") {
      read_image(node, run);
    } else if (is_code(name)) {
      run.push_back({Kind::code, all_text(node)});
    } else if (name == "a") {
      const std::string target = link_target(attribute(node, "href"), hostname_);
      read_span(node, run, target.empty() ? Kind::text : Kind::link, target, depth);
    } else if (name == "q" || name == "rt") {
      run.push_back(text_of(name == "q" ? "“" : " ("));
      read_inlines(node, run, depth);
      run.push_back(text_of(name == "q" ? "”" : ")"));
    } else {
      read_span(node, run, style_of(name), {}, depth);
    }
  }

  void read_span(const xmlNode& node, Inlines& run, Kind kind, const std::string& target,
                 int depth) {
    if (kind == Kind::text) return read_inlines(node, run, depth);
    if (spans_ >= kNestingMax) return read_inlines(node, run, depth);
    ++spans_;
    Inline span{kind, {}, target, {}};
    read_inlines(node, span.children, depth);
    --spans_;
    if (!span.children.empty()) run.push_back(std::move(span));
  }

  void read_image(const xmlNode& node, Inlines& run) const {
    std::string source = attribute(node, "src");
    if (source.empty()) source = attribute(node, "data-src");
    Inline image{Kind::image, attribute(node, "alt"), link_target(source, hostname_), {}};
    if (image.text.empty()) image.text = attribute(node, "title");
    if (!image.text.empty() || !image.target.empty()) run.push_back(std::move(image));
  }

  const std::string hostname_;
  const bool margins_;
  char marker_ = 0;
  int lists_ = 0;
  int tables_ = 0;
  int spans_ = 0;
};

// Elements that match, without those inside of another.
Blocks selected(HtmlReader& reader, const xmlNode& root, const CssSelector& selector) {
  Blocks blocks;
  const xmlNode* here = &root;
  while (here != nullptr) {
    const bool taken = is_element(*here) && selector.matches(*here);
    if (taken) reader.read_element(*here, blocks);
    if (!taken) {
      here = next_in(root, *here);
      continue;
    }
    while (here != &root && here->next == nullptr) here = here->parent;
    here = here == &root ? nullptr : here->next;
  }
  return blocks;
}

}  // namespace

Result<Blocks> read_html(std::string_view text, const documents::ConversionOptions& options) {
  if (text.find_first_not_of(" \t\r\n") == std::string_view::npos) return Blocks();
  SEL_TRY(tree, parse_html(text));
  xmlNode* root = xmlDocGetRootElement(tree.get());
  if (root == nullptr) return Blocks();
  const std::string hostname =
      options.html_hostname.empty() ? base_of(*root) : options.html_hostname;
  HtmlReader reader(hostname, !options.html_selector.empty());
  reader.mark(*root);
  if (!options.html_selector.empty()) {
    SEL_TRY(selector, CssSelector::parse(options.html_selector));
    Blocks blocks = selected(reader, *root, selector);
    if (!blocks.empty()) return blocks;
    return Error{Code::file_invalid, "html.cssSelector selects nothing in this file"};
  }
  Blocks blocks;
  blocks.push_back(front_matter_of(*root));
  // Broken pages have more than one body; what is skipped is skipped below, too.
  reader.read_children(*root, blocks, 0);
  if (blocks.size() == 1) {
    HtmlReader margins(hostname, true);
    margins.mark(*root);
    margins.read_children(*root, blocks, 0);
  }
  std::ranges::move(linked_data_of(*root), std::back_inserter(blocks));
  return blocks;
}

}  // namespace selvedge::markdown
