// Float list: digits eight at a time. Most numbers are a digit, a point and some digits: those are
// read without a branch on how many, and computed in double a little wrongly, which float32 does
// not show, unless the result is near the middle of two floats. Of the others, a number whose
// digits a double holds exactly, with a power of ten that it holds exactly too, is right after one
// multiplication or division (Clinger, "How to Read Floating Point Numbers Accurately", 1990). The
// rest is left to std::from_chars.
#include "api/float_list.h"

#include <algorithm>
#include <bit>
#include <charconv>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <system_error>

namespace selvedge::api {
namespace {

static_assert(std::endian::native == std::endian::little, "the first digit is the lowest byte");

constexpr double kPowersOfTen[] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,
                                   1e8,  1e9,  1e10, 1e11, 1e12, 1e13, 1e14, 1e15,
                                   1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};
constexpr int kPowerMax = 22;
constexpr std::uint64_t kMantissaMax = std::uint64_t{1} << 53U;
constexpr std::ptrdiff_t kDigitsMax = 19;  // As many always fit in 64 bits.
constexpr int kExponentMax = 10'000;       // Beyond any double; keeps the sum small.

constexpr std::uint64_t kZeros = 0x3030303030303030U;  // Eight '0'.

// Of a plain number: digits behind the point that count, and bytes that are read at most.
constexpr unsigned kPlainDigits = 16;
constexpr std::ptrdiff_t kPlainBytes = 32;
constexpr double kTenths[] = {1e-0, 1e-1,  1e-2,  1e-3,  1e-4,  1e-5,  1e-6,  1e-7, 1e-8,
                              1e-9, 1e-10, 1e-11, 1e-12, 1e-13, 1e-14, 1e-15, 1e-16};
__extension__ using Sixteen = unsigned __int128;  // Bytes, the first the lowest.

bool is_space(char byte) { return byte == ' ' || byte == '\t' || byte == '\n' || byte == '\r'; }
bool is_digit(char byte) { return static_cast<unsigned char>(byte - '0') < 10; }

const char* skip_space(const char* at, const char* end) {
  while (at < end && is_space(*at)) ++at;
  return at;
}

// Eight bytes are digits when none has another high half, nor one that adding 6 carries into it.
bool eight_digits(std::uint64_t bytes) {
  return ((bytes & 0xF0F0F0F0F0F0F0F0U) |
          (((bytes + 0x0606060606060606U) & 0xF0F0F0F0F0F0F0F0U) >> 4U)) == 0x3333333333333333U;
}

// The value of eight digits less '0': pairs, then fours, then all eight.
std::uint64_t eight_digits_value(std::uint64_t bytes) {
  bytes = bytes * 10 + (bytes >> 8U);
  constexpr std::uint64_t kPairs = 0x000000FF000000FFU;
  constexpr std::uint64_t kHigh = 0x000F424000000064U;  // 100 and 1000000 in place.
  constexpr std::uint64_t kLow = 0x0000271000000001U;   // 1 and 10000.
  return ((bytes & kPairs) * kHigh + ((bytes >> 16U) & kPairs) * kLow) >> 32U;
}

const char* read_digits(const char* at, const char* end, std::uint64_t& value) {
  std::uint64_t bytes = 0;
  while (end - at >= 8) {
    std::memcpy(&bytes, at, sizeof bytes);
    if (!eight_digits(bytes)) break;
    value = value * 100'000'000 + eight_digits_value(bytes ^ kZeros);
    at += 8;
  }
  for (; at < end && is_digit(*at); ++at) {
    value = value * 10 + static_cast<std::uint64_t>(*at - '0');
  }
  return at;
}

// The exponent after its letter. Null: none there.
const char* read_exponent(const char* at, const char* end, int& exponent) {
  const bool negative = at < end && *at == '-';
  if (at < end && (*at == '-' || *at == '+')) ++at;
  if (at == end || !is_digit(*at)) return nullptr;
  int sent = 0;
  for (; at < end && is_digit(*at); ++at) {
    if (sent < kExponentMax) sent = sent * 10 + (*at - '0');
  }
  exponent += negative ? -sent : sent;
  return at;
}

std::uint64_t load_eight(const char* at) {
  std::uint64_t bytes = 0;
  std::memcpy(&bytes, at, sizeof bytes);
  return bytes;
}

// Eight bits, lowest first, of eight bytes from which '0' was taken by exclusive or: those up to
// the first that is set are right, and are set where there is no digit.
std::uint64_t others_among(std::uint64_t bytes) {
  // A byte above 9 gets its high bit; what it carries reaches only those behind it.
  const std::uint64_t high = ((bytes + 0x7676767676767676U) | bytes) & 0x8080808080808080U;
  return ((high >> 7U) * 0x0102040810204080U) >> 56U;
}

// A number as 0.12345 or -1.5, of which kPlainBytes can be read. Null: another form, or digits that
// need to be looked at more closely.
const char* read_plain_number(const char* at, float& out) {
  const bool negative = *at == '-';
  at += negative ? 1 : 0;
  const auto whole = static_cast<unsigned char>(at[0] - '0');
  if (whole > 9 || at[1] != '.') return nullptr;
  at += 2;
  const std::uint64_t front = load_eight(at) ^ kZeros;
  const std::uint64_t back = load_eight(at + 8) ^ kZeros;
  const auto count = static_cast<unsigned>(std::countr_zero(
      others_among(front) | others_among(back) << 8U | std::uint64_t{1} << kPlainDigits));
  if (count == 0) return nullptr;
  // Moved to the end of sixteen bytes, zeros before them: no branch on where the eighth digit is.
  const Sixteen moved = ((Sixteen{back} << 64U) | front) << (8 * (kPlainDigits - count));
  const std::uint64_t digits = eight_digits_value(static_cast<std::uint64_t>(moved)) * 100'000'000 +
                               eight_digits_value(static_cast<std::uint64_t>(moved >> 64U));
  at += count;
  if (count == kPlainDigits) {
    // What follows changes the value by less than a part in kEnough.
    constexpr std::uint64_t kEnough = 10'000'000'000'000U;
    const auto left_out = std::countr_zero(others_among(load_eight(at) ^ kZeros) | 1U << 8U);
    if (left_out == 8 || (left_out > 0 && digits < kEnough)) return nullptr;
    at += left_out;
  }
  if (*at == 'e' || *at == 'E') return nullptr;
  const double nearly =
      whole + static_cast<double>(static_cast<std::int64_t>(digits)) * kTenths[count];
  // float32 has 29 bits less. Wrong are less than 2^11 of the last bit: three roundings, and what
  // was left out.
  constexpr std::uint64_t kMiddle = std::uint64_t{1} << 28U;
  constexpr std::uint64_t kWrong = std::uint64_t{1} << 11U;
  const std::uint64_t lost = std::bit_cast<std::uint64_t>(nearly) & (2 * kMiddle - 1);
  if (lost - (kMiddle - kWrong) <= 2 * kWrong) return nullptr;
  // The sign of embeddings is anyone's guess, so there is no branch on it.
  const auto bits = std::bit_cast<std::uint32_t>(static_cast<float>(nearly));
  out = std::bit_cast<float>(bits | (negative ? 1U << 31U : 0U));
  return at;
}

// One number of JSON's grammar. Null: not one, or too large for float32.
const char* read_number(const char* begin, const char* end, float& out) {
  const char* at = begin;
  const bool negative = at < end && *at == '-';
  if (negative) ++at;
  const char* const digits = at;
  std::uint64_t mantissa = 0;
  at = read_digits(at, end, mantissa);
  const std::ptrdiff_t whole = at - digits;
  if (whole == 0 || (whole > 1 && *digits == '0')) return nullptr;
  std::ptrdiff_t fraction = 0;
  if (at < end && *at == '.') {
    const char* const first = ++at;
    at = read_digits(at, end, mantissa);
    fraction = at - first;
    if (fraction == 0) return nullptr;
  }
  int exponent = static_cast<int>(-fraction);
  if (at < end && (*at == 'e' || *at == 'E')) {
    at = read_exponent(at + 1, end, exponent);
    if (at == nullptr) return nullptr;
  }
  double number = 0;
  if (whole + fraction <= kDigitsMax && mantissa <= kMantissaMax && exponent >= -kPowerMax &&
      exponent <= kPowerMax) {
    number = static_cast<double>(mantissa);
    number = exponent < 0 ? number / kPowersOfTen[-exponent] : number * kPowersOfTen[exponent];
    if (negative) number = -number;
  } else {
    const auto read = std::from_chars(begin, at, number);
    const bool tiny = exponent + whole + fraction < 0;
    if (read.ec == std::errc::result_out_of_range && tiny) {
      number = negative ? -0.0 : 0.0;
    } else if (read.ec != std::errc() || read.ptr != at) {
      return nullptr;
    }
  }
  out = static_cast<float>(number);
  return std::isfinite(out) ? at : nullptr;
}

}  // namespace

std::optional<std::size_t> read_float_list(std::string_view text, std::vector<float>& out) {
  const std::size_t size_before = out.size();
  const auto failed = [&out, size_before] {
    out.resize(size_before);
    return std::nullopt;
  };
  const char* at = text.data();
  const char* const end = at + text.size();
  if (at == end || *at != '[') return std::nullopt;
  at = skip_space(at + 1, end);
  if (at < end && *at == ']') return at + 1 - text.data();
  while (true) {
    float number = 0;
    const char* behind = end - at >= kPlainBytes ? read_plain_number(at, number) : nullptr;
    if (behind == nullptr) behind = read_number(at, end, number);
    if (behind == nullptr) return failed();
    out.push_back(number);
    at = skip_space(behind, end);
    if (at == end) return failed();
    if (*at == ']') return at + 1 - text.data();
    if (*at != ',') return failed();
    at = skip_space(at + 1, end);
  }
}

bool append_float_list(std::string_view array, std::vector<float>& out) {
  const std::size_t size_before = out.size();
  const auto bytes = read_float_list(array, out);
  if (!bytes) return false;
  const char* const end = array.data() + array.size();
  if (skip_space(array.data() + *bytes, end) == end) return true;
  out.resize(size_before);
  return false;
}

}  // namespace selvedge::api
