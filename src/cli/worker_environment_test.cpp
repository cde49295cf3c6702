// Tests of the environment of Workers and of its block in a `.env` file.
#include "cli/worker_environment.h"

#include <cstdio>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "cli/dotenv_file.h"

namespace selvedge::cli {
namespace {

using testing::HasSubstr;
using testing::Not;

Context context() {
  Context context;
  context.api_url = "http://127.0.0.1:7358";
  context.account = "local";
  context.programs = "/opt/selvedge/bin";
  return context;
}

std::string in_shell(const std::string& script) {
  std::FILE* pipe = ::popen(script.c_str(), "r");
  char buffer[512] = "";
  const std::size_t got = std::fread(buffer, 1, sizeof buffer, pipe);
  EXPECT_EQ(::pclose(pipe), 0);
  return {buffer, got};
}

TEST(WorkerEnvironment, NamesTheServerTheAccountAndTheLauncher) {
  EXPECT_EQ(dotenv_form(dotenv_environment(context(), true)),
            "CLOUDFLARE_API_BASE_URL=http://127.0.0.1:7358/client/v4\n"
            "CLOUDFLARE_API_TOKEN=local\n"
            "CLOUDFLARE_ACCOUNT_ID=local\n"
            "WRANGLER_SEND_METRICS=false\n"
            "CLOUDFLARE_CF_FETCH_ENABLED=false\n"
            "MINIFLARE_WORKERD_PATH=/opt/selvedge/bin/selvedge-workerd\n"
            "SELVEDGE_URL=http://127.0.0.1:7358\n"
            "CLOUDFLARE_LOAD_DEV_VARS_FROM_DOT_ENV=false\n");
}

TEST(WorkerEnvironment, AShellDoesNotHideTheProjectsDotenvFromTheWorker) {
  EXPECT_THAT(shell_form(worker_environment(context())), Not(HasSubstr("LOAD_DEV_VARS")));
}

TEST(WorkerEnvironment, ARealTokenGoesToWranglerAndToTheLauncher) {
  Context with_token = context();
  with_token.token = "s3cret";
  const auto object = nlohmann::json::parse(json_form(worker_environment(with_token)));
  EXPECT_EQ(object["CLOUDFLARE_API_TOKEN"], "s3cret");
  EXPECT_EQ(object["SELVEDGE_TOKEN"], "s3cret");
  EXPECT_EQ(object["SELVEDGE_URL"], "http://127.0.0.1:7358");
}

TEST(ShellForm, AnyValueComesThroughEvalUnchanged) {
  for (const std::string value : {"plain", "it's $HOME `id` \"x\" \\ !", "two\nlines", "", "'"}) {
    const std::string script = shell_form({{"X", value}}) + "printf %s \"$X\"";
    EXPECT_EQ(in_shell(script), value);
  }
}

TEST(DotenvForm, QuotesOnlyWhatNeedsIt) {
  EXPECT_EQ(dotenv_form({{"A", "/opt/x-1"}, {"B", "/my programs/x"}, {"C", "it's"}, {"D", "a$b"}}),
            "A=/opt/x-1\nB='/my programs/x'\nC=`it's`\nD='a\\$b'\n");
}

const Variables kTwo = {{"SELVEDGE_URL", "http://x"}, {"CLOUDFLARE_API_TOKEN", "local"}};
constexpr const char* kBlock =
    "# >>> selvedge: written by \"selvedge init\", which replaces these lines\n"
    "SELVEDGE_URL=http://x\nCLOUDFLARE_API_TOKEN=local\n# <<< selvedge\n";

TEST(DotenvFile, ANewBlockStandsAtTheEndAndTheSecondTimeChangesNothing) {
  EXPECT_EQ(with_block("", kTwo).value(), kBlock);
  const std::string once = with_block("A=1", kTwo).value();
  EXPECT_EQ(once, "A=1\n\n" + std::string(kBlock));
  EXPECT_EQ(with_block(once, kTwo).value(), once);
}

TEST(DotenvFile, OnlyTheOldBlockIsReplaced) {
  const std::string text =
      "# mine\r\nA=1\n\n# >>> selvedge: old\nX=2\n# <<< selvedge\nB='2'\n\nC=3";
  EXPECT_EQ(with_block(text, kTwo).value(),
            "# mine\r\nA=1\n\n" + std::string(kBlock) + "B='2'\n\nC=3");
  EXPECT_EQ(foreign_lines(text).value().size(), 3u);
}

TEST(DotenvFile, ALineThatSaysSomethingElseIsRefusedByNameAndNotByValue) {
  for (const std::string line :
       {"CLOUDFLARE_API_TOKEN=hidden", " export CLOUDFLARE_API_TOKEN = 'hidden'",
        "CLOUDFLARE_API_TOKEN=\"hidden\" # x"}) {
    auto refused = with_block("A=1\n" + line + "\n", kTwo);
    ASSERT_FALSE(refused.ok()) << line;
    EXPECT_EQ(refused.error().code, Code::already_exists);
    EXPECT_THAT(refused.error().message, HasSubstr("line 2 sets CLOUDFLARE_API_TOKEN"));
    EXPECT_THAT(refused.error().message, Not(HasSubstr("hidden")));
  }
}

TEST(DotenvFile, ALineThatSaysTheSameStays) {
  for (const std::string line : {"CLOUDFLARE_API_TOKEN=local", "CLOUDFLARE_API_TOKEN='local'#x",
                                 "#CLOUDFLARE_API_TOKEN=other", "CLOUDFLARE_API_TOKENS=other"}) {
    EXPECT_TRUE(with_block(line, kTwo).ok()) << line;
  }
}

TEST(DotenvFile, ABrokenBlockIsRefused) {
  EXPECT_THAT(with_block("# >>> selvedge\nA=1\n", kTwo).error().message, HasSubstr("has no end"));
  const std::string twice = std::string(kBlock) + kBlock;
  EXPECT_THAT(with_block(twice, kTwo).error().message, HasSubstr("line 5 begins a second block"));
}

}  // namespace
}  // namespace selvedge::cli
