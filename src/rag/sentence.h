// Sentence: where the sentences of a passage begin and end.
#pragma once

#include <string_view>
#include <vector>

#include "rag/characters.h"

namespace selvedge::rag {

// The sentences of `text` in order, without the white space around them; never empty ones, and none
// overlap. Every letter and digit of `text` is in one of them.
//
// Latin and its like end after . ! ? … (and the quotes and brackets that close there) before white
// space and a capital, a digit, an opening quote or bracket, or a CJK character; not after
// abbreviations, initials, list numbers and decimals. Chinese and Japanese end after 。！？； with
// their closing quotes. A line end ends a sentence beside a CJK character, before an empty line, a
// list mark or a heading; elsewhere it is white space.
std::vector<Span> sentence_spans(std::string_view text);

}  // namespace selvedge::rag
