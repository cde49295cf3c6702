// Pattern ways: counted in one pass, without the positions themselves.
#include "engines/pattern_ways.h"

#include <algorithm>
#include <vector>

namespace selvedge::engines {
namespace {

constexpr std::size_t kVariantsMax = 16;  // Items whose length is free.
constexpr std::size_t kTimesMax = 1'000;  // That one is repeated.
constexpr std::size_t kPlacesMax = 256;   // In repetitions that can be read in several ways.

// Counts what a grammar has open at once, at most. What a quantifier follows is one item: a
// character, a class or a group.
class PatternCounter {
 public:
  // `pattern` as PatternWriter writes it.
  explicit PatternCounter(std::string_view pattern) : pattern_(pattern) {}

  // 0: too many.
  std::size_t ways() {
    sequences_.push_back({});
    for (; at_ < pattern_.size(); ++at_) {
      if (!take()) return 0;
    }
    finish_item();
    const std::size_t places = sequences_.front().cost;
    return variants_ > kVariantsMax || places > kPlacesMax ? 0 : 1 + variants_ + places;
  }

 private:
  // `size`: characters, each as often as it may stand there; `cost`: those that can be open at
  // once.
  struct Item {
    std::size_t size = 0;
    std::size_t cost = 0;
    bool may_be_empty = true;
    bool varies = false;  // In its length.
    bool is_group = false;
  };
  // A group, or the whole; its alternatives added up.
  struct Sequence {
    std::size_t size = 0;
    std::size_t cost = 0;
    bool may_be_empty = true;  // The alternative that is read.
    bool one_may_be_empty = false;
    bool varies = false;
    bool certain = true;  // What stands before it has one length.
  };

  // False: this is too much.
  bool take() {
    const char byte = pattern_[at_];
    if (byte == '{' || byte == '*' || byte == '+' || byte == '?') return take_quantifier(byte);
    finish_item();
    if (byte == '(') {
      at_ += 2;  // "?:".
      sequences_.push_back({.certain = certain_});
      count_empty_alternative();
    } else if (byte == '|') {
      end_alternative();
      sequences_.back().varies = true;
      count_empty_alternative();
    } else if (byte == ')') {
      end_alternative();
      const Sequence group = sequences_.back();
      sequences_.pop_back();
      item_ = {group.size, group.cost, group.one_may_be_empty, group.varies, true};
      has_item_ = true;
    } else if (byte != '^' && byte != '$') {
      if (byte == '\\') ++at_;
      if (byte == '[') skip_class();
      item_ = {1, 0, false, false, false};
      has_item_ = true;
    }
    return true;
  }

  void finish_item() {
    if (!has_item_) return;
    Sequence& sequence = sequences_.back();
    sequence.size += item_.size;
    sequence.cost += item_.cost;
    sequence.may_be_empty = sequence.may_be_empty && item_.may_be_empty;
    sequence.varies = sequence.varies || item_.varies;
    certain_ = certain_ && !item_.varies;
    has_item_ = false;
  }

  void end_alternative() {
    Sequence& sequence = sequences_.back();
    sequence.one_may_be_empty = sequence.one_may_be_empty || sequence.may_be_empty;
    sequence.may_be_empty = true;
    certain_ = sequence.certain;
  }

  bool take_quantifier(char byte) {
    std::size_t least = byte == '+' ? 1 : 0;
    std::size_t most = byte == '?' ? 1 : 0;
    bool endless = byte == '*' || byte == '+';
    if (byte == '{') read_bounds(least, most, endless);
    if (!endless && most < least) return false;
    const std::size_t times = endless ? std::max<std::size_t>(least, 1) : most;
    const bool loops = endless || most > 1;
    if (times > kTimesMax || (loops && item_.may_be_empty)) return false;
    item_.size *= times;
    if (times > 1 && (item_.is_group || !certain_)) item_.cost = item_.size;
    item_.may_be_empty = item_.may_be_empty || least == 0;
    if (endless || least != most) {
      ++variants_;
      item_.varies = true;
    }
    return item_.size <= kTimesMax * kPlacesMax;
  }

  // "(|a)" is "a?".
  void count_empty_alternative() {
    const std::string_view rest = pattern_.substr(at_ + 1);
    if (rest == "$" || rest.starts_with('|') || rest.starts_with(')')) ++variants_;
  }

  // "{m}", "{m,}", "{m,n}".
  void read_bounds(std::size_t& least, std::size_t& most, bool& endless) {
    std::vector<std::size_t> numbers = {0};
    bool digits = false;
    for (++at_; at_ < pattern_.size() && pattern_[at_] != '}'; ++at_) {
      const char byte = pattern_[at_];
      if (byte == ',') {
        numbers.push_back(0);
        digits = false;
      } else if (byte >= '0' && byte <= '9') {
        const auto digit = static_cast<std::size_t>(byte - '0');
        numbers.back() = std::min<std::size_t>(numbers.back() * 10 + digit, 100'000);
        digits = true;
      }
    }
    least = numbers.front();
    most = numbers.back();
    endless = numbers.size() > 1 && !digits;
    if (endless) most = least;
  }

  void skip_class() {
    for (++at_; at_ < pattern_.size() && pattern_[at_] != ']'; ++at_) {
      if (pattern_[at_] == '\\') ++at_;
    }
  }

  std::string_view pattern_;
  std::size_t at_ = 0;
  std::size_t variants_ = 0;
  std::vector<Sequence> sequences_;  // The whole, and groups that are open.
  Item item_;                        // The last one, while a quantifier may follow.
  bool has_item_ = false;
  bool certain_ = true;  // All that was read has one length.
};

}  // namespace

std::size_t ways_of_pattern(std::string_view pattern) { return PatternCounter(pattern).ways(); }

}  // namespace selvedge::engines
