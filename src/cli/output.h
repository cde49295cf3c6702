// Output: how the verbs speak to people and programs.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "base/result.h"
#include "cli/context.h"

namespace selvedge::cli {

// One line to stdout, or bytes as they are. A closed pipe is no error.
void print_line(std::string_view text);
void print(std::string_view text);

// "selvedge: <message>" to stderr (with --json: {"error":{code,message}} to stdout), and exit
// code 1.
void fail(Context& context, const Error& error);

// True when stdout is a terminal.
bool stdout_is_terminal();

// `text` in bold or dim on a terminal, else unchanged.
std::string bold(std::string_view text);
std::string dim(std::string_view text);

// Columns that a terminal gives to `text`: wide characters (CJK, emoji) count two.
std::size_t display_width(std::string_view text);

// `text` filled with spaces up to `width` columns.
std::string padded(std::string_view text, std::size_t width);

}  // namespace selvedge::cli
