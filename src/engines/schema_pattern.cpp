// Schema patterns: each item of an expression is read and written anew.
#include "engines/schema_pattern.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <utility>
#include <vector>

#include "base/utf8.h"
#include "engines/pattern_ways.h"

namespace selvedge::engines {
namespace {

constexpr std::size_t kPatternBytesMax = 512;

constexpr char32_t kLast = 0x10ffff;

// Characters, as ranges.
class Characters {
 public:
  using Range = std::pair<char32_t, char32_t>;

  void add(char32_t first, char32_t last) { ranges_.emplace_back(first, last); }
  void add(const Characters& other) {
    ranges_.insert(ranges_.end(), other.ranges_.begin(), other.ranges_.end());
  }

  // Sorted, apart from each other.
  std::vector<Range> ranges() const {
    std::vector<Range> sorted = ranges_;
    std::ranges::sort(sorted);
    std::vector<Range> merged;
    for (const Range& one : sorted) {
      if (!merged.empty() && one.first <= merged.back().second + 1) {
        merged.back().second = std::max(merged.back().second, one.second);
      } else {
        merged.push_back(one);
      }
    }
    return merged;
  }

  Characters others() const {
    Characters others;
    char32_t next = 0;
    for (const Range& one : ranges()) {
      if (one.first > next) others.add(next, one.first - 1);
      next = one.second + 1;
    }
    if (next <= kLast) others.add(next, kLast);
    return others;
  }

 private:
  std::vector<Range> ranges_;
};

// Those that stand for themselves in JSON.
Characters without_escaped(const Characters& characters) {
  Characters rest = characters.others();
  rest.add(0, 0x1f);
  rest.add('"', '"');
  rest.add('\\', '\\');
  return rest.others();
}

bool is_letter_or_digit(char32_t one) {
  return (one >= '0' && one <= '9') || (one >= 'A' && one <= 'Z') || (one >= 'a' && one <= 'z');
}

// `\d`, `\w`, `\s`; their others for capitals.
std::optional<Characters> class_of(char32_t letter) {
  Characters characters;
  switch (letter) {
    case 'd':
    case 'D':
      characters.add('0', '9');
      break;
    case 'w':
    case 'W':
      characters.add('0', '9');
      characters.add('A', 'Z');
      characters.add('_', '_');
      characters.add('a', 'z');
      break;
    case 's':
    case 'S':
      characters.add('\t', '\r');
      for (const char32_t one :
           std::u32string_view(U"\u0020\u00a0\u1680\u202f\u205f\u3000\ufeff")) {
        characters.add(one, one);
      }
      characters.add(0x2000, 0x200a);
      characters.add(0x2028, 0x2029);
      break;
    default:
      return std::nullopt;
  }
  return letter < 'a' ? characters.others() : characters;
}

class PatternWriter {
 public:
  explicit PatternWriter(std::u32string pattern) : in_(std::move(pattern)) {}

  std::optional<std::string> write() {
    begin_alternative();
    while (!failed_ && at_ < in_.size()) take();
    end_alternative();
    if (failed_ || depth_ > 0) return std::nullopt;
    return is_choice_ ? "^(?:" + out_ + ")$" : "^" + out_ + "$";
  }

 private:
  // Outside of groups an alternative that begins without ^ or ends without $ is one that something
  // stands before or after.
  void begin_alternative() {
    if (at_ < in_.size() && in_[at_] == '^') {
      ++at_;
    } else {
      write_anything();
    }
    ends_ = false;
  }
  void end_alternative() {
    if (!ends_) write_anything();
  }
  void write_anything() {
    write(any());
    out_ += '*';
  }
  static Characters any() {
    Characters ends;
    for (const char32_t one : std::u32string_view(U"\n\r\u2028\u2029")) ends.add(one, one);
    return ends.others();
  }

  void take() {
    const char32_t one = in_[at_++];
    if (ends_ && one != '|') {
      failed_ = true;
    } else if (one == '|') {
      if (depth_ == 0) end_alternative();
      out_ += '|';
      is_choice_ = is_choice_ || depth_ == 0;
      if (depth_ == 0) begin_alternative();
    } else if (one == '(') {
      take_group();
    } else if (one == ')') {
      failed_ = depth_-- == 0;
      out_ += ')';
    } else if (one == '[') {
      take_class();
    } else if (one == '.') {
      write(any());
    } else if (one == '*' || one == '+' || one == '?') {
      out_ += static_cast<char>(one);
      skip_laziness();
    } else if (one == '{') {
      take_bounds();
    } else if (one == '\\') {
      take_escape();
    } else if (one == '$' && depth_ == 0) {
      ends_ = true;
    } else if (one == '$' || one == '^') {
      failed_ = true;
    } else {
      write(one);
    }
  }

  void take_group() {
    ++depth_;
    out_ += "(?:";
    if (at_ >= in_.size() || in_[at_] != '?') return;
    ++at_;
    const char32_t kind = at_ < in_.size() ? in_[at_++] : 0;
    if (kind == ':') return;
    const bool is_named = kind == '<' && at_ < in_.size() && in_[at_] != '=' && in_[at_] != '!';
    const std::size_t end = in_.find(U'>', at_);
    failed_ = !is_named || end == in_.npos;
    if (!failed_) at_ = end + 1;
  }

  // What is no quantifier stands for itself.
  void take_bounds() {
    std::size_t end = at_;
    const auto skip_digits = [&] {
      const std::size_t begin = end;
      while (end < in_.size() && in_[end] >= '0' && in_[end] <= '9') ++end;
      return end > begin;
    };
    bool is_quantifier = skip_digits();
    if (is_quantifier && end < in_.size() && in_[end] == ',') {
      ++end;
      skip_digits();
    }
    is_quantifier = is_quantifier && end < in_.size() && in_[end] == '}';
    if (!is_quantifier) {
      write(U'{');
      return;
    }
    out_ += '{';
    for (; at_ <= end; ++at_) out_ += static_cast<char>(in_[at_]);
    skip_laziness();
  }

  void skip_laziness() {
    if (at_ < in_.size() && in_[at_] == '?') ++at_;
  }

  void take_escape() {
    if (at_ < in_.size()) {
      if (const auto characters = class_of(in_[at_])) {
        ++at_;
        write(*characters);
        return;
      }
    }
    write(escaped());
  }

  // The character that an escape stands for, whose backslash was read.
  char32_t escaped() {
    const char32_t letter = at_ < in_.size() ? in_[at_++] : U'z';
    switch (letter) {
      case 't':
        return '\t';
      case 'n':
        return '\n';
      case 'v':
        return '\v';
      case 'f':
        return '\f';
      case 'r':
        return '\r';
      case 'x':
        return hexadecimal(2);
      case 'u':
        return utf16();
      default:
        // Among them \b, \B, \k, \p and what refers back.
        failed_ = failed_ || is_letter_or_digit(letter);
        return letter;
    }
  }

  char32_t utf16() {
    const char32_t unit = hexadecimal(4);
    if (unit < 0xd800 || unit > 0xdfff) return unit;
    failed_ = failed_ || unit > 0xdbff || in_.substr(std::min(at_, in_.size()), 2) != U"\\u";
    at_ += 2;
    const char32_t low = failed_ ? 0 : hexadecimal(4);
    failed_ = failed_ || low < 0xdc00 || low > 0xdfff;
    return 0x10000 + ((unit - 0xd800) << 10) + (low - 0xdc00);
  }

  char32_t hexadecimal(std::size_t digits) {
    std::size_t end = at_ + digits;
    const bool braced = digits == 4 && at_ < in_.size() && in_[at_] == '{';
    if (braced) end = std::min(in_.find(U'}', at_), in_.size());
    std::uint32_t value = 0;
    failed_ = failed_ || end > in_.size() || (braced && end == in_.size());
    for (at_ += braced ? 1 : 0; !failed_ && at_ < end; ++at_) {
      const char32_t one = in_[at_];
      const bool is_digit = one >= '0' && one <= '9';
      const char32_t small = one | 0x20;
      failed_ = (!is_digit && (small < 'a' || small > 'f')) || value > kLast;
      value = value * 16 + (is_digit ? one - '0' : small - 'a' + 10);
    }
    if (braced) ++at_;
    failed_ = failed_ || value > kLast;
    return value;
  }

  void take_class() {
    Characters characters;
    const bool is_negated = at_ < in_.size() && in_[at_] == '^';
    if (is_negated) ++at_;
    while (!failed_ && at_ < in_.size() && in_[at_] != ']') take_member(characters);
    if (at_ >= in_.size()) failed_ = true;
    ++at_;
    if (!failed_) write(is_negated ? characters.others() : characters);
  }

  void take_member(Characters& characters) {
    const auto first = member(characters);
    const bool is_range = at_ + 1 < in_.size() && in_[at_] == '-' && in_[at_ + 1] != ']';
    if (!first) return;
    if (!is_range) {
      characters.add(*first, *first);
      return;
    }
    ++at_;
    const auto last = member(characters);
    failed_ = failed_ || !last || *last < *first;
    if (!failed_) characters.add(*first, *last);
  }

  // Empty: a class, which was added.
  std::optional<char32_t> member(Characters& characters) {
    const char32_t one = in_[at_++];
    if (one != '\\') return one;
    if (at_ < in_.size() && in_[at_] == 'b') {
      ++at_;
      return '\b';
    }
    const auto inner = at_ < in_.size() ? class_of(in_[at_]) : std::nullopt;
    if (!inner) return escaped();
    ++at_;
    characters.add(*inner);
    return std::nullopt;
  }

  void write(const Characters& characters) {
    const auto asked = characters.ranges();
    if (asked.size() == 1 && asked[0].first == asked[0].second) {
      write(asked[0].first);
      return;
    }
    const Characters plain = without_escaped(characters);
    auto ranges = plain.ranges();
    if (ranges.empty()) {
      failed_ = true;
      return;
    }
    // What is nearly all is shorter by what is not.
    const bool is_negated = ranges.back().second == kLast;
    if (is_negated) ranges = plain.others().ranges();
    out_ += is_negated ? "[^" : "[";
    for (const auto& [first, last] : ranges) {
      write_member(first);
      if (last > first + 1) out_ += '-';
      if (last > first) write_member(last);
    }
    out_ += ']';
  }

  // As llama.cpp's grammars write it.
  void write_member(char32_t one) {
    char text[16];
    if (one == '"' || one == '\\' || one == '[' || one == ']' || one == '-') {
      std::snprintf(text, sizeof text, "\\%c", static_cast<char>(one));
    } else if (one >= 0x20 && one < 0x7f && one != '^') {
      std::snprintf(text, sizeof text, "%c", static_cast<char>(one));
    } else {
      const char* form = one < 0x100 ? "\\x%02X" : one < 0x10000 ? "\\u%04X" : "\\U%08X";
      std::snprintf(text, sizeof text, form, static_cast<unsigned>(one));
    }
    out_ += text;
  }

  // One character, as JSON has it.
  void write(char32_t one) {
    constexpr std::string_view kSpecial = "^$.[]()|{}*+?";
    constexpr std::string_view kControls = "\b\f\n\r\t";
    if (one == '"') {
      out_ += R"((?:\\"))";
    } else if (one == '\\') {
      out_ += R"((?:\\\\))";
    } else if (one < 0x20) {
      const std::size_t at = kControls.find(static_cast<char>(one));
      char text[8] = {"bfnrt"[at == kControls.npos ? 0 : at]};
      if (at == kControls.npos) {
        std::snprintf(text, sizeof text, "u%04x", static_cast<unsigned>(one));
      }
      out_ += std::string(R"((?:\\)") + text + ")";
    } else if (one >= 0x80 && is_before_quantifier()) {
      // The conversion repeats bytes.
      out_ += '[';
      write_member(one);
      out_ += ']';
    } else {
      if (one < 0x80 && kSpecial.find(static_cast<char>(one)) != kSpecial.npos) out_ += '\\';
      utf8::append(out_, one);
    }
  }

  bool is_before_quantifier() const {
    return at_ < in_.size() && std::u32string_view(U"*+?{").find(in_[at_]) != in_.npos;
  }

  std::u32string in_;
  std::string out_;
  std::size_t at_ = 0;
  std::size_t depth_ = 0;
  bool ends_ = false;       // Of an alternative outside of groups, by $.
  bool is_choice_ = false;  // Outside of groups.
  bool failed_ = false;
};

}  // namespace

std::optional<TextPattern> json_text_pattern(std::string_view pattern) {
  if (pattern.size() > kPatternBytesMax) return std::nullopt;
  auto text = PatternWriter(utf8::decode(pattern)).write();
  if (!text) return std::nullopt;
  const std::size_t ways = ways_of_pattern(*text);
  if (ways == 0) return std::nullopt;
  return TextPattern{std::move(*text), ways};
}

}  // namespace selvedge::engines
