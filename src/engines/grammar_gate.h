// GrammarGate: which tokens may come next, by a grammar that binds at once or from a trigger on.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "common/common.h"
#include "engines/grammar_walk.h"
#include "engines/llama_model.h"

namespace selvedge::engines {

// What binds a completion. Forms are llama.cpp's.
struct GrammarRules {
  std::string gbnf;   // Empty = nothing.
  bool lazy = false;  // From the first trigger on; else from the first token.
  std::vector<common_grammar_trigger> triggers = {};
  std::vector<std::string> preserved = {};  // Texts that are one token of the model's vocabulary.
  std::string begun = {};           // What of the grammar's text stands at the end of the prompt.
  std::string thinking_start = {};  // Between these nothing triggers.
  std::vector<std::string> thinking_ends = {};
};

class GrammarGate {
 public:
  // Errors: invalid_input (a grammar that is too large, or that llama.cpp does not take).
  static Result<std::unique_ptr<GrammarGate>> open(const LlamaModel& model,
                                                   const GrammarRules& rules);

  // `model` outlives it.
  explicit GrammarGate(const LlamaModel& model) : texts_(model.texts()) {}

  bool allows(llama_token token) const;
  // Sets the logits of what is not allowed to -infinity.
  void restrict(llama_token_data_array& tokens) const;
  // `token` was drawn.
  void accept(llama_token token);

 private:
  struct FreeGrammar {
    void operator()(llama_grammar* grammar) const { llama_grammar_free_impl(grammar); }
  };
  using GrammarPtr = std::unique_ptr<llama_grammar, FreeGrammar>;

  static GrammarPtr read(const LlamaModel& model, const GrammarRules& rules);
  bool binds() const;

  const VocabularyTexts& texts_;
  GrammarPtr grammar_;                 // Null once a completion has left it.
  std::unique_ptr<GrammarWalk> walk_;  // Of grammar_.
  llama_sampler_ptr thinking_;         // Null where nothing is thought, or it does not matter.
};

}  // namespace selvedge::engines
