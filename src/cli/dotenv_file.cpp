// The block is found by its marks; what dotenv would read outside of it is compared, not changed.
#include "cli/dotenv_file.h"

#include <algorithm>
#include <optional>

namespace selvedge::cli {
namespace {

constexpr std::string_view kBegin = "# >>> selvedge";
constexpr std::string_view kEnd = "# <<< selvedge";
constexpr std::string_view kBeginLine =
    "# >>> selvedge: written by \"selvedge init\", which replaces these lines\n";
constexpr std::string_view kEndLine = "# <<< selvedge\n";
constexpr std::string_view kBlank = " \t\r";

struct Block {
  std::size_t from = 0;  // Bytes [from, to), whole lines.
  std::size_t to = 0;
};

std::string_view trimmed(std::string_view text) {
  const std::size_t from = text.find_first_not_of(kBlank);
  if (from == std::string_view::npos) return {};
  return text.substr(from, text.find_last_not_of(kBlank) - from + 1);
}

bool is_name(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           c == '.' || c == '-';
  });
}

std::string value_of(std::string_view text) {
  text = trimmed(text);
  if (!text.empty() && std::string_view("'\"`").find(text.front()) != std::string_view::npos) {
    const std::size_t end = text.find(text.front(), 1);
    if (end != std::string_view::npos) text = text.substr(1, end - 1);
  } else {
    text = trimmed(text.substr(0, text.find('#')));
  }
  std::string value;
  for (std::size_t at = 0; at < text.size(); ++at) {
    if (text[at] == '\\' && at + 1 < text.size() && text[at + 1] == '$') continue;
    value += text[at];
  }
  return value;
}

std::optional<DotenvLine> assignment(std::string_view line) {
  line = trimmed(line);
  if (line.starts_with("export ")) line = trimmed(line.substr(7));
  const std::size_t equals = line.find('=');
  if (equals == std::string_view::npos) return std::nullopt;
  const std::string_view name = trimmed(line.substr(0, equals));
  if (!is_name(name)) return std::nullopt;
  return DotenvLine{0, std::string(name), value_of(line.substr(equals + 1))};
}

struct Parsed {
  std::optional<Block> block;
  std::vector<DotenvLine> lines;
};

Result<Parsed> parse(std::string_view text) {
  Parsed parsed;
  std::optional<std::size_t> begun_at;
  std::size_t number = 0;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t line_end = std::min(text.find('\n', at), text.size());
    const std::size_t next = std::min(line_end + 1, text.size());
    const std::string_view line = text.substr(at, line_end - at);
    ++number;
    if (line.starts_with(kBegin)) {
      if (begun_at || parsed.block) {
        return Error{Code::file_invalid, "line " + std::to_string(number) +
                                             " begins a second block \"" + std::string(kBegin) +
                                             "\"; remove one"};
      }
      begun_at = at;
    } else if (line.starts_with(kEnd) && begun_at) {
      parsed.block = Block{*begun_at, next};
      begun_at.reset();
    } else if (auto found = assignment(line); found && !begun_at) {
      found->number = number;
      parsed.lines.push_back(std::move(*found));
    }
    at = next;
  }
  if (begun_at) {
    return Error{Code::file_invalid, "the block \"" + std::string(kBegin) + "\" has no end \"" +
                                         std::string(kEnd) + "\"; remove or end it"};
  }
  return parsed;
}

}  // namespace

Result<std::vector<DotenvLine>> foreign_lines(std::string_view text) {
  SEL_TRY(parsed, parse(text));
  return std::move(parsed.lines);
}

Result<std::string> with_block(std::string_view text, const Variables& variables) {
  SEL_TRY(parsed, parse(text));
  for (const DotenvLine& line : parsed.lines) {
    for (const auto& [name, value] : variables) {
      if (line.name == name && line.value != value) {
        return Error{Code::already_exists, "line " + std::to_string(line.number) + " sets " + name +
                                               " to something else; remove that line first"};
      }
    }
  }
  std::string block(kBeginLine);
  block += dotenv_form(variables);
  block += kEndLine;
  std::string out;
  if (parsed.block) {
    out = std::string(text.substr(0, parsed.block->from)) + block;
    out += text.substr(parsed.block->to);
    return out;
  }
  out = text;
  if (!out.empty() && !out.ends_with('\n')) out += '\n';
  if (!out.empty()) out += '\n';
  return out + block;
}

}  // namespace selvedge::cli
