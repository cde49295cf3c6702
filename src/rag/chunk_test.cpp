// Tests of chunks: coverage, overlap, bounds, boundaries.
#include "rag/chunk.h"

#include <gtest/gtest.h>

#include "base/utf8.h"
#include "rag/document_chunk.h"

namespace selvedge::rag {
namespace {

// Words with the space before them, and single characters of the others, as tokens.
inference::TokenSpans word_tokens(std::string_view text) {
  inference::TokenSpans tokens;
  const std::vector<Character> all = characters(text);
  for (std::size_t at = 0; at < all.size(); ++at) {
    const bool last = at + 1 == all.size();
    const bool ends = last || is_space(all[at + 1].code) || is_cjk(all[at].code);
    if (!ends) continue;
    tokens.ids.push_back(1);
    tokens.ends.push_back(last ? static_cast<std::uint32_t>(text.size()) : all[at + 1].begin);
  }
  return tokens;
}

void expect_cover(std::string_view text, const std::vector<Span>& chunks) {
  ASSERT_FALSE(chunks.empty());
  EXPECT_EQ(chunks.front().begin, 0u);
  EXPECT_EQ(chunks.back().end, text.size());
  for (std::size_t at = 0; at < chunks.size(); ++at) {
    EXPECT_LT(chunks[at].begin, chunks[at].end);
    EXPECT_TRUE(utf8::valid(slice(text, chunks[at])));
    if (at > 0) {
      EXPECT_LE(chunks[at].begin, chunks[at - 1].end);
      EXPECT_GT(chunks[at].begin, chunks[at - 1].begin);
      EXPECT_GT(chunks[at].end, chunks[at - 1].end);
    }
  }
}

std::string numbered_sentences(int count) {
  std::string text;
  for (int i = 0; i < count; ++i) {
    text += "Sentence number " + std::to_string(i) + " says a thing of eight words. ";
  }
  return text;
}

TEST(Chunk, AShortTextIsOneChunk) {
  const std::string text = "One. Two.";
  EXPECT_EQ(chunk_spans(text, word_tokens(text)), (std::vector<Span>{{0, 9}}));
  EXPECT_TRUE(is_one_chunk(text));
}

TEST(Chunk, ALongTextIsCoveredByOverlappingChunksThatFitTheWindow) {
  const std::string text = numbered_sentences(300);
  const std::vector<Span> chunks = chunk_spans(text, word_tokens(text));
  expect_cover(text, chunks);
  ASSERT_GT(chunks.size(), 5u);
  for (std::size_t at = 0; at < chunks.size(); ++at) {
    EXPECT_LE(word_tokens(slice(text, chunks[at])).ids.size(), 401u);
    if (at == 0) continue;
    EXPECT_EQ(slice(text, chunks[at]).substr(0, 9), "Sentence ");
    EXPECT_EQ(text[chunks[at - 1].end - 1], '.');
    const Span shared{chunks[at].begin, chunks[at - 1].end};
    const std::size_t tokens = word_tokens(slice(text, shared)).ids.size();
    EXPECT_GE(tokens, 40u);
    EXPECT_LE(tokens, 62u);
  }
}

TEST(Chunk, TextWithoutSentencesOrSpacesIsStillCutBetweenCharacters) {
  std::string text;
  for (int i = 0; i < 3'000; ++i) text += "持";
  const std::vector<Span> chunks = chunk_spans(text, word_tokens(text));
  expect_cover(text, chunks);
  EXPECT_GT(chunks.size(), 7u);
}

TEST(Chunk, FewLongTokensAreBoundedByBytes) {
  const std::string text = "a" + std::string(20'000, ' ') + "b";
  const std::vector<Span> chunks = chunk_spans(text, word_tokens(text));
  expect_cover(text, chunks);
  for (const Span& chunk : chunks) EXPECT_LE(chunk.end - chunk.begin, 4'000u);
  expect_cover(text, chunk_spans(text, {}));
}

TEST(Chunk, TokensThatEndInsideACharacterDoNotCutIt) {
  std::string text;
  for (int i = 0; i < 900; ++i) text += "😀";
  inference::TokenSpans bytes;
  for (std::uint32_t at = 1; at <= text.size(); ++at) {
    bytes.ids.push_back(1);
    bytes.ends.push_back(at);
  }
  expect_cover(text, chunk_spans(text, bytes));
  expect_cover(text, chunk_spans(text, bytes, {.tokens_max = 1, .overlap_tokens = 5}));
}

TEST(DocumentChunk, MetadataReadsBackAsWritten) {
  const DocumentChunk chunk{"doc", 2, 5, "持久 \"quoted\"\n"};
  const auto back = chunk_from("doc#3", metadata_of(chunk));
  ASSERT_TRUE(back);
  EXPECT_EQ(back->document, "doc");
  EXPECT_EQ(back->at, 2u);
  EXPECT_EQ(back->count, 5u);
  EXPECT_EQ(back->text, chunk.text);
  EXPECT_EQ(metadata_of({"d", 0, 1, "持"}), R"({"text":"持","document":"d","chunk":0,"chunks":1})");
}

TEST(DocumentChunk, MetadataOfAWorkerWithJustATextIsADocumentOfItsOwn) {
  const auto chunk = chunk_from("their-id", R"({"text":"hello","author":3})");
  ASSERT_TRUE(chunk);
  EXPECT_EQ(chunk->document, "their-id");
  EXPECT_EQ(chunk->count, 1u);
  EXPECT_EQ(chunk->text, "hello");
}

TEST(DocumentChunk, MetadataWithoutATextIsNoPassage) {
  EXPECT_FALSE(chunk_from("a", ""));
  EXPECT_FALSE(chunk_from("a", "{"));
  EXPECT_FALSE(chunk_from("a", "[1]"));
  EXPECT_FALSE(chunk_from("a", R"({"text":7})"));
}

TEST(DocumentChunk, ForgedCountsAreNotTakenForOurs) {
  const auto huge =
      chunk_from("a", R"({"text":"x","document":"a","chunk":0,"chunks":999999999999})");
  ASSERT_TRUE(huge);
  EXPECT_EQ(huge->count, 1u);
  const auto foreign = chunk_from("b", R"({"text":"x","document":"a","chunk":0,"chunks":2})");
  EXPECT_EQ(foreign->document, "b");
}

TEST(DocumentChunk, IdsThatWouldCollideOrOverflowAreRefused) {
  EXPECT_TRUE(check_document_id("持久").ok());
  EXPECT_TRUE(check_document_id("c#").ok());
  EXPECT_TRUE(check_document_id(std::string(kDocumentIdBytesMax, 'x')).ok());
  for (const std::string& id : {std::string(), std::string("a#2"), std::string("a\n"),
                                std::string("\xFF"), std::string(kDocumentIdBytesMax + 1, 'x')}) {
    EXPECT_EQ(check_document_id(id).error().code, Code::invalid_input);
  }
  EXPECT_LE(chunk_id(std::string(kDocumentIdBytesMax, 'x'), kChunksMax - 1).size(),
            limits::id_bytes_max);
}

}  // namespace
}  // namespace selvedge::rag
