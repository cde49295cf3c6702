// Kernels: which variants this processor runs.
#include "ann/kernels.h"

#include <utility>

#include "ann/kernel_variants.h"

namespace selvedge::ann {
namespace {

std::vector<const Kernels*> runnable() {
  std::vector<const Kernels*> found;
#if defined(__x86_64__)
  __builtin_cpu_init();
  const bool wide =
      __builtin_cpu_supports("avx512f") != 0 && __builtin_cpu_supports("avx512bw") != 0 &&
      __builtin_cpu_supports("avx512dq") != 0 && __builtin_cpu_supports("avx512vl") != 0 &&
      __builtin_cpu_supports("avx512vnni") != 0;
  const bool fused = __builtin_cpu_supports("avx2") != 0 && __builtin_cpu_supports("fma") != 0;
  if (wide && fused && avx512_kernels() != nullptr) found.push_back(avx512_kernels());
  if (wide && fused && vnni_kernels() != nullptr) found.push_back(vnni_kernels());
  // All of a core's work is slower by a seventh for as long as it uses the widest registers now and
  // then, and a walk is mostly other work.
  const bool slowed = __builtin_cpu_is("cascadelake") != 0 || __builtin_cpu_is("cooperlake") != 0;
  if (slowed && found.size() == 2) std::swap(found[0], found[1]);
  if (fused && avx2_kernels() != nullptr) found.push_back(avx2_kernels());
#endif
  if (neon_kernels() != nullptr) found.push_back(neon_kernels());
  found.push_back(portable_kernels());
  return found;
}

const std::vector<const Kernels*>& found_kernels() {
  static const std::vector<const Kernels*> found = runnable();
  return found;
}

}  // namespace

const Kernels& kernels() { return *found_kernels().front(); }

std::span<const Kernels* const> all_kernels() { return found_kernels(); }

}  // namespace selvedge::ann
