// Graph: the walk, and how rows are pruned.
#include "ann/graph.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <functional>
#include <limits>
#include <unordered_set>
#include <utility>

#include "ann/error_spread.h"
#include "ann/kernel_variants.h"
#include "ann/prefetch.h"
#include "base/check.h"

namespace selvedge::ann {
namespace {

// Searches begin at the best of the entries.
constexpr std::size_t kBegunAt = 4;
constexpr std::size_t kEntriesLeast = 32;
constexpr std::size_t kEntriesMost = 1'024;
constexpr std::size_t kSlotsPerEntry = 400;
// Of a row that is mended, no more are compared.
constexpr std::size_t kMendedMost = 160;
// Of a row's copies so many are kept whatever else it leads to; a chain has two.
constexpr std::size_t kCopiesMost = 8;
// A candidate so near to the front is likely to be followed soon: its row is fetched.
constexpr std::size_t kRowsAhead = 6;
// So many rows are followed at a time, at first and at most; one more for each kCalm that brought
// nothing to the front. They are known before the first one is read, so that what they lead to
// comes from memory at once, and a walk waits for it less often.
constexpr std::size_t kTogether = 2;
constexpr std::size_t kTogetherMost = 4;
constexpr std::size_t kCalm = 4;
// Of how far the rest usually moves a score: scores of heads that are lower by more are given up.
constexpr float kMargin = 0.42F;

std::atomic_ref<std::uint32_t> number(std::uint32_t* row, std::size_t at) {
  return std::atomic_ref<std::uint32_t>(row[at]);
}

// Beyond what codes of vectors of a squared length of 1e24 have; scores stay inside float32.
constexpr float kFactorMost = 1e14F;
constexpr float kBiasMost = 1e26F;

bool in_bounds(const Trailer& end) {
  return std::abs(end.factor) <= kFactorMost && std::abs(end.rest_factor) <= kFactorMost &&
         std::abs(end.bias) <= kBiasMost;
}

void prefetch_row(const std::uint32_t* row) {
  prefetch_lines(row, Graph::kRowNumbers * sizeof *row);
}

}  // namespace

std::size_t Graph::read_row(Slot slot, Slot* neighbours) const {
  std::uint32_t* const from = row(slot);
  const std::size_t count = number(from, 0).load(std::memory_order_acquire);
  // A code is written before its slot is: acquiring the slot shows the code.
  for (std::size_t at = 0; at < count; ++at) {
    neighbours[at] = number(from, at + 1).load(std::memory_order_acquire);
  }
  return count;
}

void Graph::write_row(Slot slot, std::span<const Slot> neighbours) {
  std::uint32_t* const to = row(slot);
  for (std::size_t at = 0; at < neighbours.size(); ++at) {
    number(to, at + 1).store(neighbours[at], std::memory_order_release);
  }
  number(to, 0).store(static_cast<std::uint32_t>(neighbours.size()), std::memory_order_release);
}

namespace {

// Leaves those that may be better than `least` in `kept`, which may be `slots`, and in `scores`,
// and fetches their rests.
std::size_t keep_promising(const Codes& codes, float least, std::size_t count, const Slot* slots,
                           Slot* kept, float* scores) {
  const std::size_t rest_bytes = codes.quantizer->rest_bytes();
  const std::size_t promising = kernels().keep(least, count, slots, kept, scores);
  for (std::size_t each = 0; each < promising; ++each) {
    prefetch_lines(codes.rests.data() + kept[each] * rest_bytes, rest_bytes);
  }
  return promising;
}

}  // namespace

std::size_t Graph::expand(const Codes& codes, const CodeQuery& query, std::span<const Slot> from,
                          float least, Scratch& scratch, Slot* fresh, float* scores) const {
  scratch.hops += from.size();
  const std::uint8_t* heads = codes.heads.data();
  const Visited::Marks marks = scratch.visited.marks();
  std::size_t kept = 0;
  for (const Slot followed : from) {
    std::uint32_t* const numbers = row(followed);
    const std::size_t count = number(numbers, 0).load(std::memory_order_acquire);
    for (std::size_t each = 1; each <= count; ++each) {
      const Slot slot = number(numbers, each).load(std::memory_order_acquire);
      // Before it is known whether it is new: that, too, comes from memory.
      prefetch_line(heads + slot * kBlockBytes);
      fresh[kept] = slot;
      kept += marks.add(slot) ? 1U : 0U;
    }
  }
  scratch.seen += kept;
  kernels().score_heads(query, heads, fresh, kept, scores);
  // What the head puts far behind the worst kept one, the rest will not bring back.
  const float margin = query.rest_spread * kMargin;
  const std::size_t promising = keep_promising(codes, least - margin, kept, fresh, fresh, scores);
  kernels().add_rests(query, heads, codes.rests.data(), fresh, promising, scores);
  scratch.whole += promising;
  return promising;
}

void Graph::search(const Codes& codes, const CodeQuery& query, const Effort& effort,
                   Scratch& scratch) const {
  Candidates& candidates = scratch.candidates;
  candidates.reset(effort.width);
  scratch.visited.reset(slot_end());
  scratch.hops = scratch.seen = scratch.whole = 0;
  begin(codes, query, scratch);
  Slot fresh[kTogetherMost * kRowNumbers];
  float scores[kTogetherMost * kRowNumbers];
  std::size_t calm = 0;  // Rows since the last one that brought something to the front.
  for (;;) {
    const std::size_t together = std::min(kTogether + calm / kCalm, kTogetherMost);
    Slot from[kTogetherMost];
    std::size_t count = 0;
    for (; count < together && calm < effort.patience; ++count) {
      from[count] = candidates.follow();
      if (from[count] == kNoSlot) break;
      ++calm;
    }
    if (count == 0) return;
    const std::size_t found =
        expand(codes, query, {from, count}, candidates.worst(), scratch, fresh, scores);
    for (std::size_t each = 0; each < found; ++each) {
      const std::size_t place = candidates.offer(scores[each], fresh[each]);
      if (place < effort.front) calm = 0;
      if (place < candidates.next_at() + kRowsAhead) prefetch_row(row(fresh[each]));
    }
  }
}

namespace {

// What is left of listed slots, with their scores.
struct Survivors {
  Slot* slots;
  float* scores;
  std::size_t count = 0;

  void keep(float least) { count = kernels().keep(least, count, slots, slots, scores); }
};

void score_heads(const Codes& codes, const CodeQuery& query, std::span<const Slot> slots,
                 float* scores) {
  constexpr std::size_t kBatch = 128;
  const std::uint8_t* heads = codes.heads.data();
  for (std::size_t first = 0; first < slots.size(); first += kBatch) {
    const std::size_t count = std::min(kBatch, slots.size() - first);
    const std::size_t ahead = std::min(slots.size(), first + 2 * kBatch);
    for (std::size_t next = first + count; next < ahead; ++next) {
      prefetch_line(heads + slots[next] * kBlockBytes);
    }
    kernels().score_heads(query, heads, slots.data() + first, count, scores + first);
  }
}

// What at least so many of the scores reach, and few others: of the largest of each of many more
// groups, the last of so many. Of fewer scores, no bound.
float reached_by(std::size_t count, std::span<const float> scores, std::vector<float>& largest) {
  constexpr std::size_t kGroupsEach = 8;
  if (scores.size() < count) return -std::numeric_limits<float>::infinity();
  const std::size_t groups = std::min(scores.size(), count * kGroupsEach);
  largest.assign(scores.begin(), scores.begin() + static_cast<std::ptrdiff_t>(groups));
  for (std::size_t first = groups; first + groups <= scores.size(); first += groups) {
    const float* const from = scores.data() + first;
    for (std::size_t at = 0; at < groups; ++at) {
      largest[at] = from[at] > largest[at] ? from[at] : largest[at];
    }
  }
  const auto last = largest.begin() + static_cast<std::ptrdiff_t>(count - 1);
  std::nth_element(largest.begin(), last, largest.end(), std::greater<>());
  return *last;
}

// Adds what their rests say to the scores of their heads, and offers them.
void offer_whole(const Codes& codes, const CodeQuery& query, const Survivors& some,
                 Candidates& best) {
  constexpr std::size_t kBatch = 32;
  const std::size_t rest_bytes = codes.quantizer->rest_bytes();
  const auto fetch = [&](std::size_t from) {
    for (std::size_t at = from; at < std::min(some.count, from + kBatch); ++at) {
      prefetch_lines(codes.rests.data() + some.slots[at] * rest_bytes, rest_bytes);
    }
  };
  fetch(0);
  for (std::size_t first = 0; first < some.count; first += kBatch) {
    const std::size_t end = std::min(first + kBatch, some.count);
    fetch(end);
    kernels().add_rests(query, codes.heads.data(), codes.rests.data(), some.slots + first,
                        end - first, some.scores + first);
    for (std::size_t at = first; at < end; ++at) best.offer(some.scores[at], some.slots[at]);
  }
}

// The same of those whose heads score so well, which are taken out; how far their rests move the
// scores of those that are among the best then is added to `moves`.
void offer_front(const Codes& codes, const CodeQuery& query, float least, Survivors& some,
                 std::vector<float>& heads, ErrorSpread& moves, Candidates& best) {
  std::size_t count = 0;
  for (std::size_t at = 0; at < some.count; ++at) {
    if (!(some.scores[at] >= least)) continue;
    std::swap(some.scores[at], some.scores[count]);
    std::swap(some.slots[at], some.slots[count++]);
  }
  heads.assign(some.scores, some.scores + count);
  offer_whole(codes, query, {some.slots, some.scores, count}, best);
  for (std::size_t at = 0; at < count; ++at) {
    if (some.scores[at] >= best.worst()) moves.add(some.scores[at] - heads[at]);
  }
  some = {some.slots + count, some.scores + count, some.count - count};
}

}  // namespace

bool Graph::search_allowed(const Codes& codes, const CodeQuery& query, const Effort& effort,
                           const Allowed& allowed, std::size_t hops_most, Scratch& scratch) const {
  Candidates& candidates = scratch.candidates;
  candidates.reset(hops_most);
  scratch.allowed.reset(effort.width);
  scratch.visited.reset(slot_end());
  scratch.hops = scratch.seen = scratch.whole = 0;
  begin(codes, query, scratch);
  std::size_t calm = 0;  // Rows since the last one that brought something to the front.
  const auto offer_allowed = [&](float score, Slot slot) {
    if (scratch.allowed.full() && !(score > scratch.allowed.worst())) return;
    if (!allowed.test(allowed.context, slot)) return;
    if (scratch.allowed.offer(score, slot) < effort.front) calm = 0;
  };
  for (std::size_t at = 0; at < candidates.size(); ++at) {
    offer_allowed(candidates.score(at), candidates.slot(at));
  }
  Slot fresh[kTogetherMost * kRowNumbers];
  float scores[kTogetherMost * kRowNumbers];
  for (;;) {
    Slot from[kTogetherMost];
    std::size_t count = 0;
    const std::size_t together = std::min(kTogether + calm / kCalm, kTogetherMost);
    for (; count < together; ++count) {
      if (calm >= effort.patience && scratch.allowed.full()) break;
      from[count] = candidates.follow();
      if (from[count] == kNoSlot) break;
      // Nothing that is behind the worst allowed one can be followed to any use.
      if (candidates.score(candidates.next_at()) < scratch.allowed.worst()) break;
      ++calm;
    }
    if (count == 0) return true;
    if (scratch.hops + count > hops_most) return false;
    const std::size_t found =
        expand(codes, query, {from, count}, scratch.allowed.worst(), scratch, fresh, scores);
    for (std::size_t each = 0; each < found; ++each) {
      const std::size_t place = candidates.offer(scores[each], fresh[each]);
      if (place < candidates.next_at() + kRowsAhead) prefetch_row(row(fresh[each]));
      offer_allowed(scores[each], fresh[each]);
    }
  }
  return true;
}

void Graph::search_listed(const Codes& codes, const CodeQuery& query, std::size_t width,
                          double deviations, std::span<const Slot> slots, Scratch& scratch) {
  constexpr std::size_t kAtOnce = 16'384;  // Whose heads' scores stay in the caches.
  constexpr std::size_t kFront = 24;       // So many tell how far rests move scores.
  Candidates& best = scratch.allowed;
  best.reset(width);
  const std::size_t most = std::min(slots.size(), kAtOnce);
  if (scratch.scores.size() < most) scratch.scores.resize(most);
  if (scratch.others.size() < most) scratch.others.resize(most);
  const float margin = query.rest_spread * kMargin;
  ErrorSpread moves;  // Of near rows: the rests of those are like the query's, others' are not.
  const auto enough = [&](float by_heads) {
    if (moves.count() == 0) return by_heads - margin;
    return std::max(by_heads - margin, best.worst() - static_cast<float>(moves.most(deviations)));
  };
  for (std::size_t first = 0; first < slots.size(); first += kAtOnce) {
    const auto some = slots.subspan(first, std::min(kAtOnce, slots.size() - first));
    const std::span<float> scores(scratch.scores.data(), some.size());
    score_heads(codes, query, some, scores.data());
    // All heads first: then it is known what the rests have to be better than.
    const float by_heads = reached_by(std::max(width, kFront), scores, scratch.largest);
    Survivors left{scratch.others.data(), scores.data()};
    left.count =
        kernels().keep(enough(by_heads), some.size(), some.data(), left.slots, left.scores);
    offer_front(codes, query, by_heads, left, scratch.largest, moves, best);
    left.keep(enough(by_heads));
    offer_whole(codes, query, left, best);
  }
}

// Offers the best of the entries.
void Graph::begin(const Codes& codes, const CodeQuery& query, Scratch& scratch) const {
  const auto known = entries();
  const std::size_t count = known->slots.size();
  scratch.scores.resize(count);
  kernels().score_heads(query, known->heads.data(), known->places.data(), count,
                        scratch.scores.data());
  Slot best[kBegunAt];
  float scores[kBegunAt];
  std::size_t begun = 0;
  for (std::size_t at = 0; at < count; ++at) {
    const float score = scratch.scores[at];
    if (begun == kBegunAt && !(score > scores[begun - 1])) continue;
    std::size_t place = begun < kBegunAt ? begun++ : begun - 1;
    for (; place > 0 && score > scores[place - 1]; --place) {
      scores[place] = scores[place - 1];
      best[place] = best[place - 1];
    }
    scores[place] = score;
    best[place] = known->slots[at];
  }
  kernels().add_rests(query, codes.heads.data(), codes.rests.data(), best, begun, scores);
  for (std::size_t at = 0; at < begun; ++at) {
    scratch.visited.add(best[at]);
    scratch.candidates.offer(scores[at], best[at]);
  }
}

void Graph::add_partner(const Codes& codes, Slot slot, Scratch& scratch) const {
  const std::size_t blocks = codes.quantizer->blocks();
  const std::size_t width = blocks * kBlockCoordinates;
  const std::size_t at = scratch.partners.size();
  if (scratch.levels.size() < (at + 1) * width) {
    scratch.levels.resize((at + 1) * width);
    scratch.moved.resize((at + 1) * width);
  }
  std::uint8_t* levels = scratch.levels.data() + at * width;
  std::int8_t* moved = scratch.moved.data() + at * width;
  Partner partner{slot, 0, static_cast<std::uint32_t>(at)};
  kernels().unpack(codes.head(slot), codes.rest(slot), blocks, levels, moved, partner.sums);
  const Trailer end = trailer(codes.head(slot));
  partner.factor = end.factor;
  partner.bias = end.bias;
  partner.rest_factor = end.rest_factor;
  if (codes.quantizer->space() == Space::product) {
    partner.beyond = std::sqrt(std::max(0.0F, codes.quantizer->squares_most() - 2 * end.bias));
  }
  scratch.partners.push_back(partner);
}

namespace {

// Σ (a - 7.5)(b - 7.5), of which Σ a (b - 8) is given.
float moved_product(std::int32_t dot, std::int32_t sum_a, std::int32_t sum_b,
                    std::size_t coordinates) {
  return static_cast<float>(dot) + 0.5F * static_cast<float>(sum_a) -
         7.5F * static_cast<float>(sum_b) + 56.25F * static_cast<float>(coordinates);
}

}  // namespace

// Into scratch.dots and rest_dots: of `from` with the partners whose bytes lie at `chosen`, or with
// the first ones where it is null.
void Graph::measure(const Codes& codes, const Partner& from, const std::uint32_t* chosen,
                    std::size_t count, Scratch& scratch) const {
  const std::size_t width = codes.quantizer->blocks() * kBlockCoordinates;
  const std::uint8_t* levels = scratch.levels.data() + from.at * width;
  scratch.dots.resize(count);
  scratch.rest_dots.assign(count, 0);
  kernels().dot(levels, scratch.moved.data(), width, kBlockCoordinates, chosen, count,
                scratch.dots.data());
  if (width == kBlockCoordinates) return;
  kernels().dot(levels + kBlockCoordinates, scratch.moved.data() + kBlockCoordinates, width,
                width - kBlockCoordinates, chosen, count, scratch.rest_dots.data());
}

// Squared, of a and b, whose dots are given. Of the product space every vector has one more
// coordinate, `beyond`, which makes all equally long: the nearest are then those of the largest
// product (Bachrach et al., 2014).
float Graph::distance(const Codes& codes, const Partner& a, const Partner& b, std::int32_t dot,
                      std::int32_t rest_dot) {
  constexpr std::size_t kHead = Quantizer::kHeadCoordinates;
  const std::size_t rest = codes.quantizer->coordinates() - kHead;
  const float product =
      a.factor * b.factor * moved_product(dot, a.sums[0], b.sums[0], kHead) +
      a.rest_factor * b.rest_factor * moved_product(rest_dot, a.sums[1], b.sums[1], rest);
  const float beyond = a.beyond - b.beyond;
  return std::max(0.0F, 2 * (a.bias + b.bias - product)) + beyond * beyond;
}

// Of scratch.partners, sorted by distance, adds to scratch.kept those to which none of them is much
// nearer than the row's own.
void Graph::prune(const Codes& codes, Scratch& scratch) const {
  const auto& partners = scratch.partners;
  std::vector<std::uint32_t>& left = scratch.left;  // Places in `partners`, nearest first.
  left.resize(partners.size());
  for (std::uint32_t at = 0; at < left.size(); ++at) left[at] = at;
  while (!left.empty()) {
    const Partner& keep = partners[left.front()];
    scratch.kept.push_back(keep.slot);
    if (scratch.kept.size() == shape_.degree) return;
    scratch.chosen.resize(left.size());
    for (std::size_t at = 0; at < left.size(); ++at) scratch.chosen[at] = partners[left[at]].at;
    measure(codes, keep, scratch.chosen.data() + 1, left.size() - 1, scratch);
    std::size_t stay = 0;
    for (std::size_t at = 1; at < left.size(); ++at) {
      const Partner& other = partners[left[at]];
      const float between =
          distance(codes, keep, other, scratch.dots[at - 1], scratch.rest_dots[at - 1]);
      left[stay] = left[at];
      stay += shape_.slack * between > other.distance ? 1U : 0U;
    }
    left.resize(stay);
  }
}

namespace {

void sort_partners(Graph::Scratch& scratch) {
  std::sort(scratch.partners.begin(), scratch.partners.end(),
            [](const auto& a, const auto& b) { return a.distance < b.distance; });
}

}  // namespace

void Graph::link(const Codes& codes, Slot slot, const CodeQuery& query, Scratch& scratch) {
  search(codes, query, Effort::whole(shape_.width), scratch);
  if (const Slot copy = find_copy(codes, slot, scratch.candidates); copy != kNoSlot) {
    link_copy(codes, slot, copy, scratch);
    return;
  }
  scratch.partners.clear();
  add_partner(codes, slot, scratch);
  const Partner own = scratch.partners.front();
  scratch.partners.clear();
  for (std::size_t at = 0; at < scratch.candidates.size(); ++at) {
    const Slot found = scratch.candidates.slot(at);
    if (found == slot || states_[found] != State::linked) continue;
    add_partner(codes, found, scratch);
    Partner& partner = scratch.partners.back();
    const float beyond = own.beyond - partner.beyond;
    // |q - x|² = |q|² - 2 score.
    partner.distance =
        std::max(0.0F, 2 * (own.bias - scratch.candidates.score(at))) + beyond * beyond;
  }
  if (codes.quantizer->space() == Space::product) sort_partners(scratch);
  scratch.kept.clear();
  prune(codes, scratch);
  begin_linked(codes, slot, scratch.kept);
  scratch.others = scratch.kept;
  for (const Slot to : scratch.others) link_back(codes, slot, to, scratch);
}

void Graph::begin_linked(const Codes& codes, Slot slot, std::span<const Slot> neighbours) {
  write_row(slot, neighbours);
  states_[slot] = State::linked;
  linked_count_.fetch_add(1, std::memory_order_relaxed);
  maybe_enter(codes, slot);
}

namespace {

// Nothing tells such vectors apart.
bool same_code(const Codes& codes, Slot a, Slot b) {
  return std::memcmp(codes.head(a), codes.head(b), kBlockBytes) == 0 &&
         std::memcmp(codes.rest(a), codes.rest(b), codes.quantizer->rest_bytes()) == 0;
}

}  // namespace

std::vector<Slot> Graph::copies_in_row(const Codes& codes, Slot slot) const {
  std::vector<Slot> copies(kRowNumbers);
  copies.resize(read_row(slot, copies.data()));
  std::erase_if(copies, [&](Slot each) { return !same_code(codes, slot, each); });
  return copies;
}

// Every dying slot is looked at once, however many rows lead there.
const Graph::Stretch& Graph::stretch_of(const Codes& codes, Slot dying) {
  if (const auto known = stretch_at_.find(dying); known != stretch_at_.end()) {
    return stretches_[known->second];
  }
  const std::size_t number = stretches_.size();
  Stretch stretch;
  std::unordered_set<Slot> known;
  const auto add = [&known](Slot living, std::vector<Slot>& to) {
    if (known.insert(living).second) to.push_back(living);
  };
  stretch_at_.emplace(dying, number);
  std::vector<Slot> slots = {dying};
  for (std::size_t at = 0; at < slots.size(); ++at) {
    Slot neighbours[kRowNumbers];
    const std::size_t count = read_row(slots[at], neighbours);
    for (const Slot each : std::span(neighbours, count)) {
      const bool lives = states_[each] == State::linked;
      if (!same_code(codes, dying, each)) {
        if (lives && stretch.exits.size() < kMendedMost) add(each, stretch.exits);
        continue;
      }
      if (lives) {
        add(each, stretch.ends);
        continue;
      }
      const auto [place, fresh] = stretch_at_.emplace(each, number);
      if (fresh) {
        slots.push_back(each);
      } else if (place->second != number) {
        for (const Slot end : stretches_[place->second].ends) add(end, stretch.ends);
      }
    }
  }
  return stretches_.emplace_back(std::move(stretch));
}

// The living copy on the other side of the dying ones that `slot`, living, leads to; kNoSlot where
// there is none. Of a stretch with more ends than two the next one, so that a round leads to all.
Slot Graph::beyond_dying(const Codes& codes, Slot slot, Slot dying) {
  const std::vector<Slot>& ends = stretch_of(codes, dying).ends;
  if (ends.empty()) return kNoSlot;
  const auto own = std::find(ends.begin(), ends.end(), slot);
  const Slot next = own == ends.end() || own + 1 == ends.end() ? ends.front() : *(own + 1);
  return next == slot ? kNoSlot : next;
}

// Whether `at` is `copy`, living, or of a stretch that ends there.
bool Graph::leads_to(const Codes& codes, Slot at, Slot copy) {
  if (states_[at] == State::linked) return at == copy;
  const std::vector<Slot>& ends = stretch_of(codes, at).ends;
  return std::find(ends.begin(), ends.end(), copy) != ends.end();
}

// Among what a search for the slot found, or not far from there; kNoSlot where there is none.
Slot Graph::find_copy(const Codes& codes, Slot slot, const Candidates& found) {
  Slot dying = kNoSlot;
  for (std::size_t at = 0; at < found.size(); ++at) {
    const Slot copy = found.slot(at);
    if (copy == slot || !same_code(codes, slot, copy)) continue;
    if (states_[copy] == State::linked) return copy;
    dying = copy;
  }
  return dying == kNoSlot ? kNoSlot : beyond_dying(codes, slot, dying);
}

// Behind `copy` in its chain, with its row: what is near to one is near to the other. Nothing else
// leads there, since everybody would prune it.
void Graph::link_copy(const Codes& codes, Slot slot, Slot copy, Scratch& scratch) {
  const std::vector<Slot> chain = copies_in_row(codes, copy);
  const Slot old = chain.empty() ? kNoSlot : chain.front();
  const bool gap = old != kNoSlot && states_[old] != State::linked;
  const Slot after = gap ? beyond_dying(codes, copy, old) : old;
  scratch.others = {copy};
  if (after != kNoSlot) scratch.others.push_back(after);
  Slot neighbours[kRowNumbers];
  const std::size_t count = read_row(copy, neighbours);
  for (std::size_t at = 0; at < count && scratch.others.size() < kNeighboursMost; ++at) {
    const Slot each = neighbours[at];
    if (states_[each] != State::linked || same_code(codes, slot, each)) continue;
    scratch.others.push_back(each);
  }
  begin_linked(codes, slot, scratch.others);
  if (after != kNoSlot) {
    Slot back = kNoSlot;
    for (const Slot each : copies_in_row(codes, after)) {
      if (leads_to(codes, each, copy)) back = each;
    }
    replace_in_row(codes, after, back, slot, scratch);
  }
  replace_in_row(codes, copy, old, slot, scratch);
}

// Adds `next` where the row does not have `old`.
void Graph::replace_in_row(const Codes& codes, Slot of, Slot old, Slot next, Scratch& scratch) {
  std::uint32_t* const numbers = row(of);
  const std::size_t count = number(numbers, 0).load(std::memory_order_relaxed);
  for (std::size_t at = 1; at <= count; ++at) {
    if (number(numbers, at).load(std::memory_order_relaxed) != old) continue;
    number(numbers, at).store(next, std::memory_order_release);
    return;
  }
  link_back(codes, next, of, scratch);
}

void Graph::link_back(const Codes& codes, Slot from, Slot to, Scratch& scratch) {
  Slot neighbours[kRowNumbers];
  std::size_t count = read_row(to, neighbours);
  if (count < kNeighboursMost) {
    number(row(to), count + 1).store(from, std::memory_order_release);
    number(row(to), 0).store(static_cast<std::uint32_t>(count + 1), std::memory_order_release);
    return;
  }
  neighbours[count++] = from;
  prune_around(codes, to, {neighbours, count}, scratch);
}

// The row of `slot` becomes the best of `others`.
void Graph::prune_around(const Codes& codes, Slot slot, std::span<const Slot> others,
                         Scratch& scratch) {
  scratch.partners.clear();
  add_partner(codes, slot, scratch);
  for (const Slot other : others) add_partner(codes, other, scratch);
  const Partner own = scratch.partners.front();
  measure(codes, own, nullptr, scratch.partners.size(), scratch);
  for (std::size_t at = 1; at < scratch.partners.size(); ++at) {
    scratch.partners[at].distance =
        distance(codes, own, scratch.partners[at], scratch.dots[at], scratch.rest_dots[at]);
  }
  scratch.partners.erase(scratch.partners.begin());
  sort_partners(scratch);
  scratch.kept.clear();
  // The slot's copies lead on to the others of their chain, to which nothing else leads.
  std::erase_if(scratch.partners, [&](const Partner& partner) {
    if (scratch.kept.size() == kCopiesMost || !same_code(codes, slot, partner.slot)) return false;
    scratch.kept.push_back(partner.slot);
    return true;
  });
  prune(codes, scratch);
  write_row(slot, scratch.kept);
}

void Graph::mark_dying(std::span<const Slot> slots) {
  for (const Slot slot : slots) states_[slot] = State::dying;
}

void Graph::mend_rows(const Codes& codes, Slot first, Slot end, Scratch& scratch) {
  for (Slot slot = first; slot < end; ++slot) {
    if (states_[slot] == State::linked) mend_row(codes, slot, scratch);
  }
}

// The dying of a row are replaced by those to which they led, dying copies by the next living one
// of the chain only, so that chains stay chains.
void Graph::mend_row(const Codes& codes, Slot slot, Scratch& scratch) {
  Slot neighbours[kRowNumbers];
  const std::size_t count = read_row(slot, neighbours);
  scratch.visited.reset(slot_end());
  scratch.visited.add(slot);
  scratch.others.clear();
  bool whole = true;
  for (std::size_t at = 0; at < count; ++at) {
    if (states_[neighbours[at]] != State::linked) {
      whole = false;
      continue;
    }
    scratch.visited.add(neighbours[at]);
    scratch.others.push_back(neighbours[at]);
  }
  if (whole) return;
  const auto add = [&](Slot living) {
    if (living == kNoSlot || scratch.visited.add_all(&living, 1) == 0) return;
    scratch.others.push_back(living);
  };
  for (std::size_t at = 0; at < count; ++at) {
    const Slot dying = neighbours[at];
    if (states_[dying] == State::linked) continue;
    // Little else may lead to a chain than this row does, or out of it than the dying did.
    add(beyond_dying(codes, slot, dying));
    if (!same_code(codes, slot, dying)) continue;
    for (const Slot exit : stretch_of(codes, dying).exits) add(exit);
  }
  for (std::size_t at = 0; at < count; ++at) {
    if (states_[neighbours[at]] == State::linked) continue;
    Slot beyond[kRowNumbers];
    const std::size_t fresh = scratch.visited.add_all(beyond, read_row(neighbours[at], beyond));
    for (std::size_t each = 0; each < fresh && scratch.others.size() < kMendedMost; ++each) {
      if (states_[beyond[each]] != State::linked || same_code(codes, slot, beyond[each])) continue;
      scratch.others.push_back(beyond[each]);
    }
  }
  prune_around(codes, slot, scratch.others, scratch);
}

void Graph::forget(const Codes& codes, std::span<const Slot> slots) {
  for (const Slot slot : slots) states_[slot] = State::none;
  linked_count_.fetch_sub(slots.size(), std::memory_order_relaxed);
  auto next = std::make_shared<Entries>();
  for (const Slot slot : entries()->slots) {
    if (states_[slot] == State::linked) next->slots.push_back(slot);
  }
  // An index that lost its entries begins anywhere.
  for (Slot slot = 0; next->slots.empty() && slot < slot_end(); ++slot) {
    if (states_[slot] == State::linked) next->slots.push_back(slot);
  }
  set_entries(codes, std::move(next));
  for (const Slot slot : slots) write_row(slot, {});
  stretch_at_ = {};
  stretches_ = {};
}

// A slot that a row leads to without being linked could be given anew beneath it.
bool Graph::restore(const Codes& codes, std::span<const std::uint8_t> held,
                    std::span<const Slot> begun) {
  SEL_CHECK(held.size() == slot_end());
  std::size_t linked = 0;
  for (Slot slot = 0; slot < held.size(); ++slot) {
    if (held[slot] == 0) continue;
    states_[slot] = State::linked;
    ++linked;
    if (!in_bounds(trailer(codes.head(slot)))) return false;
  }
  for (Slot slot = 0; slot < held.size(); ++slot) {
    const std::uint32_t* numbers = row(slot);
    const std::size_t count = numbers[0];
    if (count > (held[slot] == 0 ? 0 : kNeighboursMost)) return false;
    for (std::size_t at = 1; at <= count; ++at) {
      if (numbers[at] >= held.size() || held[numbers[at]] == 0) return false;
    }
  }
  if (begun.size() > kEntriesMost || begun.empty() != (linked == 0)) return false;
  for (const Slot slot : begun) {
    if (slot >= held.size() || held[slot] == 0) return false;
  }
  linked_count_.store(linked, std::memory_order_relaxed);
  auto next = std::make_shared<Entries>();
  next->slots.assign(begun.begin(), begun.end());
  set_entries(codes, std::move(next));
  return true;
}

void Graph::renew_entries(const Codes& codes) {
  auto next = std::make_shared<Entries>();
  next->slots = entries()->slots;
  set_entries(codes, std::move(next));
}

void Graph::set_entries(const Codes& codes, std::shared_ptr<Entries> next) {
  next->heads.clear();
  next->places.clear();
  for (const Slot slot : next->slots) {
    next->places.push_back(static_cast<Slot>(next->places.size()));
    const std::uint8_t* head = codes.head(slot);
    next->heads.insert(next->heads.end(), head, head + kBlockBytes);
  }
  const std::lock_guard lock(entries_mutex_);
  entries_ = std::move(next);
}

void Graph::maybe_enter(const Codes& codes, Slot slot) {
  const std::size_t linked = linked_count();
  const std::size_t wanted = std::clamp(linked / kSlotsPerEntry, kEntriesLeast, kEntriesMost);
  const auto known = entries();
  if (known->slots.size() >= std::min(wanted, linked / 50 + 1)) return;
  auto next = std::make_shared<Entries>();
  next->slots = known->slots;
  next->slots.push_back(slot);
  set_entries(codes, std::move(next));
}

}  // namespace selvedge::ann
