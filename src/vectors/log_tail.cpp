// Log tail: walks the record headers of a log, and reads the payload of the last record; those of
// the others are left to recovery.
#include "vectors/log_tail.h"

#include <algorithm>
#include <cstdint>
#include <fstream>
#include <iterator>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <boost/crc.hpp>

#include "base/log.h"

namespace selvedge::vectors {
namespace {

constexpr std::uint64_t kBlockBytes = 32'768;
constexpr std::uint64_t kPageBytes = 4'096;
// The parts of a record; from 5 on: of a recycled log.
constexpr std::uint8_t kWhole = 1;
constexpr std::uint8_t kFirst = 2;
constexpr std::uint8_t kLast = 4;
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

// What the headers of a log say.
struct Headers {
  std::optional<std::uint64_t> last;   // Where the last record begins.
  std::optional<std::uint64_t> zeros;  // The first header that is zeros, as where none was written.
};

// `block` begins at offset `at` of the file; `last` when the file ends with it.
Status check_block(const std::filesystem::path& path, std::string_view block, std::uint64_t at,
                   bool last, Headers& headers) {
  while (block.size() >= kHeaderBytes) {
    const std::size_t record_bytes = kHeaderBytes + little_endian(block.substr(4, 2));
    const auto type = static_cast<std::uint8_t>(block[6]);
    if (type == 0 && record_bytes == kHeaderBytes) {
      if (!headers.zeros) headers.zeros = at;
      return ok_status();
    }
    if (record_bytes > block.size()) {
      if (last && !length_was_damaged(block)) {
        if (type == kFirst || type == kWhole) headers.last = at;
        return ok_status();
      }
      return damaged(path, at, "length");
    }
    if (type == 0 || type > kLast) return damaged(path, at, "type");
    if (type == kWhole || type == kFirst) {
      if (headers.zeros && checksum_fits(block, record_bytes - kHeaderBytes)) {
        return damaged(path, *headers.zeros, "header");
      }
      headers.last = at;
    }
    block.remove_prefix(record_bytes);
    at += record_bytes;
  }
  return ok_status();
}

bool zeros_only(std::string_view bytes) {
  return bytes.find_first_not_of('\0') == std::string_view::npos;
}

// `bytes` begin at `offset` of their file. Whether a page of it is zeros.
bool has_page_of_zeros(std::string_view bytes, std::uint64_t offset) {
  std::uint64_t at = (kPageBytes - offset % kPageBytes) % kPageBytes;
  for (; at < bytes.size(); at += kPageBytes) {
    if (zeros_only(bytes.substr(at, kPageBytes))) return true;
  }
  return false;
}

// A record from its first part on, as far as the file has it. Whether its parts are right.
bool parts_fit(std::string_view bytes, std::uint64_t offset) {
  for (std::uint64_t at = 0; at < bytes.size();) {
    const std::uint64_t left = kBlockBytes - (offset + at) % kBlockBytes;
    if (left < kHeaderBytes) {
      at += left;
      continue;
    }
    const std::string_view part = bytes.substr(at, left);
    if (part.size() < kHeaderBytes) return true;
    const std::size_t payload_bytes = little_endian(part.substr(4, 2));
    const auto type = static_cast<std::uint8_t>(part[6]);
    if (type == 0) return false;
    if (kHeaderBytes + payload_bytes > part.size()) return part.size() < left;
    if (!checksum_fits(part, payload_bytes)) return false;
    if (type == kWhole || type == kLast) return true;
    at += kHeaderBytes + payload_bytes;
  }
  return true;
}

// Where the log must be cut off, if it must.
std::optional<std::uint64_t> torn_at(std::ifstream& file, const Headers& headers) {
  const std::uint64_t begin =
      std::min(headers.last.value_or(UINT64_MAX), headers.zeros.value_or(UINT64_MAX));
  if (begin == UINT64_MAX) return std::nullopt;
  file.clear();
  file.seekg(static_cast<std::streamoff>(begin));
  const std::string bytes(std::istreambuf_iterator<char>(file), {});
  const std::string_view tail(bytes);
  if (headers.last) {
    const std::string_view record = tail.substr(std::min(tail.size(), *headers.last - begin));
    if (!parts_fit(record, *headers.last) && has_page_of_zeros(record, *headers.last)) {
      return headers.last;
    }
  }
  if (headers.zeros) {
    const std::uint64_t at = *headers.zeros;
    const std::string_view rest = tail.substr(std::min(tail.size(), at - begin));
    // The page was there as it was before the record.
    if (zeros_only(rest.substr(0, kPageBytes - at % kPageBytes)) && !zeros_only(rest)) return at;
  }
  return std::nullopt;
}

Status check_log_tail(const std::filesystem::path& path, bool may_be_torn) {
  std::ifstream file(path, std::ios::binary);
  std::error_code failed;
  const std::uint64_t file_bytes = std::filesystem::file_size(path, failed);
  if (!file || failed) return Error{Code::io, "cannot read " + path.string()};
  Headers headers;
  Status checked = ok_status();
  std::string block;
  for (std::uint64_t at = 0; at < file_bytes && checked.ok(); at += kBlockBytes) {
    block.resize(std::min(kBlockBytes, file_bytes - at));
    if (!file.read(block.data(), static_cast<std::streamsize>(block.size()))) {
      return Error{Code::io, "cannot read " + path.string()};
    }
    checked = check_block(path, block, at, at + kBlockBytes >= file_bytes, headers);
  }
  const auto torn = may_be_torn ? torn_at(file, headers) : std::nullopt;
  if (!torn) return checked;
  log::warn(
      "{}: the record at offset {} came to the disk in parts, as when the power fails: cut off",
      path.string(), *torn);
  std::filesystem::resize_file(path, *torn, failed);
  if (failed) return Error{Code::io, path.string() + ": " + failed.message()};
  return ok_status();
}

std::filesystem::path manifest_of(const std::filesystem::path& folder) {
  std::ifstream current(folder / "CURRENT");
  std::string name;
  std::getline(current, name);
  return folder / name;
}

}  // namespace

Status check_log_tails(const std::filesystem::path& folder) {
  std::error_code failed;
  std::vector<std::filesystem::path> logs;
  for (std::filesystem::directory_iterator entry(folder, failed), end; !failed && entry != end;
       entry.increment(failed)) {
    if (entry->path().extension() == ".log") logs.push_back(entry->path());
  }
  if (failed) return Error{Code::io, folder.string() + ": " + failed.message()};
  std::sort(logs.begin(), logs.end());  // Names are numbers of six digits.
  for (const auto& log : logs) SEL_CHECK_OK(check_log_tail(log, log == logs.back()));
  const std::filesystem::path manifest = manifest_of(folder);
  if (!std::filesystem::is_regular_file(manifest, failed)) return ok_status();  // A new store.
  return check_log_tail(manifest, true);
}

}  // namespace selvedge::vectors
