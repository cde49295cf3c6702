// Writes to stdout and stderr; knows terminals and wide characters.
#include "cli/output.h"

#include <cstdio>

#include <nlohmann/json.hpp>
#include <unistd.h>

#include "base/utf8.h"

namespace selvedge::cli {
namespace {

// East Asian Wide and Fullwidth blocks and emoji, coarsely: enough for aligned tables.
bool is_wide(char32_t c) {
  return (c >= 0x1100 && c <= 0x115F) || (c >= 0x2E80 && c <= 0xA4CF) ||
         (c >= 0xAC00 && c <= 0xD7A3) || (c >= 0xF900 && c <= 0xFAFF) ||
         (c >= 0xFE30 && c <= 0xFE6F) || (c >= 0xFF00 && c <= 0xFF60) ||
         (c >= 0xFFE0 && c <= 0xFFE6) || (c >= 0x1F300 && c <= 0x1FAFF) ||
         (c >= 0x20000 && c <= 0x3FFFD);
}

std::string styled(std::string_view text, const char* code) {
  if (!stdout_is_terminal()) return std::string(text);
  return std::string("\x1b[") + code + "m" + std::string(text) + "\x1b[0m";
}

}  // namespace

void print(std::string_view text) {
  std::fwrite(text.data(), 1, text.size(), stdout);
  std::fflush(stdout);
}

void print_line(std::string_view text) {
  std::fwrite(text.data(), 1, text.size(), stdout);
  std::fputc('\n', stdout);
  std::fflush(stdout);
}

void fail(Context& context, const Error& error) {
  context.exit_code = 1;
  if (context.json) {
    const nlohmann::json body = {
        {"error", {{"code", code_name(error.code)}, {"message", error.message}}}};
    print_line(body.dump());
    return;
  }
  std::fprintf(stderr, "selvedge: %s\n", error.message.c_str());
}

bool stdout_is_terminal() { return ::isatty(STDOUT_FILENO) == 1; }

std::string bold(std::string_view text) { return styled(text, "1"); }
std::string dim(std::string_view text) { return styled(text, "2"); }

std::size_t display_width(std::string_view text) {
  std::size_t width = 0;
  for (const char32_t c : utf8::decode(text)) {
    if (c >= 0x300 && c <= 0x36F) continue;  // Combining marks take no column.
    width += is_wide(c) ? 2 : 1;
  }
  return width;
}

std::string padded(std::string_view text, std::size_t width) {
  std::string out(text);
  const std::size_t taken = display_width(text);
  if (taken < width) out.append(width - taken, ' ');
  return out;
}

}  // namespace selvedge::cli
