// Tests of emulations: what is asked of the text model, and for which languages.
#include "api/emulation.h"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "api/languages.h"

namespace selvedge::api {
namespace {

using nlohmann::json;
using Form = EmulationCall::Form;

catalog::ModelEntry entry(const std::string& id, catalog::Task task) {
  catalog::ModelEntry entry;
  entry.id = id;
  entry.task = task;
  return entry;
}
const catalog::ModelEntry kM2m = entry("@cf/meta/m2m100-1.2b", catalog::Task::translation);
const catalog::ModelEntry kIndic =
    entry("@cf/ai4bharat/indictrans2-en-indic-1B", catalog::Task::translation);
const catalog::ModelEntry kBart =
    entry("@cf/facebook/bart-large-cnn", catalog::Task::summarization);

TEST(Languages, CodesOfBothModelsAndNamesAreKnown) {
  for (const auto& [code, name] :
       std::vector<std::pair<std::string, std::string>>{{"fr", "French"},
                                                        {"FR", "French"},
                                                        {"pt-BR", "Portuguese"},
                                                        {"zh_CN", "Chinese"},
                                                        {"french", "French"},
                                                        {"hin_Deva", "Hindi"},
                                                        {"asm", "Assamese"},
                                                        {"ast", "Asturian"},
                                                        {"Swiss German", "Swiss German"},
                                                        {"日本語", "日本語"}}) {
    EXPECT_EQ(language_name(code), name) << code;
  }
  for (const char* code : {"", "q", "qq", "xyz", "q_Latn", "French. Say 1", "French\nor",
                           "a language whose name is longer than any name of one is"}) {
    EXPECT_FALSE(language_name(code).has_value()) << code;
  }
}

TEST(Emulation, ATranslatorIsToldBothLanguages) {
  const auto call =
      parse_emulation({{"text", "Guten Tag"}, {"source_lang", "de"}, {"target_lang", "fr"}}, kM2m);
  ASSERT_TRUE(call.ok()) << call.error().message;
  EXPECT_EQ(call->form, Form::translation);
  EXPECT_NE(call->instruction.find("from German into French"), std::string::npos);
  EXPECT_EQ(call->texts, std::vector<std::string>{"Guten Tag"});
  EXPECT_EQ(parse_emulation({{"text", "a"}, {"source_lang", "qq"}, {"target_lang", "fr"}}, kM2m)
                .error()
                .message,
            "'/source_lang': 'qq' is no language that is known; take a code such as 'fr'");
}

TEST(Emulation, ManyTextsAreAListAndTooManyAreRefused) {
  const auto call =
      parse_emulation({{"text", {"a", "b"}}, {"target_language", "tam_Taml"}}, kIndic);
  ASSERT_TRUE(call.ok()) << call.error().message;
  EXPECT_EQ(call->form, Form::translations);
  EXPECT_EQ(call->texts.size(), 2u);
  const json many(101, "a");
  EXPECT_EQ(parse_emulation({{"text", many}, {"target_language", "ta"}}, kIndic).error().code,
            Code::invalid_input);
}

TEST(Emulation, ASummaryHasALongestLength) {
  EXPECT_EQ(parse_emulation({{"input_text", "a"}, {"max_length", 20}}, kBart)->tokens_max, 20);
  EXPECT_EQ(parse_emulation({{"input_text", "a"}}, kBart)->tokens_max, 0);
  EXPECT_GT(parse_emulation({{"input_text", "a"}, {"max_length", 1e300}}, kBart)->tokens_max, 20);
  EXPECT_EQ(parse_emulation({{"input_text", "a"}, {"max_length", -1}}, kBart).error().message,
            "'/max_length' must be >= 1");
}

}  // namespace
}  // namespace selvedge::api
