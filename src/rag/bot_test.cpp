// Tests of the bot: adding, replacing, removing, listing, and both ways to answer.
#include "rag/bot.h"

#include <algorithm>

#include <gtest/gtest.h>

#include "rag/bot_doubles.h"
#include "rag/document_turns.h"

namespace selvedge::rag {
namespace {

constexpr const char* kObjects =
    "Durable Objects provide strongly consistent state. Each object has its own storage.";
constexpr const char* kBread = "Bread is made of flour and water. It is baked in an oven.";

class BotTest : public ::testing::Test {
 protected:
  BotTest() {
    BotOptions options;
    options.text_model = "text";
    options.embedding_model = "embedding";
    bot_ = Bot::create(options, parts_.catalog, parts_.inference, parts_.store, parts_.pool);
  }

  void prepare() { ASSERT_TRUE(parts_.wait(bot_->prepare_index()).ok()); }

  Result<std::string> add(std::string text, std::optional<std::string> id = std::nullopt) {
    return parts_.wait(bot_->add(std::move(text), std::move(id)));
  }

  Result<std::unique_ptr<Answer>> chat(std::string question,
                                       std::optional<AnswerMode> mode = std::nullopt) {
    return parts_.wait(bot_->chat(std::move(question), mode));
  }

  // The whole text, and the last piece with it.
  AnswerPiece whole(Answer& answer) {
    AnswerPiece all;
    while (!all.last) {
      auto piece = parts_.wait(answer.next());
      EXPECT_TRUE(piece.ok());
      if (!piece.ok()) break;
      piece->text = all.text + piece->text;
      all = std::move(*piece);
    }
    return all;
  }

  std::vector<std::string> ids() const {
    std::vector<std::string> ids;
    for (const auto& one : parts_.store.index->vectors) ids.push_back(one.first);
    return ids;
  }

  static std::string long_text(int sentences) {
    std::string text;
    for (int i = 0; i < sentences; ++i) {
      text += "This is sentence number " + std::to_string(i) + " of a long text. ";
    }
    return text;
  }

  DoubleParts parts_;
  std::unique_ptr<Bot> bot_;
};

TEST_F(BotTest, CreatesItsIndexOnceWithTheEmbeddingModelsDimensions) {
  EXPECT_TRUE(parts_.wait(bot_->prepare_index()).value());
  EXPECT_FALSE(parts_.wait(bot_->prepare_index()).value());
  EXPECT_EQ(parts_.store.index->description().config.dimensions, 64u);
  EXPECT_EQ(parts_.store.index->description().config.metric, vectors::Metric::cosine);
}

TEST_F(BotTest, EverythingSaysThatTheIndexIsMissing) {
  EXPECT_EQ(add("Text.").error().code, Code::index_not_found);
  EXPECT_EQ(chat("What?").error().code, Code::index_not_found);
  EXPECT_EQ(parts_.wait(bot_->list("", 10)).error().code, Code::index_not_found);
  EXPECT_EQ(parts_.wait(bot_->remove("a")).error().code, Code::index_not_found);
}

TEST_F(BotTest, AddsAShortTextAsOneVectorAndMakesAnId) {
  prepare();
  const auto id = add(kObjects);
  ASSERT_TRUE(id.ok());
  EXPECT_EQ(id->size(), 36u);
  EXPECT_EQ(ids(), std::vector<std::string>{*id});
  EXPECT_EQ(parts_.inference.embedded.back().first, inference::EmbedRole::passage);
}

TEST_F(BotTest, RefusesTextsAndIdsThatCannotBeStored) {
  prepare();
  EXPECT_EQ(add(" \n\t").error().code, Code::invalid_input);
  EXPECT_EQ(add("\xFF\xFE").error().code, Code::invalid_input);
  EXPECT_EQ(add("Text.", "").error().code, Code::invalid_input);
  EXPECT_EQ(add("Text.", "a#2").error().code, Code::invalid_input);
  EXPECT_EQ(add(std::string(limits::knowledge_text_bytes_max + 1, 'x')).error().code,
            Code::body_too_large);
  EXPECT_TRUE(ids().empty());
}

TEST_F(BotTest, ALongTextIsStoredInOneBatchOfChunks) {
  prepare();
  ASSERT_TRUE(add(long_text(200), "long").ok());
  EXPECT_GT(ids().size(), 3u);
  EXPECT_EQ(ids()[0], "long");
  EXPECT_EQ(ids()[1], "long#2");
  EXPECT_EQ(parts_.store.index->writes, 1);
}

TEST_F(BotTest, AKnownIdIsReplacedWholeAlsoByFewerChunks) {
  prepare();
  ASSERT_TRUE(add(long_text(200), "doc").ok());
  ASSERT_TRUE(add("Other.", "other").ok());
  ASSERT_TRUE(add(long_text(90), "doc").ok());
  const std::size_t fewer = ids().size();
  ASSERT_TRUE(add("Short now.", "doc").ok());
  EXPECT_GT(fewer, 2u);
  EXPECT_EQ(ids(), (std::vector<std::string>{"doc", "other"}));
}

TEST_F(BotTest, RemovesAllChunksOfATextAndNothingElse) {
  prepare();
  ASSERT_TRUE(add(long_text(200), "doc").ok());
  ASSERT_TRUE(add("Other.", "doc2").ok());
  EXPECT_TRUE(parts_.wait(bot_->remove("doc")).ok());
  EXPECT_EQ(ids(), std::vector<std::string>{"doc2"});
  EXPECT_EQ(parts_.wait(bot_->remove("doc")).error().code, Code::knowledge_not_found);
}

TEST_F(BotTest, ListsTextsNotChunksPageByPage) {
  prepare();
  ASSERT_TRUE(add(long_text(200), "b").ok());
  for (const char* id : {"a", "c", "d"}) ASSERT_TRUE(add("Text.", id).ok());
  std::vector<std::string> seen;
  std::string after;
  int pages = 0;
  do {
    const auto page = parts_.wait(bot_->list(after, 2));
    ASSERT_TRUE(page.ok());
    EXPECT_LE(page->items.size(), 2u);
    EXPECT_EQ(page->total_chunks, ids().size());
    for (const KnowledgeItem& item : page->items) seen.push_back(item.id);
    after = page->next;
    ++pages;
  } while (!after.empty() && pages < 10);
  EXPECT_EQ(seen, (std::vector<std::string>{"a", "b", "c", "d"}));
  const auto all = parts_.wait(bot_->list("", 10));
  EXPECT_GT(all->items[1].chunks, 3u);
  EXPECT_LE(all->items[1].text.size(), 200u);
  EXPECT_TRUE(all->next.empty());
}

TEST_F(BotTest, VectorsOfAWorkerArePassagesIfTheyHaveATextAndSkippedIfNot) {
  prepare();
  ASSERT_TRUE(add(kBread, "bread").ok());
  auto& vectors = parts_.store.index->vectors;
  vectors["w"] = vectors["bread"];
  vectors["w"].id = "w";
  vectors["w"].metadata = R"({"text":"Bread from a Worker."})";
  vectors["x"] = vectors["w"];
  vectors["x"].id = "x";
  vectors["x"].metadata = R"({"title":"no text"})";
  const auto page = parts_.wait(bot_->list("", 10));
  ASSERT_EQ(page->items.size(), 2u);
  EXPECT_EQ(page->items[1].id, "w");
  const auto answer = chat("What is bread made of?");
  ASSERT_TRUE(answer.ok());
  EXPECT_EQ((*answer)->source().passages.size(), 2u);
  EXPECT_EQ(parts_.wait(bot_->remove("x")).error().code, Code::knowledge_not_found);
  EXPECT_TRUE(parts_.wait(bot_->remove("w")).ok());
}

TEST_F(BotTest, QuotesTheBestSentenceWhileTheTextModelIsNoReader) {
  prepare();
  ASSERT_TRUE(add(kObjects, "objects").ok());
  ASSERT_TRUE(add(kBread, "bread").ok());
  auto answer = chat("What do Durable Objects provide?");
  ASSERT_TRUE(answer.ok());
  const AnswerSource& source = (*answer)->source();
  EXPECT_EQ(source.mode, AnswerMode::quote);
  EXPECT_EQ(source.embedding_model, "tiny-embedding");
  EXPECT_TRUE(source.embedding_stand_in);
  EXPECT_TRUE(source.text_model.empty());
  EXPECT_EQ(source.passages[0].id, "objects");
  EXPECT_GT(source.passages[0].score, source.passages[1].score);
  const AnswerPiece last = whole(**answer);
  EXPECT_EQ(last.text, kObjects);
  EXPECT_FALSE(last.refused);
  ASSERT_EQ(last.citations.size(), 2u);
  EXPECT_EQ(last.citations[0].passage_id, "objects");
}

TEST_F(BotTest, RefusesWhatNoPassageIsNear) {
  prepare();
  ASSERT_TRUE(add(kBread, "bread").ok());
  auto answer = chat("谁是总统？");
  ASSERT_TRUE(answer.ok());
  const AnswerPiece last = whole(**answer);
  EXPECT_TRUE(last.refused);
  EXPECT_EQ(last.text, "这些资料没有回答这个问题。");
}

TEST_F(BotTest, EmbedsThePassagesSentencesOnce) {
  prepare();
  ASSERT_TRUE(add(kBread, "bread").ok());
  ASSERT_TRUE(chat("What is bread made of?").ok());
  const std::size_t first = parts_.inference.embedded_count(inference::EmbedRole::passage);
  EXPECT_EQ(first, 3u);  // The chunk and its two sentences.
  ASSERT_TRUE(chat("Where is it baked?").ok());
  EXPECT_EQ(parts_.inference.embedded_count(inference::EmbedRole::passage), first);
  EXPECT_EQ(parts_.inference.embedded_count(inference::EmbedRole::query), 2u);
}

TEST_F(BotTest, AsksTheTextModelWhenItReadsOrWhenTold) {
  prepare();
  ASSERT_TRUE(add(kBread, "bread").ok());
  auto told = chat("What is bread?", AnswerMode::model);
  ASSERT_TRUE(told.ok());
  EXPECT_EQ((*told)->source().mode, AnswerMode::model);
  EXPECT_EQ((*told)->source().text_model, "tiny-text");
  EXPECT_TRUE((*told)->source().text_stand_in);
  EXPECT_EQ(whole(**told).text, "Answer: What is bread?");
  EXPECT_NE(parts_.inference.last_task.messages[0].content.find(kBread), std::string::npos);
  parts_.catalog.text->reader = true;
  EXPECT_EQ((*chat("What is bread?"))->source().mode, AnswerMode::model);
  EXPECT_EQ((*chat("What is bread?", AnswerMode::quote))->source().mode, AnswerMode::quote);
}

TEST_F(BotTest, QuotesWithoutAnyTextModelInstalled) {
  prepare();
  ASSERT_TRUE(add(kBread, "bread").ok());
  parts_.catalog.text.reset();
  EXPECT_EQ((*chat("What is bread?"))->source().mode, AnswerMode::quote);
  EXPECT_EQ(chat("What is bread?", AnswerMode::model).error().code, Code::model_not_installed);
}

TEST_F(BotTest, DropsTheWorstPassagesThatDoNotFitTheTextModelsWindow) {
  prepare();
  ASSERT_TRUE(add(long_text(30), "one").ok());
  ASSERT_TRUE(add(long_text(31), "two").ok());
  parts_.catalog.text_entry.context_tokens = 256 + 64 + 320;
  auto answer = chat("sentence", AnswerMode::model);
  ASSERT_TRUE(answer.ok());
  EXPECT_EQ((*answer)->source().passages.size(), 1u);
  const std::string& prompt = parts_.inference.last_task.messages[0].content;
  EXPECT_EQ(prompt.find("\n---\n"), std::string::npos);
}

TEST_F(BotTest, DestroyingAnAnswerEndsItsGeneration) {
  prepare();
  ASSERT_TRUE(add(kBread, "bread").ok());
  {
    auto answer = chat("What is bread?", AnswerMode::model);
    ASSERT_TRUE(answer.ok());
    EXPECT_EQ(parts_.inference.streams_open, 1);
  }
  EXPECT_EQ(parts_.inference.streams_open, 0);
}

TEST_F(BotTest, PassesErrorsOfTheModelsOn) {
  prepare();
  ASSERT_TRUE(add(kBread, "bread").ok());
  EXPECT_EQ(chat(" ").error().code, Code::invalid_input);
  EXPECT_EQ(chat("\xFF").error().code, Code::invalid_input);
  EXPECT_EQ(chat(std::string(limits::question_chars_max + 1, 'x')).error().code,
            Code::invalid_input);
  parts_.inference.error = Error{Code::queue_full, "queue"};
  EXPECT_EQ(chat("What is bread?").error().code, Code::queue_full);
  EXPECT_EQ(add("Text.").error().code, Code::queue_full);
  parts_.catalog.embedding.reset();
  EXPECT_EQ(chat("What is bread?").error().code, Code::model_not_installed);
}

TEST(DocumentTurns, SecondOfOneDocumentWaitsAndAnotherDocumentDoesNot) {
  DoubleParts parts;
  DocumentTurns turns;
  std::vector<std::string> order;
  auto first = std::make_optional(parts.wait(turns.take("a")));
  auto take = [&](std::string id) -> asio::awaitable<void> {
    std::string copy = id;
    auto turn = co_await turns.take(std::move(copy));
    order.push_back(id);
  };
  asio::co_spawn(parts.io, take("a"), asio::detached);
  asio::co_spawn(parts.io, take("b"), asio::detached);
  parts.io.restart();
  parts.io.poll();
  EXPECT_EQ(order, std::vector<std::string>{"b"});
  first.reset();
  parts.io.restart();
  parts.io.run();
  EXPECT_EQ(order, (std::vector<std::string>{"b", "a"}));
}

}  // namespace
}  // namespace selvedge::rag
