// Tests of turn blocks: pieces become blocks, and every block is opened and closed.
#include "api/turn_blocks.h"

#include <gtest/gtest.h>

namespace selvedge::api {
namespace {

class Trace final : public BlockSink {
 public:
  std::string text;
  void begin(std::size_t index, const Block& block) override {
    text += "<" + std::to_string(index) + " " + block.name;
  }
  void delta(std::size_t, const Block&, const std::string& added) override { text += "|" + added; }
  void end(std::size_t index, const Block&) override { text += " " + std::to_string(index) + ">"; }
};

inference::Piece with_text(std::string text) {
  inference::Piece piece;
  piece.text = std::move(text);
  return piece;
}

inference::Piece with_call(wire::ToolCallDelta delta) {
  inference::Piece piece;
  piece.tool_calls.push_back(std::move(delta));
  return piece;
}

TEST(TurnBlocks, BlocksFollowEachOther) {
  TurnBuilder builder("seed");
  Trace trace;
  inference::Piece thought;
  thought.reasoning = "hm";
  builder.add(thought, &trace);
  builder.add(with_text("a"), &trace);
  builder.add(with_text("b"), &trace);
  builder.add(with_call({0, "", "f", "{\"x\""}), &trace);
  builder.add(with_call({0, "", "", ":1}"}), &trace);
  builder.add(with_call({1, "given", "g", ""}), &trace);
  inference::Piece last;
  last.last = true;
  last.stop = "END";
  builder.add(last, &trace);
  EXPECT_EQ(trace.text, "<0 |hm 0><1 |a|b 1><2 f|{\"x\"|:1} 2><3 g|{} 3>");
  const Turn& turn = builder.turn();
  ASSERT_EQ(turn.blocks.size(), 4u);
  EXPECT_EQ(turn.blocks[1].text, "ab");
  EXPECT_EQ(turn.blocks[2].text, "{\"x\":1}");
  EXPECT_EQ(turn.blocks[2].id.size(), 9u);
  EXPECT_EQ(turn.blocks[3].id, "given");
  EXPECT_TRUE(turn.calls_tools);
  EXPECT_EQ(turn.stop, "END");
}

TEST(TurnBlocks, ATurnOfNothingHasNoBlocks) {
  TurnBuilder builder("seed");
  Trace trace;
  inference::Piece last;
  last.last = true;
  builder.add(last, &trace);
  EXPECT_TRUE(builder.turn().blocks.empty());
  EXPECT_TRUE(trace.text.empty());
}

TEST(TurnBlocks, ADeltaForACallThatIsClosedIsNotLostInAnother) {
  TurnBuilder builder("seed");
  builder.add(with_call({0, "", "f", "{}"}), nullptr);
  builder.add(with_text("text"), nullptr);
  builder.add(with_call({0, "", "", "late"}), nullptr);
  ASSERT_EQ(builder.turn().blocks.size(), 2u);
  EXPECT_EQ(builder.turn().blocks[0].text, "{}");
  EXPECT_EQ(builder.turn().blocks[1].text, "text");
}

TEST(ToolCallIds, FollowFromTheSeedAndDiffer) {
  EXPECT_EQ(tool_call_id("a", 0), tool_call_id("a", 0));
  EXPECT_NE(tool_call_id("a", 0), tool_call_id("a", 1));
  EXPECT_NE(tool_call_id("a", 0), tool_call_id("b", 0));
}

}  // namespace
}  // namespace selvedge::api
