// Tests of the gate: it lets through what llama.cpp's own sampler does, in time that is bounded.
#include "engines/grammar_gate.h"

#include <cmath>
#include <cstddef>
#include <memory>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "engines/chat_plan.h"
#include "engines/test_models.h"

namespace selvedge::engines {
namespace {

std::vector<llama_token_data> all_tokens(const LlamaModel& model) {
  std::vector<llama_token_data> tokens;
  for (llama_token token = 0; token < llama_vocab_n_tokens(model.vocabulary()); ++token) {
    tokens.push_back({token, 0, 0});
  }
  return tokens;
}

std::vector<bool> allowed_of(const std::vector<llama_token_data>& tokens) {
  std::vector<bool> allowed;
  for (const llama_token_data& one : tokens) allowed.push_back(!std::isinf(one.logit));
  return allowed;
}

class Gate : public testing::Test {
 protected:
  void SetUp() override {
    model_ = open_test_model(kTinyLlama3);
    ASSERT_NE(model_, nullptr);
  }

  std::vector<bool> allowed_by(const GrammarGate& gate) const {
    auto tokens = all_tokens(*model_);
    llama_token_data_array array{tokens.data(), tokens.size(), -1, false};
    gate.restrict(array);
    return allowed_of(tokens);
  }

  // What llama.cpp says itself.
  std::vector<bool> allowed_by(llama_sampler* grammar) const {
    auto tokens = all_tokens(*model_);
    llama_token_data_array array{tokens.data(), tokens.size(), -1, false};
    llama_sampler_apply(grammar, &array);
    return allowed_of(tokens);
  }

  std::unique_ptr<GrammarGate> open(const std::string& schema) const {
    const auto grammar = ChatPlanner::json_grammar(schema);
    if (!grammar.ok()) return nullptr;
    auto gate = GrammarGate::open(*model_, {*grammar});
    return gate.ok() ? std::move(*gate) : nullptr;
  }

  std::shared_ptr<const LlamaModel> model_;
};

struct Followed {
  const char* gbnf;
  const char* text;
};

TEST_F(Gate, AllowsWhatLlamaCppDoes) {
  const auto json = ChatPlanner::json_grammar("{}");
  const auto schema = ChatPlanner::json_grammar(
      R"({"properties":{"name":{"type":"string","maxLength":9},"ages":{"type":"array","items":{"type":"integer","minimum":0,"maximum":150}},"sort":{"enum":["a","ab","\u5b57"]}},"required":["name"]})");
  ASSERT_TRUE(json.ok() && schema.ok());
  for (const Followed& one : {
           Followed{json->c_str(),
                    R"({"one": [1.5e3, null, {"\u00e9": "caf\u00e9 \\n"}], "z": true})"},
           Followed{json->c_str(), "\"\u554a\U0001F600x\""},
           Followed{schema->c_str(), R"({"name": "Zo\u00eb", "ages": [7, 149], "sort": "ab"})"},
           Followed{R"(root ::= [^a-c"]* [\x00-\u4e00]{2,3} ("b" | "bc" | .)?)", "xyz  --bc"},
           Followed{"root ::= \" \"* \" \"* \"x\"", "        x"},
       }) {
    auto gate = GrammarGate::open(*model_, {one.gbnf});
    ASSERT_TRUE(gate.ok());
    const llama_sampler_ptr peer(
        llama_sampler_init_grammar(model_->vocabulary(), one.gbnf, "root"));
    ASSERT_NE(peer, nullptr);
    std::vector<bool> ends = allowed_by(**gate);
    EXPECT_EQ(ends, allowed_by(peer.get())) << one.text << " before its first token";
    for (const llama_token token : model_->tokenize(one.text, false)) {
      ASSERT_TRUE((*gate)->allows(token)) << one.text << ": " << model_->piece(token, true);
      (*gate)->accept(token);
      llama_sampler_accept(peer.get(), token);
      const auto allowed = allowed_by(**gate);
      EXPECT_EQ(allowed, allowed_by(peer.get()))
          << one.text << " after " << model_->piece(token, true);
      for (std::size_t other = 0; other < allowed.size(); other += 97) {
        EXPECT_EQ((*gate)->allows(static_cast<llama_token>(other)), allowed[other]);
      }
    }
  }
}

// llama.cpp reads a long token in all ways there are before it refuses its last character.
TEST_F(Gate, TextThatCanBeReadInManyWaysTakesNoLonger) {
  for (const char* pattern : {"^-*-*-*-*-*-*x$", "^ * *(  )* *(   )* *x$", "^.*.*.*.*.*.*x$"}) {
    const auto gate = open(R"({"type":"string","pattern":")" + std::string(pattern) + "\"}");
    ASSERT_NE(gate, nullptr) << pattern;
    gate->accept(model_->tokenize("\"", false).front());
    const auto allowed = allowed_by(*gate);
    EXPECT_TRUE(allowed[static_cast<std::size_t>(model_->tokenize("x", false).front())]);
    EXPECT_FALSE(allowed[static_cast<std::size_t>(model_->tokenize("\"", false).front())]);
  }
}

// Whether a completion may say `text` and end there.
bool takes(const LlamaModel& model, GrammarGate& gate, const std::string& text) {
  for (const llama_token token : model.tokenize(text, false)) {
    if (!gate.allows(token)) return false;
    gate.accept(token);
  }
  return gate.allows(llama_vocab_eos(model.vocabulary()));
}

TEST_F(Gate, PatternsSpeakOfStringsAndHoldTheirJson) {
  struct Case {
    const char* pattern;
    const char* text;
    bool taken;
  };
  for (const Case& one : {
           Case{R"(^\\d{3}-\\w+$)", R"("555-a_9")", true},
           Case{R"(^\\d{3}-\\w+$)", R"("55-a_9")", false},
           Case{"^.*$", R"("a"b")", false},
           Case{"^.*$", R"("a\"b")", false},
           Case{"^.*$", R"("日本語 é")", true},
           Case{R"(^a[^b]c$)", R"("a"c")", false},
           Case{R"(^say \"\\w+\"$)", R"("say \"hi\"")", true},
           Case{R"(^say \"\\w+\"$)", R"("say "hi"")", false},
           Case{R"(^a\\\\b\\n$)", R"("a\\b\n")", true},
           Case{R"(^a\\\\b\\n$)", R"("a\b\n")", false},
           Case{"^é+(啊|a)é$", R"("éé啊é")", true},
           Case{"^é+(啊|a)é$", R"("é啊啊é")", false},
           Case{"b", R"("abc")", true},
           Case{"b", R"("ac")", false},
           Case{"^a|b$", R"("xb")", true},
           Case{"^a|b$", R"("ax")", true},
           Case{"^a|b$", R"("xa")", false},
           Case{"^$", R"("")", true},
           Case{"^$", R"("a")", false},
       }) {
    const auto gate = open(R"({"type":"string","pattern":")" + std::string(one.pattern) + "\"}");
    ASSERT_NE(gate, nullptr) << one.pattern;
    EXPECT_EQ(takes(*model_, *gate, one.text), one.taken) << one.pattern << " " << one.text;
  }
}

TEST_F(Gate, AGrammarThatRepeatsFromMoreToFewerTimesIsRefused) {
  for (const char* gbnf : {R"(root ::= "a"{5,3})", R"(root ::= ([b-d] "x"){10,2} "y")"}) {
    const auto gate = GrammarGate::open(*model_, {gbnf});
    ASSERT_FALSE(gate.ok()) << gbnf;
    EXPECT_EQ(gate.error().code, Code::invalid_input);
  }
  const auto long_number =
      ChatPlanner::json_grammar(R"({"type":"integer","maximum":-9000000000000000000})");
  ASSERT_TRUE(long_number.ok());
  EXPECT_FALSE(GrammarGate::open(*model_, {*long_number}).ok());
  EXPECT_TRUE(
      GrammarGate::open(*model_, {R"(root ::= "{5,3}\"{5,3}" [{5,3}\]] "a"{3,5} "b"{3,} "c"{3})"})
          .ok());
}

}  // namespace
}  // namespace selvedge::engines
