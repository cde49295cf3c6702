// Script: finds [[…]] and reads the numbers.
#include "script.h"

#include <charconv>
#include <utility>

namespace selvedge::scripted {
namespace {

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && text.front() == ' ') text.remove_prefix(1);
  while (!text.empty() && text.back() == ' ') text.remove_suffix(1);
  return text;
}

std::optional<int> number(const std::optional<std::string>& argument) {
  if (!argument) return std::nullopt;
  int value = 0;
  std::from_chars(argument->data(), argument->data() + argument->size(), value);
  return value;
}

Code code_of(const std::string& name) {
  for (int at = 0; at < kCodeCount; ++at) {
    if (name == code_name(static_cast<Code>(at))) return static_cast<Code>(at);
  }
  return Code::internal;
}

}  // namespace

std::vector<std::string> commands(std::string_view text, std::string_view name) {
  std::vector<std::string> found;
  for (std::size_t at = text.find("[["); at != text.npos; at = text.find("[[", at + 2)) {
    const std::size_t end = text.find("]]", at);
    if (end == text.npos) break;
    const std::string_view inside = text.substr(at + 2, end - at - 2);
    const std::size_t space = inside.find(' ');
    if (inside.substr(0, space) != name) continue;
    found.emplace_back(space == inside.npos ? "" : trimmed(inside.substr(space)));
  }
  return found;
}

std::optional<std::string> command(std::string_view text, std::string_view name) {
  std::vector<std::string> all = commands(text, name);
  if (all.empty()) return std::nullopt;
  return std::move(all.back());
}

Script parse_script(std::string_view text) {
  Script script;
  script.say = command(text, "say");
  script.tokens = number(command(text, "tokens"));
  script.delay_ms = number(command(text, "delay")).value_or(0);
  script.bytes = command(text, "bytes").has_value();
  script.echo = command(text, "echo").has_value();
  script.sampling = command(text, "sampling").has_value();
  script.options = command(text, "options").has_value();
  script.think = command(text, "think");
  script.calls = commands(text, "call");
  if (const auto name = command(text, "fail")) script.fail = code_of(*name);
  script.crash_after = number(command(text, "crash-after"));
  if (command(text, "crash")) script.crash_after = 0;
  script.hang_after = number(command(text, "hang-after"));
  if (command(text, "hang")) script.hang_after = 0;
  script.exit = command(text, "exit").has_value();
  return script;
}

}  // namespace selvedge::scripted
