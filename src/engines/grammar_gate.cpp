// GrammarGate: llama.cpp's grammar and its watch over thinking, put together.
#include "engines/grammar_gate.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <limits>
#include <string_view>
#include <utility>

#include "base/log.h"
#include "common/reasoning-budget.h"

namespace selvedge::engines {
namespace {

// Reading a grammar takes about a microsecond a byte.
constexpr std::size_t kGrammarBytesMax = 1024 * 1024;

Error refused(const char* why) {
  return Error{Code::invalid_input, std::string("json_schema: ") + why};
}

// "{5,3}", outside of texts and classes, which also one bound of more than 15 digits becomes.
// llama.cpp counts down from the first number to the second, past zero, and takes memory for each.
bool repeats_backwards(std::string_view gbnf) {
  const auto number_at = [&gbnf](std::size_t& at) {
    std::uint64_t number = 0;
    for (; at < gbnf.size() && gbnf[at] >= '0' && gbnf[at] <= '9'; ++at) {
      number = std::min<std::uint64_t>(number * 10 + static_cast<std::uint64_t>(gbnf[at] - '0'),
                                       std::numeric_limits<std::uint32_t>::max());
    }
    return number;
  };
  for (std::size_t at = 0; at < gbnf.size(); ++at) {
    if (gbnf[at] == '"' || gbnf[at] == '[') {
      const char end = gbnf[at] == '"' ? '"' : ']';
      for (++at; at < gbnf.size() && gbnf[at] != end; ++at) {
        if (gbnf[at] == '\\') ++at;
      }
    } else if (gbnf[at] == '{') {
      ++at;
      const std::uint64_t least = number_at(at);
      if (at + 1 >= gbnf.size() || gbnf[at] != ',' || gbnf[at + 1] == '}') continue;
      if (number_at(++at) < least) return true;
    }
  }
  return false;
}

struct Triggers {
  std::vector<std::string> patterns;
  std::vector<llama_token> tokens;
};

Triggers triggers_of(const LlamaModel& model, const GrammarRules& rules) {
  Triggers triggers;
  if (!rules.lazy) return triggers;
  for (const common_grammar_trigger& trigger : rules.triggers) {
    if (trigger.type == COMMON_GRAMMAR_TRIGGER_TYPE_WORD) {
      const auto ids = model.tokenize(trigger.value, true);
      if (ids.size() == 1) {
        triggers.tokens.push_back(ids[0]);
      } else {
        triggers.patterns.push_back(regex_escape(trigger.value));
      }
    } else if (trigger.type == COMMON_GRAMMAR_TRIGGER_TYPE_TOKEN) {
      triggers.tokens.push_back(trigger.token);
    } else if (trigger.type == COMMON_GRAMMAR_TRIGGER_TYPE_PATTERN) {
      triggers.patterns.push_back(trigger.value);
    } else {
      triggers.patterns.push_back("^" + trigger.value + "$");
    }
  }
  return triggers;
}

llama_sampler_ptr thinking_watch(const LlamaModel& model, const GrammarRules& rules) {
  if (!rules.lazy || rules.thinking_start.empty() || rules.thinking_ends.empty()) return nullptr;
  std::vector<llama_tokens> ends;
  for (const std::string& end : rules.thinking_ends) ends.push_back(model.tokenize(end, true));
  return llama_sampler_ptr(
      common_reasoning_budget_init(model.vocabulary(), {model.tokenize(rules.thinking_start, true)},
                                   ends, ends.front(), std::numeric_limits<std::int32_t>::max()));
}

}  // namespace

GrammarGate::GrammarPtr GrammarGate::read(const LlamaModel& model, const GrammarRules& rules) {
  const Triggers triggers = triggers_of(model, rules);
  std::vector<const char*> patterns;
  patterns.reserve(triggers.patterns.size());
  for (const std::string& one : triggers.patterns) patterns.push_back(one.c_str());
  return GrammarPtr(llama_grammar_init_impl(model.vocabulary(), rules.gbnf.c_str(), "root",
                                            rules.lazy, patterns.data(), patterns.size(),
                                            triggers.tokens.data(), triggers.tokens.size()));
}

Result<std::unique_ptr<GrammarGate>> GrammarGate::open(const LlamaModel& model,
                                                       const GrammarRules& rules) {
  if (rules.gbnf.empty()) return std::unique_ptr<GrammarGate>();
  if (rules.gbnf.size() > kGrammarBytesMax) return refused("too large");
  if (repeats_backwards(rules.gbnf))
    return refused("bounds that cross, or numbers of too many digits");
  auto gate = std::make_unique<GrammarGate>(model);
  try {
    gate->grammar_ = read(model, rules);
    if (!gate->grammar_) return refused("it makes a grammar that is too complex");
    gate->walk_ = std::make_unique<GrammarWalk>(*gate->grammar_, gate->texts_);
    gate->thinking_ = thinking_watch(model, rules);
    if (rules.begun.empty()) return gate;
    for (const llama_token token : model.tokenize(rules.begun, true)) {
      if (!rules.lazy) llama_grammar_accept_impl(*gate->grammar_, token);
      if (gate->thinking_) llama_sampler_accept(gate->thinking_.get(), token);
    }
  } catch (const std::exception&) {
    return refused("it makes a grammar that this model cannot begin");
  }
  return gate;
}

bool GrammarGate::binds() const {
  if (!grammar_) return false;
  if (!thinking_) return true;
  const auto state = common_reasoning_budget_get_state(thinking_.get());
  return state == REASONING_BUDGET_IDLE || state == REASONING_BUDGET_DONE;
}

bool GrammarGate::allows(llama_token token) const {
  if (!binds() || grammar_->awaiting_trigger) return true;
  const VocabularyTexts::Text* text = walk_->applies() ? texts_.find(token) : nullptr;
  if (text != nullptr) return walk_->reads(*text);
  llama_token_data one{token, 1, 0};
  llama_token_data_array array{&one, 1, -1, false};
  llama_grammar_apply_impl(*grammar_, &array);
  return !std::isinf(one.logit);
}

void GrammarGate::restrict(llama_token_data_array& tokens) const {
  if (!binds() || grammar_->awaiting_trigger) return;
  if (!walk_->applies()) {
    llama_grammar_apply_impl(*grammar_, &tokens);
    return;
  }
  const std::vector<bool> readable = walk_->readable();
  // Ends, and what is not whole characters.
  std::vector<llama_token_data> others;
  std::vector<std::size_t> places;
  for (std::size_t at = 0; at < tokens.size; ++at) {
    llama_token_data& one = tokens.data[at];
    if (texts_.find(one.id) == nullptr) {
      others.push_back(one);
      places.push_back(at);
    } else if (!readable[static_cast<std::size_t>(one.id)]) {
      one.logit = -std::numeric_limits<float>::infinity();
    }
  }
  llama_token_data_array array{others.data(), others.size(), -1, false};
  llama_grammar_apply_impl(*grammar_, &array);
  for (std::size_t at = 0; at < others.size(); ++at) {
    tokens.data[places[at]].logit = others[at].logit;
  }
}

void GrammarGate::accept(llama_token token) {
  const bool bound = binds();
  try {
    if (thinking_) {
      llama_sampler_accept(thinking_.get(), token);
      const auto* end = common_reasoning_budget_get_end_match(thinking_.get());
      const bool done = common_reasoning_budget_get_state(thinking_.get()) == REASONING_BUDGET_DONE;
      if (grammar_ && !bound && done && end != nullptr) {
        for (const llama_token one : *end) llama_grammar_accept_impl(*grammar_, one);
      }
    }
    if (grammar_ && bound) llama_grammar_accept_impl(*grammar_, token);
  } catch (const std::exception&) {
    // A trigger stood in the middle of a token whose rest does not fit.
    log::warn("a completion left its grammar");
    walk_.reset();
    grammar_.reset();
  }
}

}  // namespace selvedge::engines
