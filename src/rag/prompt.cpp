// The wording is that of the tutorial that the bot's clients come from.
#include "rag/prompt.h"

#include <string>

namespace selvedge::rag {

std::vector<wire::ChatMessage> prompt_of(std::string_view question,
                                         std::span<const Passage> passages) {
  std::string system =
      "You are a helpful assistant. Use the following context to answer the user's question. If "
      "you don't know, say so.\nContext:\n";
  for (std::size_t at = 0; at < passages.size(); ++at) {
    if (at > 0) system += "\n---\n";
    system += passages[at].text;
  }
  return {{"system", std::move(system)}, {"user", std::string(question)}};
}

}  // namespace selvedge::rag
