// One pass over the body; fields of the old kind (HYPERLINK) are followed run by run.
#include "markdown/word_reader.h"

#include <algorithm>
#include <iterator>
#include <optional>
#include <string>
#include <utility>

#include "base/utf8.h"
#include "markdown/flatten.h"
#include "markdown/link_target.h"
#include "markdown/list_stack.h"
#include "markdown/package.h"
#include "markdown/table_grid.h"
#include "markdown/word_styles.h"

namespace selvedge::markdown {
namespace {

using Kind = Inline::Kind;

constexpr std::string_view kDocument = "word/document.xml";
constexpr int kDepthMax = 200;

struct RunStyle {
  bool strong = false;
  bool emphasis = false;
  bool strike = false;
  bool code = false;
  bool hidden = false;
  Kind script = Kind::text;
};

class WordReader {
 public:
  WordReader(const WordStyles& styles, Relations relations)
      : styles_(styles), relations_(std::move(relations)) {}

  void read_body(const xmlNode& parent, Blocks& out, int depth) {
    ListStack lists(out);
    read_parts(parent, out, lists, depth);
    lists.close();
  }

 private:
  void read_parts(const xmlNode& parent, Blocks& out, ListStack& lists, int depth) {
    if (depth > kDepthMax) return;
    for (const xmlNode* one = parent.children; one != nullptr; one = one->next) {
      if (is(*one, "p")) {
        read_paragraph(*one, out, lists);
      } else if (is(*one, "tbl")) {
        lists.close();
        read_table(*one, out, depth);
      } else if (is(*one, "sdt") || is(*one, "sdtContent") || is(*one, "ins") ||
                 is(*one, "customXml") || is(*one, "smartTag") || is(*one, "moveTo")) {
        read_parts(*one, out, lists, depth + 1);
      } else if (is(*one, "AlternateContent")) {
        if (const xmlNode* choice = choice_of(*one)) read_parts(*choice, out, lists, depth + 1);
      }
    }
  }

  static const xmlNode* choice_of(const xmlNode& alternatives) {
    const xmlNode* choice = child(alternatives, "Choice");
    return choice != nullptr ? choice : child(alternatives, "Fallback");
  }

  void read_paragraph(const xmlNode& node, Blocks& out, ListStack& lists) {
    const xmlNode* properties = child(node, "pPr");
    WordStyle style;
    if (properties != nullptr) {
      if (const xmlNode* named = child(*properties, "pStyle")) {
        style = styles_.style(attribute(*named, "val"));
      }
      if (const xmlNode* level = child(*properties, "outlineLvl")) {
        const int number = number_of(*level, "val", 9);
        if (number >= 0 && number < 9) style.heading = std::min(number + 1, 6);
      }
      if (const xmlNode* numbering = child(*properties, "numPr")) {
        if (const xmlNode* list = child(*numbering, "numId")) {
          style.numbering = attribute(*list, "val");
          style.level = 0;
        }
        if (const xmlNode* level = child(*numbering, "ilvl")) {
          style.level = number_of(*level, "val", 0);
        }
      }
    }
    paragraph_code_ = style.code;
    Inlines inlines;
    read_runs(node, inlines, 0);
    close_field(inlines);
    add_paragraph(style, std::move(inlines), out, lists);
    Blocks boxes = std::exchange(boxes_, {});
    std::ranges::move(boxes, std::back_inserter(out));
  }

  void add_paragraph(const WordStyle& style, Inlines inlines, Blocks& out, ListStack& lists) {
    if (style.code) return add_code(inlines, out, lists);
    if (empty(inlines)) return;
    if (style.heading > 0) {
      lists.close();
      out.push_back(heading_of(style.heading, std::move(inlines)));
      return;
    }
    if (const auto level = styles_.level(style.numbering, style.level)) {
      const std::size_t depth = static_cast<std::size_t>(std::max(style.level, 0));
      return lists.add({depth, level->ordered, level->start, style.numbering}, std::move(inlines));
    }
    lists.close();
    if (!style.quote) {
      out.push_back(paragraph_of(std::move(inlines)));
      return;
    }
    // Paragraphs of one quotation follow each other.
    if (out.empty() || out.back().kind != Block::Kind::quote) {
      out.push_back({.kind = Block::Kind::quote});
    }
    out.back().children.push_back(paragraph_of(std::move(inlines)));
  }

  static void add_code(const Inlines& inlines, Blocks& out, ListStack& lists) {
    lists.close();
    std::string line;
    for (const Inline& one : inlines) {
      line += one.kind == Kind::line_break ? "\n" : one.text;
    }
    if (!out.empty() && out.back().kind == Block::Kind::code) {
      out.back().text += "\n" + line;
    } else if (!line.empty()) {
      out.push_back({.kind = Block::Kind::code, .text = line});
    }
  }

  // What stands in a paragraph, or in a part of it.
  void read_runs(const xmlNode& parent, Inlines& inlines, int depth) {
    if (depth > kDepthMax) return;
    for (const xmlNode* one = parent.children; one != nullptr; one = one->next) {
      const std::string_view name = is_element(*one) ? name_of(*one) : std::string_view();
      if (name == "r") {
        read_run(*one, inlines, depth);
      } else if (name == "hyperlink") {
        read_link(*one, inlines, depth);
      } else if (name == "AlternateContent") {
        if (const xmlNode* choice = choice_of(*one)) read_runs(*choice, inlines, depth + 1);
      } else if (name == "oMath" || name == "oMathPara") {
        const std::string formula = all_text(*one);
        if (!formula.empty()) inlines.push_back(text_of(formula));
      } else if (name == "ins" || name == "sdt" || name == "sdtContent" || name == "fldSimple" ||
                 name == "smartTag" || name == "moveTo" || name == "bdo" || name == "dir" ||
                 name == "customXml") {
        read_runs(*one, inlines, depth + 1);
      }
    }
  }

  void read_link(const xmlNode& node, Inlines& inlines, int depth) {
    const auto found = relations_.find(attribute(node, "id", "relationships"));
    std::string target;
    if (found != relations_.end() && found->second.external) {
      target = link_target(found->second.target);
    }
    Inline link{Kind::link, {}, target, {}};
    read_runs(node, link.children, depth + 1);
    if (target.empty()) {
      std::ranges::move(link.children, std::back_inserter(inlines));
    } else {
      inlines.push_back(std::move(link));
    }
  }

  RunStyle style_of(const xmlNode& run) const {
    RunStyle style;
    style.code = paragraph_code_;
    const xmlNode* properties = child(run, "rPr");
    if (properties == nullptr) return style;
    if (const xmlNode* named = child(*properties, "rStyle")) {
      const WordStyle& meant = styles_.style(attribute(*named, "val"));
      style.strong = meant.strong;
      style.emphasis = meant.emphasis;
      style.code = style.code || meant.code;
    }
    for (const xmlNode* one = properties->children; one != nullptr; one = one->next) {
      if (is(*one, "b")) style.strong = switched_on(one);
      if (is(*one, "i")) style.emphasis = switched_on(one);
      if (is(*one, "strike") || is(*one, "dstrike")) style.strike = switched_on(one);
      if (is(*one, "vanish")) style.hidden = switched_on(one);
      if (is(*one, "vertAlign")) {
        const std::string value = attribute(*one, "val");
        if (value == "superscript") style.script = Kind::superscript;
        if (value == "subscript") style.script = Kind::subscript;
      }
    }
    return style;
  }

  void read_run(const xmlNode& run, Inlines& inlines, int depth) {
    const RunStyle style = style_of(run);
    if (style.hidden) return;
    Inlines inside;
    for (const xmlNode* one = run.children; one != nullptr; one = one->next) {
      read_run_part(*one, style, inside, inlines, depth);
    }
    append_styled(style, std::move(inside), target_inlines(inlines));
  }

  // The display text of a field goes into its link.
  Inlines& target_inlines(Inlines& inlines) {
    return field_link_ && field_shown_ ? field_link_->children : inlines;
  }

  static void append_styled(const RunStyle& style, Inlines inside, Inlines& out) {
    if (inside.empty()) return;
    const auto put = [&inside](Kind kind) {
      Inline around{kind, {}, {}, std::move(inside)};
      inside = {};
      inside.push_back(std::move(around));
    };
    if (style.script != Kind::text) put(style.script);
    if (style.strike) put(Kind::strike);
    if (style.emphasis) put(Kind::emphasis);
    if (style.strong) put(Kind::strong);
    std::ranges::move(inside, std::back_inserter(out));
  }

  void read_run_part(const xmlNode& part, const RunStyle& style, Inlines& inside, Inlines& outer,
                     int depth) {
    if (!is_element(part)) return;
    const std::string_view name = name_of(part);
    if (name == "t") {
      add_text(all_text(part), style, inside);
    } else if (name == "tab" || name == "ptab") {
      add_text(style.code ? "\t" : " ", style, inside);
    } else if (name == "noBreakHyphen") {
      add_text("\u2011", style, inside);
    } else if (name == "br" || name == "cr") {
      const std::string type = attribute(part, "type");
      if (type.empty() || type == "textWrapping") inside.push_back({Kind::line_break});
    } else if (name == "sym") {
      add_symbol(part, style, inside);
    } else if (name == "footnoteReference" || name == "endnoteReference") {
      const std::string prefix = name == "endnoteReference" ? "e" : "";
      inside.push_back({Kind::note, prefix + attribute(part, "id")});
    } else if (name == "instrText") {
      instruction_ += all_text(part);
    } else if (name == "fldChar") {
      append_styled(style, std::exchange(inside, {}), target_inlines(outer));
      read_field_mark(attribute(part, "fldCharType"), outer);
    } else if (name == "drawing" || name == "pict" || name == "object") {
      read_picture(part, inside, depth);
    } else if (name == "AlternateContent") {
      if (const xmlNode* choice = choice_of(part)) {
        for (const xmlNode* one = choice->children; one != nullptr; one = one->next) {
          if (depth < kDepthMax) read_run_part(*one, style, inside, outer, depth + 1);
        }
      }
    }
  }

  static void add_text(std::string text, const RunStyle& style, Inlines& inside) {
    inside.push_back({style.code ? Kind::code : Kind::text, std::move(text)});
  }

  // Of a font of symbols, whose own places are in the private area: those are no characters.
  static void add_symbol(const xmlNode& part, const RunStyle& style, Inlines& inside) {
    const std::string digits = attribute(part, "char");
    char32_t code = 0;
    for (const char c : digits.substr(0, 6)) {
      const int digit = c >= '0' && c <= '9'   ? c - '0'
                        : c >= 'a' && c <= 'f' ? c - 'a' + 10
                        : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                               : 0;
      code = code * 16 + static_cast<char32_t>(digit);
    }
    const bool own = code >= 0xe000 && code <= 0xf8ff;
    if (code < 0x20 || own || code > 0x10ffff || (code >= 0xd800 && code < 0xe000)) return;
    std::string text;
    utf8::append(text, code);
    add_text(std::move(text), style, inside);
  }

  // begin, instructions, separate, what is shown, end.
  void read_field_mark(const std::string& mark, Inlines& outer) {
    if (mark == "begin") {
      instruction_.clear();
    } else if (mark == "separate") {
      const std::string target = hyperlink_in(instruction_);
      if (!target.empty() && !field_link_) field_link_ = Inline{Kind::link, {}, target, {}};
      field_shown_ = field_link_.has_value();
    } else if (mark == "end") {
      close_field(outer);
    }
  }

  void close_field(Inlines& outer) {
    if (field_link_ && !field_link_->children.empty()) outer.push_back(std::move(*field_link_));
    field_link_.reset();
    field_shown_ = false;
    instruction_.clear();
  }

  static std::string hyperlink_in(const std::string& instruction) {
    const std::size_t at = instruction.find("HYPERLINK");
    const std::size_t start = at == std::string::npos ? at : instruction.find('"', at);
    if (start == std::string::npos) return {};
    // \l leads to a place in the document.
    if (instruction.substr(at, start - at).find("\\l") != std::string::npos) return {};
    const std::size_t end = instruction.find('"', start + 1);
    if (end == std::string::npos) return {};
    return link_target(instruction.substr(start + 1, end - start - 1));
  }

  void read_picture(const xmlNode& part, Inlines& inside, int depth) {
    std::string description;
    std::string target;
    for (const xmlNode* here = &part; here != nullptr; here = next_in(part, *here)) {
      if (is(*here, "docPr") && description.empty()) {
        description = attribute(*here, "descr");
        if (description.empty()) description = attribute(*here, "title");
      }
      if (is(*here, "imagedata") && description.empty()) description = attribute(*here, "title");
      if (is(*here, "blip") || is(*here, "imagedata")) {
        std::string id = attribute(*here, "embed", "relationships");
        if (id.empty()) id = attribute(*here, "id", "relationships");
        const auto found = relations_.find(id);
        if (found != relations_.end()) target = found->second.target;
      }
      if (is(*here, "txbxContent") && depth < kDepthMax && box_depth_ < 4) {
        ++box_depth_;
        read_body(*here, boxes_, depth + 1);
        --box_depth_;
        break;  // What is in a box of text is not a picture of this paragraph.
      }
    }
    // The place in the package leads nowhere for who has only the Markdown.
    if (!description.empty() || !target.empty()) {
      inside.push_back({Kind::image, description, target.substr(target.rfind('/') + 1), {}});
    }
  }

  void read_table(const xmlNode& node, Blocks& out, int depth) {
    TableGrid grid;
    std::size_t columns = 0;
    std::size_t rows = 0;
    Blocks arranged;
    read_rows(node, grid, arranged, columns, rows, depth);
    // A frame around text.
    if (columns <= 1 && rows <= 1) {
      std::ranges::move(arranged, std::back_inserter(out));
      return;
    }
    Block table = grid.take();
    if (!table.rows.empty()) out.push_back(std::move(table));
  }

  void read_rows(const xmlNode& parent, TableGrid& grid, Blocks& arranged, std::size_t& columns,
                 std::size_t& rows, int depth) {
    if (depth > kDepthMax) return;
    for (const xmlNode* row = parent.children; row != nullptr; row = row->next) {
      if (is(*row, "sdt") || is(*row, "sdtContent")) {
        read_rows(*row, grid, arranged, columns, rows, depth + 1);
      }
      if (!is(*row, "tr")) continue;
      ++rows;
      grid.begin_row();
      std::size_t cells = 0;
      for (const xmlNode* cell = row->children; cell != nullptr; cell = cell->next) {
        const xmlNode* content = is(*cell, "sdt") ? descend(*cell, {"sdtContent", "tc"}) : cell;
        if (content == nullptr || !is(*content, "tc")) continue;
        ++cells;
        read_cell(*content, grid, arranged, depth);
      }
      columns = std::max(columns, cells);
    }
  }

  void read_cell(const xmlNode& cell, TableGrid& grid, Blocks& arranged, int depth) {
    Blocks inside;
    // Boxes, fields and styles of the paragraph around do not reach into a cell.
    const bool code = std::exchange(paragraph_code_, false);
    read_body(cell, inside, depth + 2);
    paragraph_code_ = code;
    const xmlNode* span = descend(cell, {"tcPr", "gridSpan"});
    const int width = span == nullptr ? 1 : number_of(*span, "val", 1);
    const xmlNode* merge = descend(cell, {"tcPr", "vMerge"});
    const bool goes_on = merge != nullptr && attribute(*merge, "val") != "restart";
    grid.add(goes_on ? Inlines() : flattened(inside), static_cast<std::size_t>(std::max(width, 1)));
    std::ranges::move(inside, std::back_inserter(arranged));
  }

  const WordStyles& styles_;
  const Relations relations_;
  bool paragraph_code_ = false;
  Blocks boxes_;  // Texts in boxes that hang on the paragraph under way.
  int box_depth_ = 0;
  std::string instruction_;
  std::optional<Inline> field_link_;
  bool field_shown_ = false;
};

void read_notes(Package& package, const WordStyles& styles, const std::string& path,
                const char* element, const std::string& prefix, Blocks& out) {
  if (!package.has(path)) return;
  const auto tree = package.xml_part(path);
  if (!tree.ok()) return;
  WordReader reader(styles, relations_of(package, path));
  const xmlNode* root = xmlDocGetRootElement(tree->get());
  for (const xmlNode* one = root->children; one != nullptr; one = one->next) {
    // Those with a type are the lines between text and notes.
    if (!is(*one, element) || has_attribute(*one, "type")) continue;
    Block note{.kind = Block::Kind::note};
    note.label = prefix + attribute(*one, "id");
    reader.read_body(*one, note.children, 0);
    if (!note.children.empty()) out.push_back(std::move(note));
  }
}

}  // namespace

Result<Blocks> read_word(std::string_view bytes) {
  SEL_TRY(package, Package::open(bytes));
  const std::string path(kDocument);
  SEL_TRY(tree, package.xml_part(path));
  const WordStyles styles(package);
  WordReader reader(styles, relations_of(package, path));
  Blocks blocks;
  const xmlNode* body = child(*xmlDocGetRootElement(tree.get()), "body");
  if (body == nullptr) return Error{Code::file_invalid, "word/document.xml has no body"};
  reader.read_body(*body, blocks, 0);
  read_notes(package, styles, "word/footnotes.xml", "footnote", "", blocks);
  read_notes(package, styles, "word/endnotes.xml", "endnote", "e", blocks);
  return blocks;
}

}  // namespace selvedge::markdown
