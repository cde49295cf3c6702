// Spoken text: where words begin, and how long they can be.
#include "engines/spoken_text.h"

#include <algorithm>
#include <array>
#include <utility>

#include <zlib.h>

#include "base/utf8.h"

namespace selvedge::engines {
namespace {

// OpenAI's own bounds: half of the words are no longer than the median, none is longer than twice
// that.
constexpr double kMedianSecondsMax = 0.7;
constexpr double kLongestOfMedian = 2.0;

constexpr std::array<std::string_view, 6> kWithoutSpaces = {"zh", "ja", "th", "lo", "my", "yue"};

constexpr std::array<std::string_view, 22> kTrailing = {"'",  ".",  "。", ",", "，", "!", "！", "?",
                                                        "？", ":",  "：", ";", "”",  ")", "]",  "}",
                                                        "、", "」", "』", "…", "\"", "%"};

bool is_trailing(std::string_view text) {
  while (!text.empty()) {
    const auto found =
        std::find_if(kTrailing.begin(), kTrailing.end(),
                     [text](std::string_view mark) { return text.starts_with(mark); });
    if (found == kTrailing.end()) return false;
    text.remove_prefix(found->size());
  }
  return true;
}

std::string_view trimmed(std::string_view text) {
  constexpr std::string_view kSpace = " \t\r\n";
  const std::size_t begin = text.find_first_not_of(kSpace);
  if (begin == text.npos) return {};
  return text.substr(begin, text.find_last_not_of(kSpace) - begin + 1);
}

double median_seconds(const std::vector<wire::SpokenWord>& words) {
  std::vector<double> seconds;
  for (const wire::SpokenWord& word : words) {
    if (word.end_s > word.start_s) seconds.push_back(word.end_s - word.start_s);
  }
  if (seconds.empty()) return 0;
  const auto middle = seconds.begin() + static_cast<std::ptrdiff_t>(seconds.size() / 2);
  std::nth_element(seconds.begin(), middle, seconds.end());
  return std::min(*middle, kMedianSecondsMax);
}

}  // namespace

std::string clean_text(std::string_view text) { return utf8::repaired(trimmed(text)); }

std::vector<wire::SpokenWord> spoken_words(const std::vector<SpokenToken>& tokens,
                                           std::string_view language, double start_s) {
  const bool spaced =
      std::find(kWithoutSpaces.begin(), kWithoutSpaces.end(), language) == kWithoutSpaces.end();
  std::vector<wire::SpokenWord> words;
  std::string open;  // Of a token that ends within a character.
  double at_s = start_s;
  for (const SpokenToken& token : tokens) {
    open += token.bytes;
    const double begin_s = at_s;
    const double end_s = std::max(token.end_s, begin_s);
    at_s = end_s;
    if (open.empty() || !utf8::valid(open)) continue;
    const std::string text = std::exchange(open, {});
    const bool begins = words.empty() || text.front() == ' ' || !spaced;
    // What sounds during a mark is the pause.
    const bool mark = !words.empty() && is_trailing(trimmed(text));
    if (begins && !mark) {
      words.push_back({text, begin_s, end_s});
      continue;
    }
    words.back().text += text;
    if (!mark) words.back().end_s = end_s;
  }
  if (!open.empty() && !words.empty()) words.back().text += utf8::repaired(open);
  for (wire::SpokenWord& word : words) word.text = clean_text(word.text);
  std::erase_if(words, [](const wire::SpokenWord& word) { return word.text.empty(); });
  const double longest = kLongestOfMedian * median_seconds(words);
  for (wire::SpokenWord& word : words) {
    if (longest > 0) word.start_s = std::max(word.start_s, word.end_s - longest);
  }
  return words;
}

double compression_ratio(std::string_view text) {
  if (text.empty()) return 0;
  uLongf bytes = ::compressBound(static_cast<uLong>(text.size()));
  std::string packed(bytes, '\0');
  const int done =
      ::compress(reinterpret_cast<Bytef*>(packed.data()), &bytes,
                 reinterpret_cast<const Bytef*>(text.data()), static_cast<uLong>(text.size()));
  if (done != Z_OK || bytes == 0) return 0;
  return static_cast<double>(text.size()) / static_cast<double>(bytes);
}

}  // namespace selvedge::engines
