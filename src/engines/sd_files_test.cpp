// Tests of what an image model must hold: found out before the library would crash.
#include "engines/sd_files.h"

#include <filesystem>
#include <fstream>

#include <gtest/gtest.h>

#include "engines/test_files.h"

namespace selvedge::engines {
namespace {

namespace fs = std::filesystem;

class SdFilesTest : public testing::Test {
 protected:
  void SetUp() override {
    folder_ = fs::path(testing::TempDir()) / "sd_files";
    fs::create_directories(folder_);
  }
  void TearDown() override { fs::remove_all(folder_); }

  // A file that holds an empty tensor of each name.
  std::string file(const std::string& name, const std::vector<std::string>& tensors) {
    std::string header = "{";
    for (const std::string& tensor : tensors) {
      if (header.size() > 1) header += ',';
      header += "\"" + tensor + R"(":{"dtype":"F32","shape":[0],"data_offsets":[0,0]})";
    }
    header += '}';
    const fs::path path = folder_ / name;
    const std::uint64_t bytes = header.size();
    std::ofstream out(path, std::ios::binary);
    out.write(reinterpret_cast<const char*>(&bytes), sizeof bytes);
    out << header;
    return path.string();
  }
  Result<SdFiles> find(const std::string& model, std::vector<wire::ModelPart> parts = {}) {
    return find_sd_files({model, wire::ModelKind::image, 0, 1, 1, std::move(parts)});
  }
  fs::path folder_;
};

const std::vector<std::string> kFlux = {"double_blocks.0.img_mod.lin.weight"};
const std::vector<std::string> kXl = {
    "model.diffusion_model.input_blocks.0.0.weight", "conditioner.embedders.0.transformer.x",
    "conditioner.embedders.1.model.x", "first_stage_model.decoder.x"};

TEST_F(SdFilesTest, FluxWithoutATextEncoderIsRefusedAndTheMessageNamesTheParts) {
  const auto found = find(file("flux.safetensors", kFlux),
                          {{"vae", file("ae.safetensors", {"decoder.conv_in.weight"})}});
  ASSERT_FALSE(found.ok());
  EXPECT_EQ(found.error().code, Code::model_load_failed);
  EXPECT_EQ(found.error().message,
            "\"flux.safetensors\" holds no text encoder, and no file for it came along (part "
            "clip_l and t5xxl)");
}

TEST_F(SdFilesTest, FluxWithoutADecoderIsRefused) {
  const auto found = find(file("flux.safetensors", kFlux),
                          {{"clip_l", file("clip.safetensors", {"text_model.x"})}});
  ASSERT_FALSE(found.ok());
  EXPECT_NE(found.error().message.find("no decoder of pictures"), std::string::npos);
}

TEST_F(SdFilesTest, BareNamesAreTheDiffusionModelAlone) {
  const auto found = find(file("flux.safetensors", kFlux),
                          {{"clip_l", file("clip.safetensors", {"text_model.x"})},
                           {"vae", file("ae.safetensors", {"decoder.x", "encoder.x"})}});
  ASSERT_TRUE(found.ok()) << found.error().message;
  EXPECT_EQ(found->family, SdFamily::flux);
  EXPECT_TRUE(found->checkpoint.empty());
  EXPECT_FALSE(found->diffusion.empty());
  EXPECT_TRUE(found->encodes);
}

TEST_F(SdFilesTest, Flux2NeedsALanguageModelWithEnoughLayers) {
  std::vector<std::string> names = {"double_blocks.0.img_attn.qkv.weight",
                                    "double_stream_modulation_img.lin.weight"};
  const wire::ModelPart decoder = {"vae", file("ae.safetensors", {"decoder.x", "encoder.x"})};
  const auto alone = find(file("flux2.safetensors", names), {decoder});
  ASSERT_FALSE(alone.ok());
  EXPECT_EQ(
      alone.error().message,
      "\"flux2.safetensors\" holds no text encoder, and no file for it came along (part llm)");
  const auto with = [&](const std::string& layer) {
    return find(file("flux2.safetensors", names),
                {decoder, {"llm", file("llm.safetensors", {layer})}});
  };
  const auto found = with("model.layers.27.mlp.up_proj.weight");
  ASSERT_TRUE(found.ok()) << found.error().message;
  EXPECT_EQ(found->family, SdFamily::flux2);
  EXPECT_FALSE(found->llm.empty());
  EXPECT_EQ(with("model.layers.23.x").error().code, Code::model_load_failed);
  names.emplace_back("single_blocks.47.linear1.weight");
  EXPECT_NE(with("model.layers.27.x").error().message.find("Mistral Small"), std::string::npos);
  EXPECT_TRUE(with("blk.30.attn_q.weight").ok());
}

TEST_F(SdFilesTest, ACheckpointOfSdxlNeedsNothingElse) {
  const auto found = find(file("xl.safetensors", kXl));
  ASSERT_TRUE(found.ok()) << found.error().message;
  EXPECT_EQ(found->family, SdFamily::sdxl);
  EXPECT_FALSE(found->checkpoint.empty());
  EXPECT_FALSE(found->encodes);
}

TEST_F(SdFilesTest, WithoutASecondEncoderItIsTheOlderArchitecture) {
  auto names = kXl;
  names[2] = "cond_stage_model.transformer.x";
  const auto found = find(file("sd.safetensors", names));
  ASSERT_TRUE(found.ok()) << found.error().message;
  EXPECT_EQ(found->family, SdFamily::sd);
}

TEST_F(SdFilesTest, OtherArchitecturesAreRefused) {
  for (const char* name : {"model.diffusion_model.joint_blocks.0.x", "blk.0.attn_q.weight",
                           "encoder.layers.0.weight"}) {
    const auto found = find(file("other.safetensors", {name}));
    ASSERT_FALSE(found.ok()) << name;
    EXPECT_EQ(found.error().code, Code::model_unsupported);
  }
}

TEST_F(SdFilesTest, APartOfAnUnknownKindIsRefused) {
  const auto found = find(file("xl.safetensors", kXl), {{"projector", "x"}});
  ASSERT_FALSE(found.ok());
  EXPECT_EQ(found.error().code, Code::model_unsupported);
}

TEST_F(SdFilesTest, APickleIsNotOpened) {
  const fs::path path = folder_ / "model.ckpt";
  std::ofstream(path, std::ios::binary) << std::string("PK\x03\x04", 4) << std::string(64, 'x');
  const auto found = find(path.string());
  ASSERT_FALSE(found.ok());
  EXPECT_EQ(found.error().code, Code::file_invalid);
}

TEST_F(SdFilesTest, TheMiniatureModelIsWhole) {
  const auto found = find(test_model_path("tiny-flux-random.safetensors"),
                          {{"clip_l", test_model_path("random-clip-l.q4_0.gguf")},
                           {"taesd", test_model_path("tiny-taef1-random.safetensors")}});
  ASSERT_TRUE(found.ok()) << found.error().message;
  EXPECT_EQ(found->family, SdFamily::flux);
  EXPECT_TRUE(found->encodes);
}

}  // namespace
}  // namespace selvedge::engines
