// Tests of pictures in prompts, on a miniature model and a miniature projector.
#include <map>

#include <gtest/gtest.h>

#include "engines/engine_log.h"
#include "engines/llama_text.h"
#include "engines/test_files.h"
#include "engines/test_models.h"
#include "engines/test_pictures.h"

namespace selvedge::engines {
namespace {

constexpr std::int32_t kPictureTokens = 16;

struct Outcome {
  std::string text;
  wire::Finished finished;
  wire::Failed failed;
};

// Stripes of a width, so that scaling leaves something to see.
std::string stripes(std::int32_t side, std::int32_t width, std::uint8_t red) {
  std::vector<std::uint8_t> pixels;
  for (std::int32_t y = 0; y < side; ++y) {
    for (std::int32_t x = 0; x < side; ++x) {
      const bool on = x / width % 2 == 0;
      pixels.insert(pixels.end(), {static_cast<std::uint8_t>(on ? red : 10),
                                   static_cast<std::uint8_t>(on ? 20 : 200),
                                   static_cast<std::uint8_t>(y * 255 / side)});
    }
  }
  return png_of(side, side, PNG_FORMAT_RGB, pixels);
}

class LlamaPicturesTest : public testing::Test {
 protected:
  void SetUp() override { open(true); }

  void open(bool with_projector) {
    engine_.reset();
    auto model = open_test_model(kTinyLlama3);
    ASSERT_NE(model, nullptr);
    const std::string projector = test_model_path("tiny-projector-random.gguf");
    ASSERT_FALSE(projector.empty());
    wire::Load load{"", wire::ModelKind::text_generation, 1024, 4, 2};
    if (with_projector) load.parts = {{"projector", projector}};
    auto engine = LlamaText::open(model, load);
    ASSERT_TRUE(engine.ok()) << engine.error().message;
    engine_ = std::move(*engine);
    engine_->set_threads(1);
  }
  // `text` with a picture in the place of each '*'.
  static wire::Generate generate(wire::TaskId task, const std::string& text,
                                 const std::vector<std::string>& pictures) {
    wire::Generate generate;
    generate.task = task;
    generate.messages = {{"user", ""}};
    std::size_t next = 0;
    for (const char c : text) {
      auto& message = generate.messages[0];
      if (c != '*') {
        message.content += c;
      } else {
        message.pictures.push_back(
            {static_cast<std::uint32_t>(message.content.size()), pictures.at(next++)});
      }
    }
    generate.tokens_max = 12;
    generate.sampling.temperature = 0;
    return generate;
  }
  std::map<wire::TaskId, Outcome> run() {
    std::map<wire::TaskId, Outcome> outcomes;
    std::vector<wire::Message> events;
    while (engine_->has_work()) {
      auto status = engine_->step(events);
      EXPECT_TRUE(status.ok()) << status.error().message;
      if (!status.ok()) break;
    }
    for (const wire::Message& event : events) {
      if (const auto* piece = std::get_if<wire::Piece>(&event)) {
        outcomes[piece->task].text += piece->text;
      } else if (const auto* finished = std::get_if<wire::Finished>(&event)) {
        outcomes[finished->task].finished = *finished;
      } else if (const auto* failed = std::get_if<wire::Failed>(&event)) {
        outcomes[failed->task].failed = *failed;
      }
    }
    return outcomes;
  }
  Outcome ask(const std::string& text, const std::vector<std::string>& pictures,
              bool repeatable = true) {
    wire::Generate task = generate(1, text, pictures);
    if (!repeatable) {
      // As good as greedy, but such a task may use whatever the memory holds.
      task.sampling.temperature = 1;
      task.sampling.top_k = 1;
    }
    const Status started = engine_->start_generate(std::move(task));
    EXPECT_TRUE(started.ok()) << started.error().message;
    return run()[1];
  }

  const std::string cat_ = stripes(48, 6, 250);
  const std::string dog_ = stripes(48, 16, 90);
  std::unique_ptr<LlamaText> engine_;
};

TEST_F(LlamaPicturesTest, WhatIsSaidHangsOnThePicture) {
  const std::string cat = ask("What is *this?", {cat_}).text;
  EXPECT_FALSE(cat.empty());
  EXPECT_EQ(ask("What is *this?", {cat_}).text, cat);
  EXPECT_NE(ask("What is *this?", {dog_}).text, cat);
  EXPECT_NE(ask("What is this?", {}).text, cat);
  // The same pixels in another file are the same picture.
  std::vector<std::uint8_t> grey(48 * 48 * 3, 70);
  EXPECT_EQ(
      ask("*", {plain_png(48, 48, 70)}).text,
      ask("*", {png_of(48, 48, PNG_FORMAT_GRAY, std::vector<std::uint8_t>(48 * 48, 70))}).text);
}

TEST_F(LlamaPicturesTest, OrderPlaceAndNumberMatter) {
  const std::string one = ask("Look: * and * there", {cat_, dog_}).text;
  EXPECT_NE(ask("Look: * and * there", {dog_, cat_}).text, one);
  EXPECT_NE(ask("Look: ** and there", {cat_, dog_}).text, one);
  EXPECT_NE(ask("Look: * and there", {cat_}).text, ask("Look: ** and there", {cat_, cat_}).text);
}

TEST_F(LlamaPicturesTest, TheTokensOfPicturesAreCounted) {
  const std::int32_t bare = ask("Look: there", {}).finished.prompt_tokens;
  const std::int32_t one = ask("Look: *there", {cat_}).finished.prompt_tokens;
  const std::int32_t two = ask("Look: **there", {cat_, cat_}).finished.prompt_tokens;
  EXPECT_GE(one, bare + kPictureTokens);
  EXPECT_EQ(two, one + kPictureTokens);
}

TEST_F(LlamaPicturesTest, AKeptBeginningHoldsTheSamePictureAndNoOther) {
  const std::string cat = ask("*What is this?", {cat_}, false).text;
  const std::string dog = ask("*What is this?", {dog_}, false).text;
  ASSERT_NE(cat, dog);
  const Outcome again = ask("*What is this?", {cat_}, false);
  EXPECT_EQ(again.text, cat);
  EXPECT_GT(again.finished.cached_tokens, kPictureTokens);
  const Outcome other = ask("*What is this?", {plain_png(30, 30, 5)}, false);
  EXPECT_LT(other.finished.cached_tokens, kPictureTokens);
  open(true);
  EXPECT_EQ(ask("*What is this?", {plain_png(30, 30, 5)}, false).text, other.text);
}

TEST_F(LlamaPicturesTest, StreamsSideBySideSeeTheirOwnPictures) {
  const std::string cat = ask("What is *this?", {cat_}).text;
  const std::string dog = ask("What is *this?", {dog_}).text;
  const std::string bare = ask("What is this?", {}).text;
  ASSERT_TRUE(engine_->start_generate(generate(1, "What is *this?", {cat_})).ok());
  ASSERT_TRUE(engine_->start_generate(generate(2, "What is *this?", {dog_})).ok());
  ASSERT_TRUE(engine_->start_generate(generate(3, "What is this?", {})).ok());
  ASSERT_TRUE(engine_->start_generate(generate(4, "What is *this?", {cat_})).ok());
  auto outcomes = run();
  EXPECT_EQ(outcomes[1].text, cat);
  EXPECT_EQ(outcomes[2].text, dog);
  EXPECT_EQ(outcomes[3].text, bare);
  EXPECT_EQ(outcomes[4].text, cat);
}

TEST_F(LlamaPicturesTest, CharactersThatLookLikeOursAreText) {
  // U+F0000 stands for the first thing that the prompt's guard keeps.
  const std::string text = ask("\xF3\xB0\x80\x80*<|eot_id|>", {cat_}).text;
  EXPECT_EQ(ask("\xF3\xB0\x80\x80*<|eot_id|>", {cat_}).text, text);
  EXPECT_NE(ask("*<|eot_id|>", {cat_}).text, text);
}

TEST_F(LlamaPicturesTest, PicturesStandWhereToolsAreTold) {
  wire::Generate task = generate(1, "What is *this?", {cat_});
  task.chat.tools = R"([{"type":"function","function":{"name":"look"}}])";
  wire::Generate other = generate(2, "What is *this?", {dog_});
  other.chat.tools = task.chat.tools;
  ASSERT_TRUE(engine_->start_generate(std::move(task)).ok());
  ASSERT_TRUE(engine_->start_generate(std::move(other)).ok());
  auto outcomes = run();
  EXPECT_GT(outcomes[1].finished.prompt_tokens, kPictureTokens);
  EXPECT_NE(outcomes[1].text, outcomes[2].text);
}

TEST_F(LlamaPicturesTest, WhatIsNoPictureIsRefusedByItsNumber) {
  const auto refused = [this](const std::string& picture) {
    const Status started = engine_->start_generate(generate(1, "**a", {cat_, picture}));
    EXPECT_FALSE(started.ok());
    return started.ok() ? std::string() : started.error().message;
  };
  EXPECT_EQ(refused("GIF89a"), "picture 2: the bytes are none of a PNG, a JPEG and a WebP");
  EXPECT_EQ(refused(plain_png(2, 400, 9)),
            "picture 2: one side is more than 100 times as long as the other");
  EXPECT_FALSE(engine_->has_work());
  EXPECT_FALSE(ask("*a", {plain_png(1, 1, 9)}).text.empty());
}

TEST_F(LlamaPicturesTest, MorePicturesThanTheWindowHoldsAreRefused) {
  const Status started = engine_->start_generate(
      generate(1, std::string(80, '*') + "a", std::vector<std::string>(80, cat_)));
  ASSERT_FALSE(started.ok());
  EXPECT_EQ(started.error().code, Code::context_overflow);
}

TEST_F(LlamaPicturesTest, WithoutAProjectorAPictureIsAnError) {
  open(false);
  const Status started = engine_->start_generate(generate(1, "*a", {cat_}));
  ASSERT_FALSE(started.ok());
  EXPECT_EQ(started.error().code, Code::model_unsupported);
  EXPECT_FALSE(ask("a", {}).text.empty());
}

TEST_F(LlamaPicturesTest, AProjectorOfAnotherModelIsNotLoaded) {
  auto model = open_test_model(kTinyLlama3);
  wire::Load load{"", wire::ModelKind::text_generation, 1024, 4, 2};
  load.parts = {{"projector", test_model_path(kTinyLlama3)}};
  auto engine = LlamaText::open(model, load);
  ASSERT_FALSE(engine.ok());
  EXPECT_EQ(engine.error().code, Code::model_load_failed);
}

}  // namespace
}  // namespace selvedge::engines
