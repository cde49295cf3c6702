// Text units: what the scripted runner takes for tokens.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

namespace selvedge::scripted {

// Cuts `text` into words (letters and digits, with the spaces before them) and single other
// characters (each CJK character, each punctuation mark). The units joined are the text. Borrowed
// from `text`.
std::vector<std::string_view> text_units(std::string_view text);

// `unit` without the spaces before it.
std::string_view without_spaces(std::string_view unit);

// FNV-1a over `text`, ASCII letters lowered.
std::uint64_t text_hash(std::string_view text, std::uint64_t salt = 0);

}  // namespace selvedge::scripted
