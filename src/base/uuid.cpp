// UUIDs of RFC 9562: random (version 4) and custom (version 8).
#include "base/uuid.h"

#include <cstdio>

#include <openssl/rand.h>

#include "base/check.h"

namespace selvedge {
namespace {
std::string format_uuid(std::uint64_t high, std::uint64_t low, std::uint64_t version) {
  high = (high & ~0xf000ull) | (version << 12);
  low = (low & ~(0x3ull << 62)) | (0x2ull << 62);
  char text[37];
  std::snprintf(text, sizeof text, "%08x-%04x-%04x-%04x-%012llx", static_cast<unsigned>(high >> 32),
                static_cast<unsigned>((high >> 16) & 0xffff), static_cast<unsigned>(high & 0xffff),
                static_cast<unsigned>(low >> 48),
                static_cast<unsigned long long>(low & 0xffffffffffffull));
  return text;
}
}  // namespace

std::string random_uuid() {
  std::uint64_t halves[2];
  SEL_CHECK(RAND_bytes(reinterpret_cast<unsigned char*>(halves), sizeof halves) == 1);
  return format_uuid(halves[0], halves[1], 4);
}

std::string uuid_from_numbers(std::uint64_t high, std::uint64_t low) {
  return format_uuid(high, low, 8);
}

}  // namespace selvedge
