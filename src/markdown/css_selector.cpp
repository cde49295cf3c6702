// Matching goes from the last compound up through the ancestors; each compound takes the nearest
// one that fits, but for children, where a wrong choice is taken back.
#include "markdown/css_selector.h"

#include <cctype>
#include <cstddef>

#include "markdown/xml_tree.h"

namespace selvedge::markdown {
namespace {

constexpr std::size_t kSelectorBytesMax = 1'024;

bool name_sign(char c) {
  return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '-' || c == '_' ||
         static_cast<unsigned char>(c) >= 0x80;
}

bool has_word(std::string_view words, std::string_view word) {
  std::size_t at = 0;
  while (at < words.size()) {
    const std::size_t start = words.find_first_not_of(" \t\n\r\f", at);
    if (start == std::string_view::npos) return false;
    const std::size_t end = std::min(words.find_first_of(" \t\n\r\f", start), words.size());
    if (words.substr(start, end - start) == word) return true;
    at = end;
  }
  return false;
}

}  // namespace

class CssSelector::Reader {
 public:
  explicit Reader(std::string_view text) : text_(text) {}

  Result<CssSelector> read() {
    CssSelector selector;
    for (;;) {
      SEL_TRY(complex, read_complex());
      selector.list_.push_back(std::move(complex));
      if (at_ == text_.size()) return selector;
      ++at_;  // The comma.
    }
  }

 private:
  Error bad() const {
    return Error{Code::file_invalid, "html.cssSelector is not understood here at its character " +
                                         std::to_string(at_ + 1)};
  }
  bool at(char c) const { return at_ < text_.size() && text_[at_] == c; }
  void skip_space() {
    while (at_ < text_.size() && std::isspace(static_cast<unsigned char>(text_[at_])) != 0) ++at_;
  }
  std::string read_name() {
    const std::size_t start = at_;
    while (at_ < text_.size() && name_sign(text_[at_])) ++at_;
    return std::string(text_.substr(start, at_ - start));
  }

  Result<Complex> read_complex() {
    Complex complex;
    skip_space();
    for (;;) {
      bool of_parent = false;
      if (at('>') && !complex.empty()) {
        of_parent = true;
        ++at_;
        skip_space();
      }
      SEL_TRY(compound, read_compound());
      compound.of_parent = of_parent;
      complex.push_back(std::move(compound));
      skip_space();
      if (at_ == text_.size() || at(',')) return complex;
    }
  }

  Result<Compound> read_compound() {
    Compound compound;
    const std::size_t start = at_;
    if (at('*')) {
      ++at_;
    } else {
      compound.type = read_name();
      for (char& c : compound.type) {
        c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
      }
    }
    while (at('#') || at('.') || at('[')) {
      const char sign = text_[at_++];
      if (sign == '[') {
        SEL_TRY(condition, read_attribute());
        compound.conditions.push_back(std::move(condition));
        continue;
      }
      std::string name = read_name();
      if (name.empty()) return bad();
      if (sign == '#') compound.conditions.push_back({"id", '=', std::move(name)});
      if (sign == '.') compound.conditions.push_back({"class", '~', std::move(name)});
    }
    if (at_ == start) return bad();
    return compound;
  }

  Result<Condition> read_attribute() {
    Condition condition;
    skip_space();
    condition.name = read_name();
    if (condition.name.empty()) return bad();
    skip_space();
    if (!at(']')) {
      condition.sign = '=';
      if (at('^') || at('$') || at('*') || at('~')) condition.sign = text_[at_++];
      if (!at('=')) return bad();
      ++at_;
      skip_space();
      SEL_TRY(value, read_value());
      condition.value = std::move(value);
      skip_space();
    }
    if (!at(']')) return bad();
    ++at_;
    return condition;
  }

  Result<std::string> read_value() {
    if (!at('"') && !at('\'')) return read_name();
    const char quote = text_[at_++];
    const std::size_t end = text_.find(quote, at_);
    if (end == std::string_view::npos) return bad();
    std::string value(text_.substr(at_, end - at_));
    at_ = end + 1;
    return value;
  }

  std::string_view text_;
  std::size_t at_ = 0;
};

Result<CssSelector> CssSelector::parse(std::string_view text) {
  if (text.size() > kSelectorBytesMax) {
    return Error{Code::file_invalid, "html.cssSelector is too long"};
  }
  return Reader(text).read();
}

bool CssSelector::holds(const Condition& condition, const xmlNode& element) {
  if (!has_attribute(element, condition.name)) return false;
  const std::string value = attribute(element, condition.name);
  switch (condition.sign) {
    case 0:
      return true;
    case '^':
      return !condition.value.empty() && value.starts_with(condition.value);
    case '$':
      return !condition.value.empty() && value.ends_with(condition.value);
    case '*':
      return !condition.value.empty() && value.find(condition.value) != std::string::npos;
    case '~':
      return has_word(value, condition.value);
    default:
      return value == condition.value;
  }
}

bool CssSelector::matches_compound(const Compound& compound, const xmlNode& element) {
  if (!is_element(element)) return false;
  if (!compound.type.empty() && name_of(element) != compound.type) return false;
  for (const Condition& condition : compound.conditions) {
    if (!holds(condition, element)) return false;
  }
  return true;
}

bool CssSelector::matches_complex(const Complex& complex, const xmlNode& element) {
  // The compounds of a chain of `>` are matched together, each chain at the nearest place above.
  std::size_t end = complex.size();
  const xmlNode* from = &element;
  bool first = true;
  while (end > 0) {
    std::size_t begin = end - 1;
    while (begin > 0 && complex[begin].of_parent) --begin;
    const xmlNode* top = nullptr;
    for (const xmlNode* here = from; here != nullptr && top == nullptr; here = here->parent) {
      const xmlNode* up = here;
      std::size_t at = end;
      while (at > begin && up != nullptr && matches_compound(complex[at - 1], *up)) {
        --at;
        if (at == begin) top = up;
        up = up->parent;
      }
      if (first) break;  // The last compound is the element itself.
    }
    if (top == nullptr) return false;
    first = false;
    from = top->parent;
    end = begin;
    if (end > 0 && from == nullptr) return false;
  }
  return true;
}

bool CssSelector::matches(const xmlNode& element) const {
  for (const Complex& complex : list_) {
    if (matches_complex(complex, element)) return true;
  }
  return false;
}

}  // namespace selvedge::markdown
