// Greedy cutting: the longest chunk that fits, back to a good place, then the next one a little
// before its end.
#include "rag/chunk.h"

#include <algorithm>

#include "base/utf8.h"
#include "rag/sentence.h"

namespace selvedge::rag {
namespace {

class Cutter {
 public:
  Cutter(std::string_view text, const inference::TokenSpans& tokens, const ChunkOptions& options)
      : text_(text), ends_(tokens.ends), options_(options) {
    for (const Span& sentence : sentence_spans(text)) {
      sentence_begins_.push_back(sentence.begin);
      sentence_ends_.push_back(sentence.end);
    }
  }

  std::vector<Span> cut() const {
    std::vector<Span> spans;
    std::size_t begin = 0;
    std::size_t covered = 0;
    while (covered < text_.size()) {
      const std::size_t limit = limit_from(begin, covered);
      const std::size_t end = limit == text_.size() ? limit : good_end(begin, covered, limit);
      spans.push_back({static_cast<std::uint32_t>(begin), static_cast<std::uint32_t>(end)});
      begin = next_begin(begin, end);
      covered = end;
    }
    return spans;
  }

 private:
  // Tokens that end at or before `offset`.
  std::size_t tokens_before(std::size_t offset) const {
    return static_cast<std::size_t>(std::upper_bound(ends_.begin(), ends_.end(), offset) -
                                    ends_.begin());
  }

  std::size_t token_end(std::size_t count) const {
    if (count == 0) return 0;
    return count > ends_.size() ? text_.size()
                                : std::min<std::size_t>(ends_[count - 1], text_.size());
  }

  // The farthest end of a chunk from `begin`, past `covered` by one character at least.
  std::size_t limit_from(std::size_t begin, std::size_t covered) const {
    std::size_t limit = text_.size();
    const std::size_t last = tokens_before(begin) + options_.tokens_max;
    if (last < ends_.size()) limit = token_end(last);
    limit = std::min(limit, begin + options_.bytes_max);
    limit = utf8::floor_boundary(text_, limit);
    return limit > covered ? limit : next_boundary(covered + 1);
  }

  std::size_t next_boundary(std::size_t at) const {
    while (at < text_.size() && (static_cast<unsigned char>(text_[at]) & 0xC0) == 0x80) ++at;
    return std::min(at, text_.size());
  }

  std::size_t good_end(std::size_t begin, std::size_t covered, std::size_t limit) const {
    const std::size_t least = std::max(covered + 1, begin + (limit - begin) / 2);
    const auto sentence = std::upper_bound(sentence_ends_.begin(), sentence_ends_.end(), limit);
    if (sentence != sentence_ends_.begin() && *(sentence - 1) >= least) return *(sentence - 1);
    for (std::size_t at = limit; at > least; --at) {
      if (text_[at - 1] == ' ' || text_[at - 1] == '\n') return at;
    }
    return limit;
  }

  // Before `end` by the overlap, at a sentence's start if one is there; always after `begin`.
  std::size_t next_begin(std::size_t begin, std::size_t end) const {
    const std::size_t tokens = tokens_before(end);
    std::size_t least = token_end(tokens - std::min(tokens, options_.overlap_tokens));
    least = std::max({least, begin + 1, end - std::min(end, options_.bytes_max / 4)});
    least = std::min(next_boundary(least), end);
    const auto sentence = std::lower_bound(sentence_begins_.begin(), sentence_begins_.end(), least);
    if (sentence != sentence_begins_.end() && *sentence < end) return *sentence;
    for (std::size_t at = least; at < end; ++at) {
      if (at > 0 && (text_[at - 1] == ' ' || text_[at - 1] == '\n')) return at;
    }
    return least;
  }

  std::string_view text_;
  const std::vector<std::uint32_t>& ends_;
  const ChunkOptions& options_;
  std::vector<std::uint32_t> sentence_begins_;
  std::vector<std::uint32_t> sentence_ends_;
};

}  // namespace

std::vector<Span> chunk_spans(std::string_view text, const inference::TokenSpans& tokens,
                              const ChunkOptions& options) {
  return Cutter(text, tokens, options).cut();
}

}  // namespace selvedge::rag
