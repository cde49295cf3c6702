// Token logprobs: log-softmax over the vocabulary, and tokens that wait for their text.
#include "engines/token_logprobs.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

namespace selvedge::engines {
namespace {

bool likelier(const RankedToken& left, const RankedToken& right) {
  return left.logprob != right.logprob ? left.logprob > right.logprob : left.token < right.token;
}

// The largest logits, best first. NaN is larger than nothing.
std::vector<RankedToken> largest(std::span<const float> logits, std::size_t count) {
  std::vector<RankedToken> best;
  count = std::min(count, logits.size());
  if (count == 0) return best;
  best.reserve(count + 1);
  for (std::size_t at = 0; at < logits.size(); ++at) {
    const float logit = logits[at];
    if (std::isnan(logit)) continue;
    if (best.size() == count && logit <= best.back().logprob) continue;
    const RankedToken one{static_cast<std::int32_t>(at), logit};
    best.insert(std::upper_bound(best.begin(), best.end(), one, likelier), one);
    if (best.size() > count) best.pop_back();
  }
  return best;
}

}  // namespace

TokenRanking rank_tokens(std::span<const float> logits, std::int32_t drawn, std::size_t top) {
  float best = -std::numeric_limits<float>::infinity();
  for (const float logit : logits) best = logit > best ? logit : best;
  double sum = 0;
  for (const float logit : logits) {
    if (!std::isnan(logit)) sum += std::exp(static_cast<double>(logit) - static_cast<double>(best));
  }
  const double log_sum = static_cast<double>(best) + std::log(sum);
  const auto logprob = [log_sum](float logit) {
    const double value = static_cast<double>(logit) - log_sum;
    if (!(value > static_cast<double>(wire::kLogprobMin))) return wire::kLogprobMin;
    return static_cast<float>(std::min(value, 0.0));
  };
  TokenRanking ranking;
  const auto at = static_cast<std::size_t>(drawn);
  ranking.drawn_logprob =
      drawn >= 0 && at < logits.size() ? logprob(logits[at]) : wire::kLogprobMin;
  ranking.top = largest(logits, top);
  for (RankedToken& one : ranking.top) one.logprob = logprob(one.logprob);
  return ranking;
}

void UnsentLogprobs::add(wire::TokenLogprob token) { tokens_.push_back(std::move(token)); }

std::vector<wire::TokenLogprob> UnsentLogprobs::take(std::size_t sent_bytes) {
  std::vector<wire::TokenLogprob> taken;
  while (!tokens_.empty() && begin_ + tokens_.front().bytes.size() <= sent_bytes) {
    begin_ += tokens_.front().bytes.size();
    taken.push_back(std::move(tokens_.front()));
    tokens_.pop_front();
  }
  return taken;
}

std::vector<wire::TokenLogprob> UnsentLogprobs::finish(std::size_t sent_bytes) {
  std::vector<wire::TokenLogprob> taken = take(sent_bytes);
  if (!tokens_.empty() && sent_bytes > begin_) {
    tokens_.front().bytes.resize(sent_bytes - begin_);
    taken.push_back(std::move(tokens_.front()));
  }
  tokens_.clear();
  return taken;
}

}  // namespace selvedge::engines
