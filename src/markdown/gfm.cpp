// Blocks are written without what they stand in; their container then puts its prefix before each
// line.
#include "markdown/gfm.h"

#include <algorithm>
#include <cstddef>
#include <string_view>

#include "markdown/inline_writer.h"

namespace selvedge::markdown {
namespace {

using Kind = Block::Kind;

std::string write_all(const Blocks& blocks, Form form, int depth);

// `text` with `first` before its first line and `rest` before the others; empty lines get none
// that ends in spaces only.
std::string prefixed(std::string_view text, std::string_view first, std::string_view rest) {
  std::string out;
  out.reserve(text.size() + text.size() / 8 + first.size());
  std::string_view bare_rest = rest;
  while (bare_rest.ends_with(' ')) bare_rest.remove_suffix(1);
  bool at_first = true;
  for (;;) {
    const std::size_t end = text.find('\n');
    const std::string_view line = text.substr(0, end);
    if (at_first) {
      out += first;
    } else {
      out += line.empty() ? bare_rest : rest;
    }
    at_first = false;
    out += line;
    if (end == std::string_view::npos) break;
    out += '\n';
    text.remove_prefix(end + 1);
  }
  while (out.ends_with(' ')) out.pop_back();
  return out;
}

std::string write_code(const Block& block, Form form) {
  std::string text = block.text;
  while (text.ends_with('\n')) text.pop_back();
  if (text.empty()) return {};
  if (form == Form::plain) return text;
  const std::string fence = code_fence(text, 3);
  std::string label = block.label;
  std::erase_if(label, [](char c) { return c == '`' || static_cast<unsigned char>(c) <= ' '; });
  return fence + label + "\n" + text + "\n" + fence;
}

std::string write_row(const Block::Row& row, std::size_t columns, Form form) {
  if (form == Form::plain) {
    std::string line;
    for (const Inlines& cell : row) {
      if (&cell != row.data()) line += '\t';
      line += write_inlines(cell, form, Place::cell);
    }
    while (line.ends_with('\t')) line.pop_back();
    return line;
  }
  std::string line = "|";
  for (std::size_t at = 0; at < columns; ++at) {
    const std::string cell =
        at < row.size() ? write_inlines(row[at], form, Place::cell) : std::string();
    line += ' ';
    line += cell;
    line += cell.empty() ? "|" : " |";
  }
  return line;
}

std::string write_table(const Block& table, Form form) {
  std::size_t columns = 0;
  for (const Block::Row& row : table.rows) columns = std::max(columns, row.size());
  if (columns == 0) return {};
  std::string out;
  for (std::size_t at = 0; at < table.rows.size(); ++at) {
    if (at > 0) out += '\n';
    out += write_row(table.rows[at], columns, form);
    if (at > 0 || form == Form::plain) continue;
    out += "\n|";
    for (std::size_t column = 0; column < columns; ++column) out += " --- |";
  }
  return out;
}

// Whether items can follow each other without empty lines: each is a paragraph and lists at most.
bool tight(const Block& list) {
  return std::ranges::all_of(list.children, [](const Block& item) {
    std::size_t paragraphs = 0;
    for (const Block& block : item.children) {
      if (block.kind == Kind::list) continue;
      if (block.kind != Kind::paragraph || ++paragraphs > 1) return false;
    }
    return true;
  });
}

std::string write_item(const Block& item, Form form, bool is_tight, int depth) {
  std::string out;
  const Block* before = nullptr;
  for (const Block& block : item.children) {
    Blocks one;
    one.push_back(block);
    const std::string text = write_all(one, form, depth);
    if (text.empty()) continue;
    const bool lists = before != nullptr && before->kind == Kind::list && block.kind == Kind::list;
    // Two lists beside each other would be one.
    if (!out.empty()) out += lists && form == Form::markdown ? "\n\n<!-- -->\n\n" : "\n";
    if (!out.empty() && !is_tight && !lists) out += '\n';
    out += text;
    before = &block;
  }
  return out;
}

std::string write_list(const Block& list, Form form, bool other_sign, int depth) {
  const bool is_tight = tight(list);
  std::string out;
  int number = list.level;
  for (const Block& item : list.children) {
    const std::string text = write_item(item, form, is_tight, depth + 1);
    if (text.empty()) continue;
    std::string marker = other_sign ? "* " : "- ";
    if (list.level > 0) marker = std::to_string(number++) + (other_sign ? ") " : ". ");
    if (!out.empty()) out += is_tight ? "\n" : "\n\n";
    out += prefixed(text, marker, std::string(marker.size(), ' '));
  }
  return out;
}

std::string write_block(const Block& block, Form form, bool other_sign, int depth) {
  const bool plain = form == Form::plain;
  switch (block.kind) {
    case Kind::paragraph:
      return write_inlines(block.inlines, form, Place::paragraph);
    case Kind::heading: {
      const std::string text = write_inlines(block.inlines, form, Place::heading);
      if (text.empty() || plain) return text;
      return std::string(static_cast<std::size_t>(std::clamp(block.level, 1, 6)), '#') + " " + text;
    }
    case Kind::list:
      return write_list(block, form, other_sign, depth);
    case Kind::item:
      return write_all(block.children, form, depth + 1);
    case Kind::quote: {
      const std::string text = write_all(block.children, form, depth + 1);
      return text.empty() || plain ? text : prefixed(text, "> ", "> ");
    }
    case Kind::code:
      return write_code(block, form);
    case Kind::table:
      return write_table(block, form);
    case Kind::front_matter:
      return plain || block.text.empty() ? std::string() : "---\n" + block.text + "---";
    case Kind::rule:
      return plain ? std::string() : "___";
    case Kind::note: {
      const std::string text = write_all(block.children, form, depth + 1);
      if (text.empty()) return {};
      return plain ? "[" + block.label + "] " + text
                   : prefixed(text, "[^" + block.label + "]: ", "    ");
    }
  }
  return {};
}

std::string write_all(const Blocks& blocks, Form form, int depth) {
  // What parsers nest deeper is flattened by them; this bounds the stack whatever they do.
  if (depth > 3 * kNestingMax) return {};
  std::string out;
  const Block* before = nullptr;
  bool sign_was_other = false;
  for (const Block& block : blocks) {
    // A list right behind one of its kind needs another sign, or it would be the same list.
    const bool beside = before != nullptr && before->kind == Kind::list &&
                        block.kind == Kind::list && (before->level > 0) == (block.level > 0);
    const bool other_sign = beside && !sign_was_other;
    const std::string text = write_block(block, form, other_sign, depth);
    if (text.empty()) continue;
    if (!out.empty()) out += "\n\n";
    out += text;
    before = &block;
    sign_was_other = other_sign;
  }
  return out;
}

}  // namespace

std::string write(const Blocks& blocks, Form form) {
  std::string out = write_all(blocks, form, 0);
  if (!out.empty()) out += '\n';
  return out;
}

}  // namespace selvedge::markdown
