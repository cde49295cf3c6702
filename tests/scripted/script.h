// Script: the commands inside a text that tell the scripted runner what to do.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace selvedge::scripted {

// Commands are written [[name argument]] anywhere in the text, in any order:
//   [[say TEXT]]        the completion is TEXT (which may hold no "]]")
//   [[tokens N]]        the completion has N tokens
//   [[delay MS]]        milliseconds before each token (before the answer, for an embedding)
//   [[bytes]]           each byte of the completion is a token of its own
//   [[echo]]            the completion is what was received: "role: content" a line, or the prompt;
//                       pictures are shown as [picture 8x8]
//   [[sampling]]        the completion names the sampling fields that were received
//   [[options]]         the completion names the tools, the schema and the like that were received
//   [[think TEXT]]      TEXT is thought before the completion: told as reasoning where that is
//                       asked for, else written between <think> and </think>
//   [[call NAME {…}]]   a tool is called, where tools were given; any number of these
//   [[fail CODE]]       the task fails with this Code, by its name
//   [[crash]]           the process aborts; [[crash-after N]]: after N tokens
//   [[hang]]            the process stops answering anything; [[hang-after N]]
//   [[exit]]            the process ends with code 3
struct Script {
  std::optional<std::string> say;
  std::optional<int> tokens;
  int delay_ms = 0;
  bool bytes = false;
  bool echo = false;
  bool sampling = false;
  bool options = false;
  std::optional<std::string> think;
  std::vector<std::string> calls;  // "NAME {…}"
  std::optional<Code> fail;
  std::optional<int> crash_after;
  std::optional<int> hang_after;
  bool exit = false;
};

// Unknown commands are left alone.
Script parse_script(std::string_view text);

// The arguments of all [[name argument]], in order.
std::vector<std::string> commands(std::string_view text, std::string_view name);

// The argument of the last [[name argument]] in `text`, spaces trimmed; nullopt when there is none.
std::optional<std::string> command(std::string_view text, std::string_view name);

}  // namespace selvedge::scripted
