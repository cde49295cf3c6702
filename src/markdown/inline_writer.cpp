// Escapes by what a sign could mean where it stands: inside a line at once, at its start when the
// whole line is known.
#include "markdown/inline_writer.h"

#include <algorithm>
#include <cstddef>
#include <string_view>

#include <unicode/uchar.h>

#include "base/utf8.h"

namespace selvedge::markdown {
namespace {

using Kind = Inline::Kind;

constexpr char32_t kEdge = U' ';  // The beginning and end of a line count as white space.

bool is_space(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\f'; }
bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }

bool white(char32_t c) { return c == U'\n' || u_isUWhiteSpace(static_cast<UChar32>(c)); }
bool punctuation(char32_t c) {
  const auto code = static_cast<UChar32>(c);
  return u_ispunct(code) || (U_GET_GC_MASK(code) & U_GC_S_MASK) != 0;
}

char32_t last_character(std::string_view text) {
  if (text.empty()) return kEdge;
  std::size_t start = text.size() - 1;
  while (start > 0 && (static_cast<unsigned char>(text[start]) & 0xc0) == 0x80) --start;
  const std::u32string decoded = utf8::decode(text.substr(start));
  return decoded.empty() ? kEdge : decoded.back();
}

char32_t first_character(std::string_view text) {
  const std::u32string decoded =
      utf8::decode(text.substr(0, std::min<std::size_t>(4, text.size())));
  return decoded.empty() ? kEdge : decoded.front();
}

// Of a backslash that is not escaped itself.
bool ends_in_backslash(std::string_view text) {
  std::size_t slashes = 0;
  while (slashes < text.size() && text[text.size() - 1 - slashes] == '\\') ++slashes;
  return slashes % 2 == 1;
}

// What follows `at` among `inlines`, as far as delimiters care.
char32_t following(const Inlines& inlines, std::size_t at, char32_t after) {
  for (std::size_t next = at + 1; next < inlines.size(); ++next) {
    const Inline& one = inlines[next];
    switch (one.kind) {
      case Kind::text:
        if (one.text.empty()) continue;
        return first_character(one.text);
      case Kind::strong:
      case Kind::emphasis:
      case Kind::strike:
        if (empty(one.children)) continue;
        return U'*';
      case Kind::line_break:
      case Kind::soft_break:
        return kEdge;
      default:
        return U'[';  // All others begin with a sign.
    }
  }
  return after;
}

class InlineWriter {
 public:
  // `nested`: what is written stands behind a sign, so white space at its start counts.
  InlineWriter(Form form, Place place, bool nested = false)
      : form_(form), place_(place), nested_(nested) {}

  void write(const Inlines& inlines, char32_t after, int depth) {
    for (std::size_t at = 0; at < inlines.size(); ++at) {
      write_one(inlines[at], following(inlines, at, after), depth);
    }
  }

  std::string take() { return std::move(out_); }

 private:
  void write_one(const Inline& one, char32_t next, int depth) {
    switch (one.kind) {
      case Kind::text:
        return write_text(one.text, next);
      case Kind::strong:
        return write_style(one, "**", "strong", next, depth);
      case Kind::emphasis:
        return write_style(one, "*", "em", next, depth);
      case Kind::strike:
        return write_style(one, "~~", "del", next, depth);
      case Kind::superscript:
        return write_tagged(one, "<sup>", "</sup>", next, depth);
      case Kind::subscript:
        return write_tagged(one, "<sub>", "</sub>", next, depth);
      case Kind::code:
        return write_code(one.text);
      case Kind::link:
        return write_link(one, next, depth);
      case Kind::image:
        return write_image(one);
      case Kind::note:
        return write_note(one);
      case Kind::line_break:
        return write_break(true);
      case Kind::soft_break:
        return write_break(false);
    }
  }

  bool plain() const { return form_ == Form::plain; }
  bool at_line_start() const { return out_.empty() ? !nested_ : out_.back() == '\n'; }
  bool after_space() const { return at_line_start() || out_.ends_with(' ') || break_ended(); }
  bool break_ended() const { return place_ == Place::cell && out_.ends_with("<br>"); }

  void write_text(std::string_view raw, char32_t next) {
    // Without control characters before anything is judged: what they part may mean something
    // together.
    std::string text(raw);
    std::erase_if(text, [](char c) {
      return (static_cast<unsigned char>(c) < 0x20 && !is_space(c)) || c == 0x7f;
    });
    for (std::size_t at = 0; at < text.size(); ++at) {
      const char c = text[at];
      if (is_space(c)) {
        if (!after_space()) out_ += ' ';
        continue;
      }
      if (!plain() && means_something(text, at, next)) out_ += '\\';
      out_ += c;
    }
  }

  // Whether `text[at]` has to be escaped, wherever in a line it stands.
  bool means_something(std::string_view text, std::size_t at, char32_t next) const {
    const bool last = at + 1 == text.size();
    const char following = last ? (next < 0x80 ? static_cast<char>(next) : 'x') : text[at + 1];
    switch (text[at]) {
      case '\\':
      case '`':
      case '*':
      case '[':
      case ']':
      case '~':
        return true;
      case '_':
        return !inside_word(text, at);
      case '<':
        return is_letter(following) || following == '/' || following == '!' || following == '?';
      case '&':
        return entity_like(text.substr(at + 1));
      case '!':
        return following == '[';
      case '|':
        return place_ == Place::cell;
      default:
        return false;
    }
  }

  bool inside_word(std::string_view text, std::size_t at) const {
    const auto part = [](char c) { return is_letter(c) || is_digit(c); };
    return at > 0 && at + 1 < text.size() && part(text[at - 1]) && part(text[at + 1]);
  }

  static bool entity_like(std::string_view rest) {
    std::size_t at = rest.starts_with('#') ? 1 : 0;
    while (at < rest.size() && at < 40 && (is_letter(rest[at]) || is_digit(rest[at]))) ++at;
    return at > 0 && at < rest.size() && rest[at] == ';';
  }

  // The inside by itself, without white space at its ends, which is left to the caller.
  std::string inside(const Inline& one, char32_t next, int depth) const {
    InlineWriter writer(form_, place_, true);
    writer.styles_ = styles_;
    writer.write(one.children, next, depth + 1);
    return writer.take();
  }

  void write_style(const Inline& one, std::string_view sign, std::string_view tag, char32_t next,
                   int depth) {
    // Bold in bold is bold.
    const unsigned style = 1u << static_cast<unsigned>(one.kind);
    const bool known = (styles_ & style) != 0;
    if (plain() || known || depth >= kNestingMax) return write(one.children, next, depth + 1);
    styles_ |= style;
    std::string text = inside(one, kEdge, depth);
    styles_ &= ~style;
    bool space_before = false;
    bool space_after = false;
    trim(text, space_before, space_after);
    if (space_before && !after_space()) out_ += ' ';
    if (!text.empty()) {
      const char32_t before = last_character(out_);
      const char32_t behind = space_after ? kEdge : next;
      if (delimits(before, text, behind)) {
        out_.append(sign).append(text).append(sign);
      } else {
        out_.append("<").append(tag).append(">").append(text);
        out_.append("</").append(tag).append(">");
      }
    }
    if (space_after && !after_space()) out_ += ' ';
  }

  // Whether asterisks around `text` would be read as a style: flanking on both sides, and no other
  // run of asterisks beside them.
  static bool delimits(char32_t before, std::string_view text, char32_t behind) {
    const auto sign = [](char32_t c) { return c == U'*' || c == U'~'; };
    const auto edge = [](char c) { return c == '*' || c == '~'; };
    if (sign(before) || sign(behind) || edge(text.front()) || edge(text.back())) return false;
    const auto free = [](char32_t c) { return white(c) || punctuation(c); };
    const bool opens = !punctuation(first_character(text)) || free(before);
    const bool closes = !punctuation(last_character(text)) || free(behind);
    return opens && closes;
  }

  static void trim(std::string& text, bool& space_before, bool& space_after) {
    std::size_t start = 0;
    while (start < text.size() && (text[start] == ' ' || text[start] == '\n')) ++start;
    std::size_t end = text.size();
    while (end > start && (text[end - 1] == ' ' || text[end - 1] == '\n')) --end;
    space_before = start > 0;
    space_after = end < text.size();
    text = text.substr(start, end - start);
    // What ends in a line break would end in its backslash.
    if (ends_in_backslash(text)) text.pop_back();
  }

  void write_tagged(const Inline& one, std::string_view open, std::string_view close, char32_t next,
                    int depth) {
    if (plain() || depth >= kNestingMax) return write(one.children, next, depth);
    std::string text = inside(one, kEdge, depth);
    bool space_before = false;
    bool space_after = false;
    trim(text, space_before, space_after);
    if (space_before && !after_space()) out_ += ' ';
    if (!text.empty()) out_.append(open).append(text).append(close);
    if (space_after && !after_space()) out_ += ' ';
  }

  void write_code(std::string_view code) {
    std::string text;
    for (const char c : code) {
      if (c == '\n' || c == '\r' || c == '\t') {
        text += ' ';
      } else if (static_cast<unsigned char>(c) >= 0x20) {
        if (c == '|' && place_ == Place::cell && !plain()) text += '\\';
        text += c;
      }
    }
    if (text.find_first_not_of(' ') == std::string::npos) return write_text(text, kEdge);
    if (plain()) {
      out_ += text;
      return;
    }
    const std::string fence = code_fence(text, 1);
    const bool padded =
        text.front() == '`' || text.back() == '`' || (text.front() == ' ' && text.back() == ' ');
    // Next to a backtick of a text, which is escaped, the fence still stands by itself.
    out_ += fence;
    if (padded) out_ += ' ';
    out_ += text;
    if (padded) out_ += ' ';
    out_ += fence;
  }

  void write_link(const Inline& one, char32_t next, int depth) {
    if (plain() || depth >= kNestingMax || one.target.empty()) {
      return write(one.children, next, depth);
    }
    std::string text = inside(one, kEdge, depth);
    bool space_before = false;
    bool space_after = false;
    trim(text, space_before, space_after);
    if (space_before && !after_space()) out_ += ' ';
    if (!text.empty()) out_.append("[").append(text).append("](");
    if (!text.empty()) append_target(one.target).append(")");
    if (space_after && !after_space()) out_ += ' ';
  }

  void write_image(const Inline& one) {
    if (plain()) return write_text(one.text, kEdge);
    out_ += "![";
    write_text(one.text, U']');
    while (out_.ends_with(' ')) out_.pop_back();
    out_ += "](";
    append_target(one.target).append(")");
  }

  void write_note(const Inline& one) {
    out_.append(plain() ? "[" : "[^").append(one.text).append("]");
  }

  // With what would end it, or the cell, percent-encoded.
  std::string& append_target(std::string_view target) {
    constexpr std::string_view kDigits = "0123456789ABCDEF";
    for (std::size_t at = 0; at < target.size(); ++at) {
      const char c = target[at];
      const auto byte = static_cast<unsigned char>(c);
      if (byte <= 0x20 || byte == 0x7f || c == '<' || c == '>' || c == '(' || c == ')' ||
          c == '|' || c == '\\' || c == '`') {
        out_ += '%';
        out_ += kDigits[byte >> 4];
        out_ += kDigits[byte & 15];
      } else {
        if (c == '&' && entity_like(target.substr(at + 1))) out_ += '\\';
        out_ += c;
      }
    }
    return out_;
  }

  void write_break(bool hard) {
    while (out_.ends_with(' ')) out_.pop_back();
    if (place_ == Place::heading) {
      if (!after_space()) out_ += ' ';
    } else if (place_ == Place::cell) {
      if (hard && !plain()) {
        if (!out_.empty() && !break_ended()) out_ += "<br>";
      } else if (!after_space()) {
        out_ += ' ';
      }
    } else if (out_.empty()) {
      if (nested_) out_ += ' ';
    } else if (!at_line_start()) {  // No empty lines.
      out_ += hard && !plain() ? "\\\n" : "\n";
    }
  }

  const Form form_;
  const Place place_;
  const bool nested_;
  unsigned styles_ = 0;  // Those around what is written, as bits.
  std::string out_;
};

bool ends_word(std::string_view line, std::size_t at) {
  return at >= line.size() || line[at] == ' ' || line[at] == '\t';
}

// Where a backslash takes the meaning from the start of `line`; npos: it has none.
std::size_t line_start_escape(std::string_view line) {
  constexpr std::size_t kNone = std::string_view::npos;
  if (line.empty()) return kNone;
  switch (line.front()) {
    case '>':
    case '|':
      return 0;
    case '+':
      return ends_word(line, 1) ? 0 : kNone;
    case '-':
      return ends_word(line, 1) || line[1] == '-' || line[1] == '|' || line[1] == ':' ? 0 : kNone;
    case ':':
      return line.size() > 1 && line[1] == '-' ? 0 : kNone;
    case '=':
      return line.find_first_not_of('=') == kNone ? 0 : kNone;
    case '#': {
      const std::size_t end = std::min(line.find_first_not_of('#'), line.size());
      return end <= 6 && ends_word(line, end) ? 0 : kNone;
    }
    default:
      break;
  }
  std::size_t digits = 0;
  while (digits < line.size() && is_digit(line[digits])) ++digits;
  const bool number = digits > 0 && digits <= 9 && digits < line.size() &&
                      (line[digits] == '.' || line[digits] == ')') && ends_word(line, digits + 1);
  return number ? digits : kNone;
}

// A run of '#' at the end of a heading would be taken for its fence.
void escape_heading_end(std::string& line) {
  const std::size_t last = line.find_last_not_of('#');
  if (!line.empty() && last != line.size() - 1) {
    line.insert(last == std::string::npos ? 0 : last + 1, "\\");
  }
}

std::string finished(std::string_view text, Form form, Place place) {
  std::string out;
  out.reserve(text.size() + 16);
  while (!text.empty()) {
    const std::size_t end = text.find('\n');
    std::string line(text.substr(0, end));
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    while (line.ends_with(' ')) line.pop_back();
    line.erase(0, std::min(line.find_first_not_of(' '), line.size()));
    if (line.empty()) continue;
    if (form == Form::markdown && place == Place::heading) escape_heading_end(line);
    if (form == Form::markdown && place == Place::paragraph) {
      const std::size_t at = line_start_escape(line);
      if (at != std::string_view::npos) line.insert(at, "\\");
    }
    if (!out.empty()) out += '\n';
    out += line;
  }
  // No break after the last line.
  if (form == Form::markdown && ends_in_backslash(out)) out.pop_back();
  if (place == Place::cell) {
    while (out.ends_with("<br>")) out.resize(out.size() - 4);
  }
  while (out.ends_with(' ') || out.ends_with('\n')) out.pop_back();
  return out;
}

// Neighbours of one style become one: their signs would touch.
Inlines merged(const Inlines& inlines, int depth) {
  Inlines out;
  for (const Inline& one : inlines) {
    if (!out.empty() && out.back().kind == one.kind && one.target == out.back().target) {
      if (one.kind == Kind::text || one.kind == Kind::code) {
        out.back().text += one.text;
        continue;
      }
      if (one.kind != Kind::image && one.kind != Kind::note && one.kind != Kind::line_break &&
          one.kind != Kind::soft_break) {
        out.back().children.insert(out.back().children.end(), one.children.begin(),
                                   one.children.end());
        continue;
      }
    }
    out.push_back(one);
  }
  if (depth < kNestingMax) {
    for (Inline& one : out) {
      if (!one.children.empty()) one.children = merged(one.children, depth + 1);
    }
  }
  return out;
}

}  // namespace

bool empty(const Inlines& inlines) {
  return std::ranges::all_of(inlines, [](const Inline& one) {
    switch (one.kind) {
      case Kind::text:
      case Kind::code:
        return std::ranges::all_of(one.text, is_space);
      case Kind::image:
      case Kind::note:
        return false;
      case Kind::line_break:
      case Kind::soft_break:
        return true;
      default:
        return empty(one.children);
    }
  });
}

std::string write_inlines(const Inlines& inlines, Form form, Place place) {
  InlineWriter writer(form, place);
  writer.write(merged(inlines, 0), kEdge, 0);
  return finished(writer.take(), form, place);
}

std::string code_fence(std::string_view code, std::size_t least) {
  std::size_t length = least;
  std::size_t run = 0;
  for (const char c : code) {
    run = c == '`' ? run + 1 : 0;
    length = std::max(length, run + 1);
  }
  return std::string(length, '`');
}

}  // namespace selvedge::markdown
