// Machine: how many cores and how much memory this process may use.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace selvedge::inference {

// The cores this process may run on, less where the control group allows less processor time. At
// least 1.
std::int32_t machine_cores();

// Physical memory, less where the control group allows less.
std::uint64_t machine_memory_bytes();

// The `cpu.max` of a control group ("200000 100000": 200 ms every 100 ms) as cores, rounded up.
// Nothing for "max" (no limit) and for what is not of this form.
std::optional<std::int32_t> cores_of_quota(std::string_view cpu_max);

}  // namespace selvedge::inference
