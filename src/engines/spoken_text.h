// Spoken text: the tokens of one window of speech into words with their times.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "wire/messages.h"

namespace selvedge::engines {

// A token of text, and when its sound ends.
struct SpokenToken {
  std::string bytes;  // Possibly part of a character.
  double end_s = 0;
};

// The words of `tokens`, which begin to sound at `start_s`: a word begins where a token begins with
// a space, in languages that put none between words (`language`, ISO 639-1) at each character that
// stands for itself; punctuation belongs to the word before it. Words follow each other in time. A
// word that would be far longer than the others begins after a silence. Texts are without spaces
// around them.
std::vector<wire::SpokenWord> spoken_words(const std::vector<SpokenToken>& tokens,
                                           std::string_view language, double start_s);

// Bytes of `text` for each byte that zlib makes of them: above 2.4 it repeats itself. 0 of no text.
double compression_ratio(std::string_view text);

// Ill-formed UTF-8 becomes U+FFFD, spaces around the text go.
std::string clean_text(std::string_view text);

}  // namespace selvedge::engines
