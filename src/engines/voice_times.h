// VoiceTimes: audio without its silences, and where each moment of that was before.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

namespace selvedge::engines {

// Samples [begin, end) in which somebody speaks.
struct VoicedPart {
  std::size_t begin = 0;
  std::size_t end = 0;
};

class VoiceTimes {
 public:
  // Nothing was left out.
  VoiceTimes() = default;
  // `parts` are in order and do not overlap.
  explicit VoiceTimes(std::vector<VoicedPart> parts);

  // The parts, one behind the other with a short silence between them.
  std::vector<float> joined(std::span<const float> samples) const;

  // The second of the whole audio that second `at_s` of the joined one is. One within a silence
  // that was put in is the end of the part before it.
  double original(double at_s) const;

  // Of the parts, in seconds.
  double seconds() const;

 private:
  std::vector<VoicedPart> parts_;
};

}  // namespace selvedge::engines
