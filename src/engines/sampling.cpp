// Sampler: penalties on the logits, then llama.cpp's chain over the tokens that have a chance.
#include "engines/sampling.h"

#include <algorithm>
#include <cmath>
#include <iterator>
#include <limits>
#include <random>
#include <utility>

namespace selvedge::engines {
namespace {

constexpr std::size_t kPenaltyTokens = 64;
constexpr int kTokensTried = 16;
constexpr float kTemperatureMin = 1e-3f;  // Below, the likeliest token.
constexpr float kTemperatureMax = 5.0f;
// Tokens this many logits (over the temperature, when that is above 1) below the best have together
// less than 1e-8 of the mass in any vocabulary: leaving them out only saves time.
constexpr float kHopelessLogits = 30.0f;

float sane(double value, float low, float high, float otherwise) {
  if (!std::isfinite(value)) return otherwise;
  return std::clamp(static_cast<float>(value), low, high);
}

// The first of the largest. Several maxima side by side, which the compiler keeps in one register:
// this runs over the whole vocabulary for every token.
llama_token likeliest(std::span<const float> logits) {
  constexpr std::size_t kLanes = 16;
  float lanes[kLanes];
  std::fill(std::begin(lanes), std::end(lanes), -std::numeric_limits<float>::infinity());
  std::size_t at = 0;
  for (; at + kLanes <= logits.size(); at += kLanes) {
    for (std::size_t lane = 0; lane < kLanes; ++lane) {
      const float value = logits[at + lane];
      lanes[lane] = value > lanes[lane] ? value : lanes[lane];
    }
  }
  float best = *std::max_element(std::begin(lanes), std::end(lanes));
  for (; at < logits.size(); ++at) best = std::max(best, logits[at]);
  const auto found = std::find(logits.begin(), logits.end(), best);
  return found == logits.end() ? 0 : static_cast<llama_token>(found - logits.begin());
}

std::uint32_t seed_of(const wire::Sampling& sampling) {
  if (!sampling.has_seed) return std::random_device()();
  const auto folded = static_cast<std::uint32_t>(sampling.seed ^ (sampling.seed >> 32));
  // llama.cpp takes this one value for "draw a seed".
  return folded == LLAMA_DEFAULT_SEED ? 0 : folded;
}

}  // namespace

Sampler::Sampler(const wire::Sampling& sampling, std::span<const llama_token> prompt,
                 std::vector<llama_token> suppressed, std::unique_ptr<GrammarGate> gate)
    : temperature_(sane(sampling.temperature, 0, kTemperatureMax, 0.6f)),
      repetition_(sane(sampling.repetition_penalty, 0.01f, 10, 1)),
      frequency_(sane(sampling.frequency_penalty, -2, 2, 0)),
      presence_(sane(sampling.presence_penalty, -2, 2, 0)),
      bias_(sampling.logit_bias),
      suppressed_(std::move(suppressed)),
      gate_(std::move(gate)) {
  for (const llama_token token : prompt.last(std::min(prompt.size(), kPenaltyTokens))) {
    accept(token, false);
  }
  if (temperature_ < kTemperatureMin) return;
  llama_sampler_chain_params params = llama_sampler_chain_default_params();
  params.no_perf = true;
  chain_.reset(llama_sampler_chain_init(params));
  const float top_p = sane(sampling.top_p, 0, 1, 1);
  if (sampling.top_k > 0) {
    llama_sampler_chain_add(chain_.get(), llama_sampler_init_top_k(sampling.top_k));
  }
  if (top_p < 1) llama_sampler_chain_add(chain_.get(), llama_sampler_init_top_p(top_p, 1));
  llama_sampler_chain_add(chain_.get(), llama_sampler_init_temp(temperature_));
  llama_sampler_chain_add(chain_.get(), llama_sampler_init_dist(seed_of(sampling)));
}

llama_token Sampler::sample(std::span<float> logits) {
  for (const llama_token token : suppressed_) {
    logits[static_cast<std::size_t>(token)] = -std::numeric_limits<float>::infinity();
  }
  for (const wire::TokenBias& one : bias_) {
    const auto at = static_cast<std::size_t>(one.token);
    if (one.token >= 0 && at < logits.size()) logits[at] += sane(one.bias, -100, 100, 0);
  }
  penalize(logits);
  llama_token token = chain_ ? draw(logits) : likeliest(logits);
  if (gate_) {
    // Looking at one token is cheap, at all of them is not; mostly the model keeps to the grammar,
    // or to what comes next in its mind.
    bool allowed = gate_->allows(token);
    for (int tried = 1; !allowed && tried < kTokensTried; ++tried) {
      logits[static_cast<std::size_t>(token)] = -std::numeric_limits<float>::infinity();
      token = chain_ ? draw(logits) : likeliest(logits);
      allowed = gate_->allows(token);
    }
    if (!allowed) token = draw_allowed(logits);
    gate_->accept(token);
  }
  accept(token, true);
  return token;
}

void Sampler::accept(llama_token token, bool completion) {
  recent_.push_back({token, completion});
  Seen& seen = seen_[token];
  ++seen.all;
  if (completion) ++seen.completion;
  if (recent_.size() <= kPenaltyTokens) return;
  const Recent oldest = recent_.front();
  recent_.pop_front();
  const auto entry = seen_.find(oldest.token);
  if (oldest.completion) --entry->second.completion;
  if (--entry->second.all == 0) seen_.erase(entry);
}

void Sampler::penalize(std::span<float> logits) const {
  if (repetition_ == 1 && frequency_ == 0 && presence_ == 0) return;
  for (const auto& [token, seen] : seen_) {
    float& logit = logits[static_cast<std::size_t>(token)];
    logit = logit > 0 ? logit / repetition_ : logit * repetition_;
    if (seen.completion == 0) continue;
    logit -= static_cast<float>(seen.completion) * frequency_ + presence_;
  }
}

llama_token Sampler::draw_allowed(std::span<float> logits) {
  std::vector<llama_token_data> all;
  all.reserve(logits.size());
  for (std::size_t at = 0; at < logits.size(); ++at) {
    if (!std::isinf(logits[at])) all.push_back({static_cast<llama_token>(at), logits[at], 0});
  }
  llama_token_data_array array{all.data(), all.size(), -1, false};
  gate_->restrict(array);
  constexpr float kForbidden = -std::numeric_limits<float>::infinity();
  std::fill(logits.begin(), logits.end(), kForbidden);
  for (const llama_token_data& one : all) logits[static_cast<std::size_t>(one.id)] = one.logit;
  return chain_ ? draw(logits) : likeliest(logits);
}

llama_token Sampler::draw(std::span<const float> logits) {
  const float best = logits[static_cast<std::size_t>(likeliest(logits))];
  const float floor = best - kHopelessLogits * std::max(1.0f, temperature_);
  candidates_.clear();
  for (std::size_t at = 0; at < logits.size(); ++at) {
    if (logits[at] >= floor) {
      candidates_.push_back({static_cast<llama_token>(at), logits[at], 0});
    }
  }
  // Broken weights give NaN, and NaN is above no floor.
  if (candidates_.empty()) candidates_.push_back({0, 0, 0});
  llama_token_data_array array{candidates_.data(), candidates_.size(), -1, false};
  llama_sampler_apply(chain_.get(), &array);
  return array.data[array.selected].id;
}

}  // namespace selvedge::engines
