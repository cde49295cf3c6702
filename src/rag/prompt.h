// Prompt: the messages that make a text model answer from passages.
#pragma once

#include <span>
#include <string_view>
#include <vector>

#include "rag/bot.h"
#include "wire/messages.h"

namespace selvedge::rag {

// A system message with the instruction and the passages, joined by "\n---\n", and the question as
// the user's message. Passages are content: the text model's control tokens in them stay text.
std::vector<wire::ChatMessage> prompt_of(std::string_view question,
                                         std::span<const Passage> passages);

}  // namespace selvedge::rag
