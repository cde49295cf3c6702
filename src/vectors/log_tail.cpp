// Log tail: walks the record headers of a log; payloads are left to recovery.
#include "vectors/log_tail.h"

#include <algorithm>
#include <cstdint>
#include <fstream>
#include <string>
#include <string_view>

#include <boost/crc.hpp>

namespace selvedge::vectors {
namespace {

constexpr std::uint64_t kBlockBytes = 32'768;
constexpr std::uint8_t kTypeMax = 4;     // Whole, first, middle, last; from 5 on: recycled.
constexpr std::size_t kHeaderBytes = 7;  // CRC-32C (masked) 4, length 2, type 1.

std::uint32_t little_endian(std::string_view bytes) {
  std::uint32_t number = 0;
  for (std::size_t at = bytes.size(); at-- > 0;) {
    number = (number << 8) | static_cast<std::uint8_t>(bytes[at]);
  }
  return number;
}

// The checksum of a record covers its type byte and its payload, and is stored rotated.
bool checksum_fits(std::string_view record, std::size_t payload_bytes) {
  using Crc32c = boost::crc_optimal<32, 0x1EDC6F41, 0xFFFFFFFF, 0xFFFFFFFF, true, true>;
  Crc32c crc;
  crc.process_bytes(record.data() + 6, 1 + payload_bytes);
  const std::uint32_t sum = crc.checksum();
  const std::uint32_t masked = ((sum >> 15) | (sum << 17)) + 0xa282ead8U;
  return masked == little_endian(record.substr(0, 4));
}

// `record` is what the file has from a header whose length points past its end.
bool length_was_damaged(std::string_view record) {
  const std::uint32_t length = little_endian(record.substr(4, 2));
  for (unsigned bit = 0; bit < 16; ++bit) {
    const std::size_t candidate = length ^ (1U << bit);
    if (kHeaderBytes + candidate > record.size()) continue;
    if (checksum_fits(record, candidate)) return true;
  }
  return false;
}

Error damaged(const std::filesystem::path& path, std::uint64_t at, const char* what) {
  return Error{Code::corrupt_data, path.string() + ": the " + what + " of the record at offset " +
                                       std::to_string(at) + " is damaged"};
}

// `block` begins at offset `at` of the file; `last` when the file ends with it.
Status check_block(const std::filesystem::path& path, std::string_view block, std::uint64_t at,
                   bool last) {
  while (block.size() >= kHeaderBytes) {
    const std::size_t record_bytes = kHeaderBytes + little_endian(block.substr(4, 2));
    const auto type = static_cast<std::uint8_t>(block[6]);
    if (type == 0 && record_bytes == kHeaderBytes) return ok_status();  // Space never written to.
    if (record_bytes > block.size()) {
      if (last && !length_was_damaged(block)) return ok_status();
      return damaged(path, at, "length");
    }
    if (type == 0 || type > kTypeMax) return damaged(path, at, "type");
    block.remove_prefix(record_bytes);
    at += record_bytes;
  }
  return ok_status();
}

Status check_log_tail(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  std::error_code failed;
  const std::uint64_t file_bytes = std::filesystem::file_size(path, failed);
  if (!file || failed) return Error{Code::io, "cannot read " + path.string()};
  std::string block;
  for (std::uint64_t at = 0; at < file_bytes; at += kBlockBytes) {
    block.resize(std::min(kBlockBytes, file_bytes - at));
    if (!file.read(block.data(), static_cast<std::streamsize>(block.size()))) {
      return Error{Code::io, "cannot read " + path.string()};
    }
    SEL_CHECK_OK(check_block(path, block, at, at + kBlockBytes >= file_bytes));
  }
  return ok_status();
}

}  // namespace

Status check_log_tails(const std::filesystem::path& folder) {
  std::error_code failed;
  for (std::filesystem::directory_iterator entry(folder, failed), end; !failed && entry != end;
       entry.increment(failed)) {
    const std::filesystem::path& path = entry->path();
    if (path.extension() == ".log" || path.filename().string().starts_with("MANIFEST-")) {
      SEL_CHECK_OK(check_log_tail(path));
    }
  }
  if (failed) return Error{Code::io, folder.string() + ": " + failed.message()};
  return ok_status();
}

}  // namespace selvedge::vectors
