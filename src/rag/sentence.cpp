// Sentences by rules: no model, no dictionary, so that every language gets something sensible.
#include "rag/sentence.h"

#include <algorithm>
#include <array>
#include <string>

namespace selvedge::rag {
namespace {

// Never the end of a sentence: a name follows.
constexpr std::array<std::string_view, 22> kTitles = {
    "mr",  "mrs", "ms",  "dr",  "prof", "st", "gen", "col", "capt", "lt", "sgt",
    "rev", "hon", "gov", "sen", "rep",  "mt", "ft",  "fig", "vol",  "no", "pp"};

// May stand at the end of a sentence; then the next word tells.
constexpr std::array<std::string_view, 31> kAbbreviations = {
    "jr",  "sr",  "vs",  "etc", "eg",   "ie",  "inc", "ltd", "co",  "corp", "approx",
    "ca",  "cf",  "al",  "ed",  "eds",  "am",  "pm",  "jan", "feb", "mar",  "apr",
    "jun", "jul", "aug", "sep", "sept", "oct", "nov", "dec", "dept"};

// Words that begin sentences far more often than names.
constexpr std::array<std::string_view, 30> kStarters = {
    "the",   "it",    "he",   "she",  "they",  "we",     "this",  "that",    "these", "those",
    "there", "in",    "on",   "at",   "a",     "an",     "but",   "however", "its",   "his",
    "her",   "their", "when", "what", "after", "before", "while", "as",      "if",    "for"};

template <std::size_t N>
bool among(const std::array<std::string_view, N>& words, std::string_view word) {
  return std::find(words.begin(), words.end(), word) != words.end();
}

bool ends_cjk_sentence(char32_t code) {
  return code == U'。' || code == U'！' || code == U'？' || code == U'；' || code == U'｡';
}

bool ends_latin_sentence(char32_t code) {
  return code == '.' || code == '!' || code == '?' || code == U'…' || code == 0x0964 ||
         code == 0x061F || code == 0x06D4;
}

bool closes(char32_t code) {
  return std::u32string_view(U"\"')]}»”’」』）》〉】〕").find(code) != std::u32string_view::npos;
}

bool opens(char32_t code) {
  return std::u32string_view(U"\"'([{«“‘「『（《〈【〔¿¡").find(code) != std::u32string_view::npos;
}

// Walks the characters once; `cuts` are the indexes of characters that begin a sentence.
class Splitter {
 public:
  explicit Splitter(std::string_view text) : text_(text), characters_(characters(text)) {}

  std::vector<Span> spans() {
    std::size_t begin = 0;
    for (std::size_t at = 0; at < characters_.size();) {
      const std::size_t after = end_of_sentence(begin, at);
      if (after != 0) {
        emit(begin, after);
        begin = after;
        at = after;
      } else {
        ++at;
      }
    }
    emit(begin, characters_.size());
    return std::move(spans_);
  }

 private:
  char32_t code(std::size_t at) const { return at < characters_.size() ? characters_[at].code : 0; }

  std::size_t skip_spaces(std::size_t at) const {
    while (at < characters_.size() && is_space(code(at))) ++at;
    return at;
  }

  // The place after the sentence that ends with the character `at`, or 0 when none ends there.
  std::size_t end_of_sentence(std::size_t begin, std::size_t at) const {
    const char32_t here = code(at);
    if (here == '\n') return ends_at_line(begin, at) ? at + 1 : 0;
    if (ends_cjk_sentence(here)) return after_closers(at + 1);
    if (!ends_latin_sentence(here)) return 0;
    if (ends_latin_sentence(code(at + 1))) return 0;  // The last of "..." or "?!" decides.
    const std::size_t after = after_closers(at + 1);
    const std::size_t next = skip_spaces(after);
    if (next >= characters_.size()) return after;
    if (is_cjk(code(next))) {
      const bool inside = here == '.' && next == at + 1 &&
                          (is_digit(code(at - 1)) || is_abbreviated(begin, at, next));
      return inside ? 0 : after;
    }
    if (next == after || !may_begin(next)) return 0;
    return here == '.' && after == at + 1 && is_abbreviated(begin, at, next) ? 0 : after;
  }

  std::size_t after_closers(std::size_t at) const {
    while (at < characters_.size() && (closes(code(at)) || ends_cjk_sentence(code(at)))) ++at;
    return at;
  }

  bool may_begin(std::size_t at) const {
    return is_upper(code(at)) || is_digit(code(at)) || opens(code(at)) || is_list_mark(at) ||
           // Scripts without case: any letter begins.
           (code(at) > 0x52F && is_word(code(at)));
  }

  bool is_list_mark(std::size_t at) const {
    const char32_t here = code(at);
    if (here == U'•' || here == U'·' || here == '#') return true;
    return (here == '-' || here == '*' || here == U'–') && is_space(code(at + 1));
  }

  bool ends_at_line(std::size_t begin, std::size_t at) const {
    std::size_t next = at + 1;
    bool empty_line = false;
    for (; next < characters_.size() && is_space(code(next)); ++next) {
      empty_line = empty_line || code(next) == '\n';
    }
    if (next >= characters_.size() || empty_line || is_list_mark(next)) return true;
    if (code(skip_spaces(begin)) == '#') return true;
    if (begin == at) return true;
    return is_cjk(code(next)) || is_cjk(code(at - 1)) || code(at - 1) > 0x3000;
  }

  // The dot `at` belongs to the word before it and does not end the sentence.
  bool is_abbreviated(std::size_t begin, std::size_t at, std::size_t next) const {
    std::size_t first = at;
    while (first > begin && (is_word(code(first - 1)) || code(first - 1) == '.')) --first;
    std::string word;
    bool digits = true;
    for (std::size_t i = first; i < at; ++i) {
      digits = digits && is_digit(code(i));
      const char32_t plain = folded(code(i));
      if (plain != '.') word.push_back(plain < 0x80 ? static_cast<char>(plain) : '?');
    }
    if (word.empty()) return false;
    if (digits) return first == skip_spaces(begin);  // "1. First": a list's number.
    if (among(kTitles, word)) return true;
    const bool dotted = at - first > word.size();                    // "U.S", "a.m", "Ph.D"
    const bool initial = word.size() == 1 && is_upper(code(first));  // "J"
    if (!dotted && !initial && !among(kAbbreviations, word)) return false;
    return !starts_sentence(next);
  }

  bool starts_sentence(std::size_t at) const {
    std::string word;
    for (; is_word(code(at)) && word.size() < 8; ++at) {
      const char32_t plain = folded(code(at));
      word.push_back(plain < 0x80 ? static_cast<char>(plain) : '?');
    }
    return among(kStarters, word);
  }

  void emit(std::size_t begin, std::size_t end) {
    begin = skip_spaces(begin);
    while (end > begin && is_space(code(end - 1))) --end;
    if (begin >= end) return;
    const Span span{offset(begin), offset(end)};
    bool has_words = false;
    for (std::size_t at = begin; at < end && !has_words; ++at) {
      has_words = is_word(code(at)) || is_cjk(code(at));
    }
    // A lone mark belongs to the sentence before it.
    if (has_words) {
      spans_.push_back(span);
    } else if (!spans_.empty()) {
      spans_.back().end = span.end;
    }
  }

  std::uint32_t offset(std::size_t at) const {
    return at < characters_.size() ? characters_[at].begin
                                   : static_cast<std::uint32_t>(text_.size());
  }

  std::string_view text_;
  std::vector<Character> characters_;
  std::vector<Span> spans_;
};

}  // namespace

std::vector<Span> sentence_spans(std::string_view text) { return Splitter(text).spans(); }

}  // namespace selvedge::rag
