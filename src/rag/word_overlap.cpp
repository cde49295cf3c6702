// Terms and their weights.
#include "rag/word_overlap.h"

#include <algorithm>
#include <cmath>

#include "base/utf8.h"
#include "rag/characters.h"

namespace selvedge::rag {

std::vector<std::string> terms(std::string_view text) {
  std::vector<std::string> found;
  std::string word;
  char32_t cjk_before = 0;      // The CJK character just before, or 0.
  bool cjk_before_used = true;  // It is part of a pair already.
  const auto end_word = [&] {
    if (!word.empty()) found.push_back(std::move(word));
    word.clear();
  };
  const auto end_cjk = [&] {
    if (!cjk_before_used) {
      found.emplace_back();
      utf8::append(found.back(), cjk_before);
    }
    cjk_before = 0;
    cjk_before_used = true;
  };
  for (const Character& character : characters(text)) {
    const char32_t code = character.code;
    if (is_cjk(code)) {
      end_word();
      if (cjk_before != 0) {
        found.emplace_back();
        utf8::append(found.back(), cjk_before);
        utf8::append(found.back(), code);
      }
      cjk_before_used = cjk_before != 0;
      cjk_before = code;
    } else {
      end_cjk();
      if (is_word(code)) {
        utf8::append(word, folded(code));
      } else {
        end_word();
      }
    }
  }
  end_word();
  end_cjk();
  std::sort(found.begin(), found.end());
  found.erase(std::unique(found.begin(), found.end()), found.end());
  return found;
}

std::vector<double> word_overlaps(std::string_view question,
                                  std::span<const std::string_view> sentences) {
  const std::vector<std::string> asked = terms(question);
  std::vector<std::vector<bool>> holds(sentences.size(), std::vector<bool>(asked.size()));
  std::vector<double> counts(asked.size(), 0.0);
  for (std::size_t s = 0; s < sentences.size(); ++s) {
    const std::vector<std::string> own = terms(sentences[s]);
    for (std::size_t t = 0; t < asked.size(); ++t) {
      holds[s][t] = std::binary_search(own.begin(), own.end(), asked[t]);
      if (holds[s][t]) counts[t] += 1;
    }
  }
  const auto total = static_cast<double>(sentences.size());
  double all = 0;
  std::vector<double> weights(asked.size());
  for (std::size_t t = 0; t < asked.size(); ++t) {
    weights[t] = std::log((total + 1.0) / (counts[t] + 0.5));
    all += weights[t];
  }
  std::vector<double> overlaps(sentences.size(), 0.0);
  if (all <= 0) return overlaps;
  for (std::size_t s = 0; s < sentences.size(); ++s) {
    for (std::size_t t = 0; t < asked.size(); ++t) {
      if (holds[s][t]) overlaps[s] += weights[t];
    }
    overlaps[s] = std::clamp(overlaps[s] / all, 0.0, 1.0);
  }
  return overlaps;
}

}  // namespace selvedge::rag
