// Byte reader: takes little-endian numbers and texts from the front of bytes; and their writer.
#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace selvedge::vectors {

template <std::unsigned_integral T>
void put_number(std::string& out, T number) {
  for (std::size_t byte = 0; byte < sizeof(T); ++byte) {
    out.push_back(static_cast<char>((number >> (8 * byte)) & 0xFFU));
  }
}

// Its length, u32, and its bytes.
inline void put_text(std::string& out, std::string_view text) {
  put_number(out, static_cast<std::uint32_t>(text.size()));
  out.append(text);
}

// After a read past the end everything reads as zero and `whole` is false.
class ByteReader {
 public:
  explicit ByteReader(std::string_view bytes) : rest_(bytes) {}

  template <std::unsigned_integral T>
  T number() {
    T number = 0;
    const std::string_view bytes = take(sizeof(T));
    for (std::size_t byte = 0; byte < bytes.size(); ++byte) {
      const auto part = static_cast<T>(static_cast<std::uint8_t>(bytes[byte]));
      number = static_cast<T>(number | static_cast<T>(part << (8 * byte)));
    }
    return number;
  }

  std::string_view take(std::size_t count) {
    if (broken_ || count > rest_.size()) {
      broken_ = true;
      return {};
    }
    const std::string_view taken = rest_.substr(0, count);
    rest_.remove_prefix(count);
    return taken;
  }

  std::string_view text() { return take(number<std::uint32_t>()); }

  void fail() { broken_ = true; }
  bool sound() const { return !broken_; }
  // True when everything was there and it ended exactly here.
  bool whole() const { return !broken_ && rest_.empty(); }

 private:
  std::string_view rest_;
  bool broken_ = false;
};

}  // namespace selvedge::vectors
