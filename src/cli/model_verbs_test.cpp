// Tests of the verbs about models: what they print, and their exit codes.
#include "cli/model_verbs.h"

#include <algorithm>

#include <CLI/CLI.hpp>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "catalog/gguf_builder.h"
#include "catalog/test_folder.h"

namespace selvedge::cli {
namespace {

using nlohmann::json;

constexpr const char* kLlama = "@cf/meta/llama-3-8b-instruct";

class ModelVerbs : public testing::Test {
 protected:
  struct Outcome {
    int exit_code = 0;
    std::string out;
    std::string err;
  };

  Outcome run(std::vector<std::string> words, bool as_json = false) {
    Context context;
    context.home = home_.path();
    context.profile = "auto";
    context.json = as_json;
    CLI::App app;
    add_model_verbs(app, context);
    std::reverse(words.begin(), words.end());
    testing::internal::CaptureStdout();
    testing::internal::CaptureStderr();
    try {
      app.parse(words);
    } catch (const CLI::ParseError&) {
      context.exit_code = 2;
    }
    Outcome outcome{context.exit_code, testing::internal::GetCapturedStdout(),
                    testing::internal::GetCapturedStderr()};
    return outcome;
  }
  json read(const std::vector<std::string>& words) {
    return json::parse(run(words, true).out, nullptr, false);
  }
  std::string file(const std::string& name, const std::string& salt) {
    const auto path = home_ / name;
    catalog::write_file(path, catalog::small_gguf("llama", 64, salt));
    return path.string();
  }

  catalog::TestFolder home_;
};

TEST_F(ModelVerbs, AnEmptyMachineSaysWhatToDo) {
  const Outcome list = run({"list"});
  EXPECT_EQ(list.exit_code, 0);
  EXPECT_NE(list.out.find("selvedge pull"), std::string::npos);
  EXPECT_EQ(read({"list"}), json::array());
}

TEST_F(ModelVerbs, ImportListShowAndRemoveFollowOneFile) {
  const Outcome imported = run({"import", file("my.gguf", "a"), "--as", kLlama});
  EXPECT_EQ(imported.exit_code, 0) << imported.err;
  EXPECT_NE(imported.out.find("installed my"), std::string::npos);
  const json list = read({"list"});
  ASSERT_EQ(list.size(), 1u);
  EXPECT_EQ(list[0]["name"], "my");
  EXPECT_EQ(list[0]["models"], json::array({kLlama}));
  EXPECT_NE(run({"list"}).out.find(kLlama), std::string::npos);
  const json show = read({"show", kLlama});
  EXPECT_EQ(show["now"]["exact"]["state"], "installed");
  EXPECT_EQ(show["now"]["auto"]["answered_by"], "my");
  EXPECT_EQ(show["neurons"]["per_m_input_tokens"], 25608);
  EXPECT_EQ(read({"show", "my"})["installed"]["name"], "my");
  EXPECT_EQ(read({"rm", "my"})["removed"], "my");
  EXPECT_EQ(read({"list"}), json::array());
  EXPECT_EQ(read({"show", kLlama})["now"]["auto"]["state"], "not_installed");
}

TEST_F(ModelVerbs, ReplacingABindingNeedsYes) {
  ASSERT_EQ(run({"import", file("one.gguf", "a"), "--as", kLlama}).exit_code, 0);
  const Outcome refused = run({"import", file("two.gguf", "b"), "--as", kLlama});
  EXPECT_EQ(refused.exit_code, 1);
  EXPECT_NE(refused.err.find("selvedge: already answered for: " + std::string(kLlama)),
            std::string::npos);
  EXPECT_EQ(run({"import", file("one.gguf", "a"), "--as", kLlama}).exit_code, 0);  // The same.
  EXPECT_EQ(run({"import", file("two.gguf", "b"), "--as", kLlama, "--yes"}).exit_code, 0);
  EXPECT_EQ(read({"show", kLlama})["now"]["auto"]["answered_by"], "two");
}

TEST_F(ModelVerbs, AnIdOfOnesOwnIsToldToBeOneListedShownAndUnbound) {
  const std::string path = file("one.gguf", "a");
  const Outcome imported = run({"import", path, "--as", "me/one", "--schema", "legacy"});
  EXPECT_EQ(imported.exit_code, 0) << imported.err;
  EXPECT_NE(
      imported.out.find("me/one is no model of Workers AI but your own (Text Generation): its "
                        "calls cost 0 neurons"),
      std::string::npos)
      << imported.out;
  EXPECT_EQ(run({"import", path, "--as", kLlama}).out.find("your own"), std::string::npos);
  EXPECT_EQ(read({"models", "--all"}).back()["id"], "me/one");
  const json shown = read({"show", "me/one"});
  EXPECT_EQ(shown["own"], true);
  EXPECT_EQ(shown["schema"], "legacy");
  EXPECT_EQ(shown["now"]["exact"]["answered_by"], "one");
  EXPECT_NE(run({"show", "me/one"}).out.find("0: it is your own"), std::string::npos);
  EXPECT_EQ(read({"unbind", "me/one"})["unbound"], "me/one");
  EXPECT_EQ(run({"show", "me/one"}).exit_code, 1);
  EXPECT_EQ(run({"unbind", "me/one"}).exit_code, 1);
  EXPECT_EQ(run({"import", path, "--as", "me/one", "--task", "cooking"}).exit_code, 1);
  EXPECT_EQ(run({"import", path, "--as", "me/one", "--schema", "xml"}).exit_code, 1);
  EXPECT_EQ(run({"import", "hf:nobody", "--as", "me/one"}).exit_code, 1);
}

TEST_F(ModelVerbs, IfMissingLeavesWhatIsThere) {
  const std::string path = file("one.gguf", "a");
  ASSERT_EQ(run({"import", path, "--as", kLlama}).exit_code, 0);
  const Outcome again = run({"import", "--if-missing", path});
  EXPECT_EQ(again.exit_code, 0) << again.err;
  EXPECT_NE(again.out.find("already there"), std::string::npos);
}

TEST_F(ModelVerbs, TheWholeCatalogueIsListedWithItsState) {
  ASSERT_EQ(run({"import", file("one.gguf", "a"), "--as", kLlama}).exit_code, 0);
  const json all = read({"list", "--all"});
  EXPECT_EQ(all.size(), 111u);
  const json embeddings = read({"list", "--all", "--task", "text-embeddings"});
  EXPECT_EQ(embeddings.size(), 8u);
  EXPECT_EQ(embeddings[0]["state"], "not_installed");
  for (const json& row : all) {
    if (row["id"] == kLlama) {
      EXPECT_EQ(row["state"], "installed");
    }
    if (row["id"] == "@cf/openai/whisper") {
      EXPECT_EQ(row["state"], "not_installed");
    }
    if (row["id"] == "@cf/deepgram/nova-3") {
      EXPECT_EQ(row["state"], "unsupported");
    }
  }
  const Outcome table = run({"list", "--all"});
  EXPECT_NE(table.out.find("retired 2026-05-30"), std::string::npos);
}

TEST_F(ModelVerbs, ErrorsGoToStderrWithExitCodeOneAndUsageWithTwo) {
  const Outcome pull = run({"pull", "@cf/none"});
  EXPECT_EQ(pull.exit_code, 1);
  EXPECT_EQ(pull.out, "");
  EXPECT_EQ(pull.err, "selvedge: no model is called \"@cf/none\"\n");
  EXPECT_EQ(run({"show", "@cf/none"}).exit_code, 1);
  EXPECT_EQ(run({"rm", "none"}).exit_code, 1);
  EXPECT_EQ(run({"list", "--task", "cooking"}).exit_code, 1);
  EXPECT_EQ(run({"pull"}).exit_code, 2);
  EXPECT_EQ(read({"pull", "@cf/none"})["error"]["code"], "model_not_found");
}

}  // namespace
}  // namespace selvedge::cli
