// Uuid: 128 random bits, and their text form.
#pragma once

#include <cstdint>
#include <string>

namespace selvedge {

// A random (version 4) UUID from the system's generator: 36 characters, lower case.
std::string random_uuid();

// The text of a UUID that carries two numbers: `high` in the first half, `low` in the second, with
// the version and variant bits of version 8 set over them (6 bits are lost: bits 12-15 of `high`,
// 62-63 of `low`).
std::string uuid_from_numbers(std::uint64_t high, std::uint64_t low);

}  // namespace selvedge
