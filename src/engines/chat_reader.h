// ChatReader: a completion's text in, its content, reasoning and tool calls out, piece by piece.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "common/chat.h"
#include "wire/messages.h"

namespace selvedge::engines {

class ChatReader {
 public:
  explicit ChatReader(common_chat_parser_params parser) : parser_(std::move(parser)) {}

  struct News {
    std::string text = {};
    std::string reasoning = {};
    std::vector<wire::ToolCallDelta> tool_calls = {};

    bool empty() const { return text.empty() && reasoning.empty() && tool_calls.empty(); }
  };

  // What `text`, in a row with all before it, adds. Long completions are looked at less often.
  News add(std::string_view text);

  // The rest, when nothing follows. A completion that is not of the model's own form is text.
  News finish(std::string_view text);

 private:
  void count_brackets(std::string_view text);
  bool takes_back(const common_chat_msg& now) const;
  bool read(bool partial, News& news);
  std::string untold() const;

  common_chat_parser_params parser_;
  std::string whole_;
  std::size_t read_bytes_ = 0;
  int open_brackets_ = 0;  // Those in texts too.
  bool too_deep_ = false;  // What follows is text.
  common_chat_msg told_;
};

}  // namespace selvedge::engines
