// Both kinds end with one last piece, which may be empty.
#include "rag/answer.h"

#include <utility>

namespace selvedge::rag {
namespace {

class QuotedAnswer final : public Answer {
 public:
  QuotedAnswer(AnswerSource source, Quote quote, inference::Usage usage)
      : source_(std::move(source)),
        quote_(std::move(quote)),
        usage_(usage),
        pieces_(pieces_of(quote_.text)) {}

  const AnswerSource& source() const override { return source_; }

  asio::awaitable<Result<AnswerPiece>> next() override {
    AnswerPiece piece;
    if (at_ < pieces_.size()) piece.text = std::move(pieces_[at_++]);
    if (at_ >= pieces_.size()) {
      piece.last = true;
      piece.refused = quote_.refused;
      piece.citations = std::move(quote_.citations);
      piece.usage = usage_;
    }
    co_return std::move(piece);
  }

 private:
  AnswerSource source_;
  Quote quote_;
  inference::Usage usage_;
  std::vector<std::string> pieces_;
  std::size_t at_ = 0;
};

class GeneratedAnswer final : public Answer {
 public:
  GeneratedAnswer(AnswerSource source, std::unique_ptr<inference::TokenStream> stream)
      : source_(std::move(source)), stream_(std::move(stream)) {}

  const AnswerSource& source() const override { return source_; }

  asio::awaitable<Result<AnswerPiece>> next() override {
    auto result = co_await stream_->next();
    SEL_CO_TRY(piece, std::move(result));
    AnswerPiece own;
    own.text = std::move(piece.text);
    own.last = piece.last;
    own.usage = piece.usage;
    co_return std::move(own);
  }

 private:
  AnswerSource source_;
  std::unique_ptr<inference::TokenStream> stream_;
};

}  // namespace

std::unique_ptr<Answer> quoted_answer(AnswerSource source, Quote quote, inference::Usage usage) {
  return std::make_unique<QuotedAnswer>(std::move(source), std::move(quote), usage);
}

std::unique_ptr<Answer> generated_answer(AnswerSource source,
                                         std::unique_ptr<inference::TokenStream> stream) {
  return std::make_unique<GeneratedAnswer>(std::move(source), std::move(stream));
}

}  // namespace selvedge::rag
