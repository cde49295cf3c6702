// Answers: the two kinds: a quote that is known whole, and a generation under way.
#pragma once

#include <memory>

#include "inference/inference.h"
#include "rag/bot.h"
#include "rag/quote.h"

namespace selvedge::rag {

// Streams the quote in words and characters. `usage` is what the question's embedding cost.
std::unique_ptr<Answer> quoted_answer(AnswerSource source, Quote quote, inference::Usage usage);

// Passes the stream's pieces on; destroying the answer destroys the stream, which cancels the task.
std::unique_ptr<Answer> generated_answer(AnswerSource source,
                                         std::unique_ptr<inference::TokenStream> stream);

}  // namespace selvedge::rag
