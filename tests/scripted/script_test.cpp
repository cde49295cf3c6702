// Tests of what the scripted runner's answers are made from.
#include "script.h"

#include <cmath>

#include <gtest/gtest.h>

#include "scripted_engine.h"
#include "text_units.h"

namespace selvedge::scripted {
namespace {

using Units = std::vector<std::string_view>;

TEST(TextUnits, AreWordsWithTheirSpacesAndSingleCjkCharacters) {
  EXPECT_EQ(text_units("Hello, big  world 漢字!"),
            (Units{"Hello", ",", " big", "  world", " 漢", "字", "!"}));
}

TEST(TextUnits, JoinedAreTheText) {
  const std::string text = "  a\n漢 \xFF café ";
  std::string joined;
  for (const auto unit : text_units(text)) joined += unit;
  EXPECT_EQ(joined, text);
}

TEST(Script, ReadsCommandsAnywhereInTheText) {
  const Script script = parse_script("please [[tokens 7]] and [[delay 5]] [[fail queue_full]]");
  EXPECT_EQ(script.tokens, 7);
  EXPECT_EQ(script.delay_ms, 5);
  EXPECT_EQ(script.fail, Code::queue_full);
  EXPECT_FALSE(script.crash_after.has_value());
}

TEST(Script, LeavesUnknownAndUnclosedCommandsAlone) {
  const Script script = parse_script("[[nonsense]] [[say hi");
  EXPECT_FALSE(script.say.has_value());
  EXPECT_FALSE(script.fail.has_value());
}

TEST(Script, AModelFileAsksByNameOrContent) {
  EXPECT_TRUE(parse_model_script("fail-load.gguf", "").fail);
  EXPECT_TRUE(parse_model_script("x.gguf", "GGUF [[crash-load]]").crash);
  EXPECT_EQ(parse_model_script("slow-load-250.gguf", "").slow_ms, 250);
  EXPECT_EQ(parse_model_script("bge-dimensions-768.gguf", "").dimensions, 768);
  EXPECT_EQ(parse_model_script("plain.gguf", "").dimensions, 384);
}

class ScriptedVectors : public testing::Test {
 protected:
  std::vector<float> vector_of(const std::string& text, wire::Pooling pooling) {
    ScriptedEngine engine({"m", wire::ModelKind::embedding, 0, 1, 1}, {});
    EXPECT_TRUE(engine.start_embed({1, {text}, pooling}).ok());
    std::vector<wire::Message> events;
    EXPECT_TRUE(engine.step(events).ok());
    return std::get<wire::Embeddings>(events.at(0)).values;
  }
  double nearness(const std::string& left, const std::string& right) {
    const auto a = vector_of(left, wire::Pooling::mean);
    const auto b = vector_of(right, wire::Pooling::mean);
    double sum = 0;
    for (std::size_t at = 0; at < a.size(); ++at) sum += double(a[at]) * double(b[at]);
    return sum;
  }
};

TEST_F(ScriptedVectors, HaveLengthOne) {
  EXPECT_NEAR(nearness("durable objects", "durable objects"), 1, 1e-5);
  EXPECT_NEAR(nearness("", ""), 1, 1e-5);
}

TEST_F(ScriptedVectors, AreNearerTheMoreWordsAreShared) {
  const double near = nearness("durable objects keep state", "Objects keep durable state");
  const double far = nearness("durable objects keep state", "the loom weaves linen");
  EXPECT_GT(near, 0.9);
  EXPECT_LT(far, 0.3);
  EXPECT_GT(nearness("什麼是強一致性", "強一致性的狀態"), 0.4);
}

TEST_F(ScriptedVectors, DependOnThePooling) {
  EXPECT_NE(vector_of("durable objects", wire::Pooling::mean),
            vector_of("durable objects", wire::Pooling::cls));
}

}  // namespace
}  // namespace selvedge::scripted
