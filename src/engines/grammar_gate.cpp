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

llama_sampler_ptr lazy_grammar(const LlamaModel& model, const GrammarRules& rules) {
  std::vector<std::string> patterns;
  std::vector<llama_token> tokens;
  for (const common_grammar_trigger& trigger : rules.triggers) {
    if (trigger.type == COMMON_GRAMMAR_TRIGGER_TYPE_WORD) {
      const auto ids = model.tokenize(trigger.value, true);
      if (ids.size() == 1) {
        tokens.push_back(ids[0]);
      } else {
        patterns.push_back(regex_escape(trigger.value));
      }
    } else if (trigger.type == COMMON_GRAMMAR_TRIGGER_TYPE_TOKEN) {
      tokens.push_back(trigger.token);
    } else if (trigger.type == COMMON_GRAMMAR_TRIGGER_TYPE_PATTERN) {
      patterns.push_back(trigger.value);
    } else {
      patterns.push_back("^" + trigger.value + "$");
    }
  }
  std::vector<const char*> raw;
  raw.reserve(patterns.size());
  for (const std::string& one : patterns) raw.push_back(one.c_str());
  return llama_sampler_ptr(llama_sampler_init_grammar_lazy_patterns(
      model.vocabulary(), rules.gbnf.c_str(), "root", raw.data(), raw.size(), tokens.data(),
      tokens.size()));
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

Result<std::unique_ptr<GrammarGate>> GrammarGate::open(const LlamaModel& model,
                                                       const GrammarRules& rules) {
  if (rules.gbnf.empty()) return std::unique_ptr<GrammarGate>();
  if (rules.gbnf.size() > kGrammarBytesMax) return refused("too large");
  if (repeats_backwards(rules.gbnf))
    return refused("bounds that cross, or numbers of too many digits");
  auto gate = std::make_unique<GrammarGate>();
  try {
    gate->grammar_ = rules.lazy ? lazy_grammar(model, rules)
                                : llama_sampler_ptr(llama_sampler_init_grammar(
                                      model.vocabulary(), rules.gbnf.c_str(), "root"));
    if (!gate->grammar_) return refused("it makes a grammar that is too complex");
    gate->thinking_ = thinking_watch(model, rules);
    if (rules.begun.empty()) return gate;
    for (const llama_token token : model.tokenize(rules.begun, true)) {
      if (!rules.lazy) llama_sampler_accept(gate->grammar_.get(), token);
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
  llama_token_data one{token, 1, 0};
  llama_token_data_array array{&one, 1, -1, false};
  restrict(array);
  return !std::isinf(one.logit);
}

void GrammarGate::restrict(llama_token_data_array& tokens) const {
  if (binds()) llama_sampler_apply(grammar_.get(), &tokens);
}

void GrammarGate::accept(llama_token token) {
  const bool bound = binds();
  try {
    if (thinking_) {
      llama_sampler_accept(thinking_.get(), token);
      const auto* end = common_reasoning_budget_get_end_match(thinking_.get());
      const bool done = common_reasoning_budget_get_state(thinking_.get()) == REASONING_BUDGET_DONE;
      if (grammar_ && !bound && done && end != nullptr) {
        for (const llama_token one : *end) llama_sampler_accept(grammar_.get(), one);
      }
    }
    if (grammar_ && bound) llama_sampler_accept(grammar_.get(), token);
  } catch (const std::exception&) {
    // A trigger stood in the middle of a token whose rest does not fit.
    log::warn("a completion left its grammar");
    grammar_.reset();
  }
}

}  // namespace selvedge::engines
