// Identities: SHA-256 of the seed and the parts, cut to a UUID.
#include "base/identities.h"

#include <chrono>

#include "base/sha256.h"
#include "base/uuid.h"

namespace selvedge {
namespace {

constexpr std::int64_t kStandingS = 1'767'225'600;
constexpr std::size_t kAskedMax = 1'000'000;
constexpr std::size_t kDigestDigits = 32;  // 128 bits.

// Each part with its length, so that no two lists look alike.
std::string digest_of(std::uint64_t seed, std::initializer_list<std::string_view> parts) {
  Sha256 hash;
  hash.add(std::to_string(seed));
  for (const std::string_view part : parts) {
    hash.add("/" + std::to_string(part.size()) + "/");
    hash.add(part);
  }
  return hash.hex().substr(0, kDigestDigits);
}

// The version and the variant of a random UUID over the digits.
std::string uuid_of(std::string digits) {
  constexpr std::string_view kVariants = "89ab";
  digits[12] = '4';
  digits[16] = kVariants[static_cast<unsigned char>(digits[16]) % kVariants.size()];
  for (const std::size_t at : {std::size_t{20}, std::size_t{16}, std::size_t{12}, std::size_t{8}}) {
    digits.insert(at, "-");
  }
  return digits;
}

}  // namespace

std::string Identities::uuid(std::initializer_list<std::string_view> parts) {
  if (!seed_) return random_uuid();
  std::string digest = digest_of(*seed_, parts);
  if (asked_.size() >= kAskedMax) asked_.clear();
  const std::uint64_t times = asked_[digest]++;
  if (times > 0) digest = digest_of(*seed_, {digest, std::to_string(times)});
  return uuid_of(std::move(digest));
}

std::int64_t Identities::now_s() const {
  if (seed_) return kStandingS;
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  return std::chrono::duration_cast<std::chrono::seconds>(now).count();
}

}  // namespace selvedge
