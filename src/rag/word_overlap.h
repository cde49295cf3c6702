// Word overlap: which share of a question's words stands in a sentence, rare words counting more.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace selvedge::rag {

// The terms of a text, sorted, each once: words in lower case without accents; of CJK text every
// two characters that follow each other (a lone one by itself).
std::vector<std::string> terms(std::string_view text);

// Per sentence, 0 to 1: the sum of the weights of the question's terms that stand in it, by the sum
// of all the question's. A term weighs more the fewer of `sentences` hold it.
std::vector<double> word_overlaps(std::string_view question,
                                  std::span<const std::string_view> sentences);

}  // namespace selvedge::rag
