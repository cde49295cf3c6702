// Read bandwidth: how fast one core reads memory, as the yardstick of scans.
#pragma once

#include <cstddef>
#include <memory>

namespace selvedge::bench {

// `bytes` of memory, in huge pages where the system gives them.
class ReadBandwidth {
 public:
  explicit ReadBandwidth(std::size_t bytes);

  // Reads all of it once: a plain SIMD sum by the widest instructions of this processor.
  void pass();

 private:
  std::size_t count_;
  std::unique_ptr<float, void (*)(void*)> memory_;
  volatile float kept_ = 0;  // The sum must not be optimised away.
};

}  // namespace selvedge::bench
