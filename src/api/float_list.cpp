// Float list: digits eight at a time; a number whose digits a double holds exactly, with a power of
// ten that it holds exactly too, is right after one multiplication or division (Clinger, "How to
// Read Floating Point Numbers Accurately", 1990). All others are left to std::from_chars.
#include "api/float_list.h"

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

// Their value: pairs, then fours, then all eight.
std::uint64_t eight_digits_value(std::uint64_t bytes) {
  bytes -= 0x3030303030303030U;
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
    value = value * 100'000'000 + eight_digits_value(bytes);
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

bool append_float_list(std::string_view array, std::vector<float>& out) {
  const std::size_t size_before = out.size();
  const auto failed = [&out, size_before] {
    out.resize(size_before);
    return false;
  };
  const char* at = array.data();
  const char* const end = at + array.size();
  if (at == end || *at != '[') return false;
  at = skip_space(at + 1, end);
  if (at < end && *at == ']') return skip_space(at + 1, end) == end;
  while (true) {
    float number = 0;
    at = read_number(at, end, number);
    if (at == nullptr) return failed();
    out.push_back(number);
    at = skip_space(at, end);
    if (at == end) return failed();
    if (*at == ']') break;
    if (*at != ',') return failed();
    at = skip_space(at + 1, end);
  }
  return skip_space(at + 1, end) == end || failed();
}

}  // namespace selvedge::api
