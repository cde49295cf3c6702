// Text readers: none of them can fail; any text is one.
#include "markdown/text_reader.h"

#include <array>
#include <cstddef>
#include <utility>

#include "markdown/table_grid.h"

namespace selvedge::markdown {
namespace {

std::string with_newlines(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t at = 0; at < text.size(); ++at) {
    const bool carriage = text[at] == '\r';
    if (carriage && at + 1 < text.size() && text[at + 1] == '\n') continue;
    out += carriage ? '\n' : text[at];
  }
  return out;
}

bool blank(std::string_view line) { return line.find_first_not_of(" \t\f\v") == std::string::npos; }

// What stands between quotes does not count.
char separator_of(std::string_view text) {
  constexpr std::array<char, 4> kSeparators = {',', ';', '\t', '|'};
  std::array<std::size_t, 4> counts{};
  constexpr std::size_t kLines = 5;
  std::size_t lines = 0;
  bool quoted = false;
  for (const char c : text) {
    if (c == '"') quoted = !quoted;
    if (quoted) continue;
    if (c == '\n' && ++lines == kLines) break;
    for (std::size_t at = 0; at < kSeparators.size(); ++at) {
      if (c == kSeparators[at]) ++counts[at];
    }
  }
  std::size_t best = 0;
  for (std::size_t at = 1; at < counts.size(); ++at) {
    if (counts[at] > counts[best]) best = at;
  }
  return kSeparators[best];
}

class CsvReader {
 public:
  explicit CsvReader(std::string_view text) : text_(text), separator_(separator_of(text)) {}

  Block read() {
    while (at_ < text_.size()) read_row();
    return grid_.take();
  }

 private:
  void read_row() {
    grid_.begin_row();
    for (;;) {
      grid_.add(read_field());
      if (at_ >= text_.size()) return;
      if (text_[at_++] == '\n') return;
    }
  }

  Inlines read_field() {
    std::string field;
    const bool quoted = at_ < text_.size() && text_[at_] == '"';
    if (quoted) ++at_;
    bool inside = quoted;
    while (at_ < text_.size()) {
      const char c = text_[at_];
      if (inside && c == '"') {
        ++at_;
        inside = at_ < text_.size() && text_[at_] == '"';
        if (inside) field += text_[at_++];
        continue;
      }
      if (!inside && (c == separator_ || c == '\n')) break;
      field += c;
      ++at_;
    }
    return lines_of(field);
  }

  static Inlines lines_of(std::string_view field) {
    Inlines inlines;
    while (!field.empty()) {
      const std::size_t end = field.find('\n');
      inlines.push_back(text_of(std::string(field.substr(0, end))));
      if (end == std::string_view::npos) break;
      inlines.push_back({Inline::Kind::line_break});
      field.remove_prefix(end + 1);
    }
    return inlines;
  }

  std::string_view text_;
  const char separator_;
  std::size_t at_ = 0;
  TableGrid grid_;
};

}  // namespace

Blocks read_text(std::string_view text) {
  const std::string whole = with_newlines(text);
  std::string_view rest = whole;
  Blocks blocks;
  Inlines lines;
  while (!rest.empty()) {
    const std::size_t end = rest.find('\n');
    const std::string_view line = rest.substr(0, end);
    rest.remove_prefix(end == std::string_view::npos ? rest.size() : end + 1);
    if (blank(line)) {
      if (!lines.empty()) blocks.push_back(paragraph_of(std::move(lines)));
      lines.clear();
      continue;
    }
    if (!lines.empty()) lines.push_back({Inline::Kind::soft_break});
    lines.push_back(text_of(std::string(line)));
  }
  if (!lines.empty()) blocks.push_back(paragraph_of(std::move(lines)));
  return blocks;
}

Blocks read_json(std::string_view text) {
  Blocks blocks;
  blocks.push_back({.kind = Block::Kind::code, .text = with_newlines(text), .label = "json"});
  return blocks;
}

Blocks read_csv(std::string_view text) {
  const std::string whole = with_newlines(text);
  Blocks blocks;
  Block table = CsvReader(whole).read();
  if (!table.rows.empty()) blocks.push_back(std::move(table));
  return blocks;
}

std::string tidied_markdown(std::string_view text) {
  std::string out = with_newlines(text);
  while (out.ends_with('\n')) out.pop_back();
  if (!out.empty()) out += '\n';
  return out;
}

}  // namespace selvedge::markdown
