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
  std::optional<std::uint64_t> last;  // Where the last record begins.
  std::optional<std::uint64_t>
      zeros;  // The first header without a type, as where none was written.
};

// `block` begins at offset `at` of the file; `last` when the file ends with it.
Status check_block(const std::filesystem::path& path, std::string_view block, std::uint64_t at,
                   bool last, Headers& headers) {
  while (block.size() >= kHeaderBytes) {
    const std::size_t record_bytes = kHeaderBytes + little_endian(block.substr(4, 2));
    const auto type = static_cast<std::uint8_t>(block[6]);
    if (type == 0 && !headers.zeros) headers.zeros = at;
    if (type == 0 && record_bytes == kHeaderBytes) return ok_status();
    if (record_bytes > block.size()) {
      if (last && !length_was_damaged(block)) {
        if (type == kFirst || type == kWhole) headers.last = at;
        return ok_status();
      }
      return damaged(path, at, "length");
    }
    if (type == 0 || type > kLast) return damaged(path, at, "type");
    if (type == kWhole || type == kFirst) headers.last = at;
    block.remove_prefix(record_bytes);
    at += record_bytes;
  }
  return ok_status();
}

bool zeros_only(std::string_view bytes) {
  return bytes.find_first_not_of('\0') == std::string_view::npos;
}

// The end of a log, from some record on.
struct Tail {
  std::string bytes;
  std::uint64_t offset = 0;  // Of the bytes in the file.

  std::string_view from(std::uint64_t at) const {
    return std::string_view(bytes).substr(std::min<std::uint64_t>(bytes.size(), at - offset));
  }
};

// The part of a record that begins at `at` does not fit. Whether that is since a page of it, or the
// rest of the page that it begins in, reads as zeros.
bool lacks_page(const Tail& tail, std::uint64_t at) {
  const std::string_view bytes = tail.from(at);
  const std::uint64_t first_page = kPageBytes - at % kPageBytes;
  if (zeros_only(bytes.substr(0, first_page))) return true;
  const std::uint64_t length = bytes[6] == 0 ? kPageBytes : little_endian(bytes.substr(4, 2));
  const std::string_view part = bytes.substr(0, kHeaderBytes + length);
  for (std::uint64_t page = first_page; page < part.size(); page += kPageBytes) {
    if (zeros_only(part.substr(page, kPageBytes))) return true;
  }
  return false;
}

// Where the first part that does not fit begins, of the record that begins at `at`. What the file
// lacks of it fits.
std::optional<std::uint64_t> unfit_part(const Tail& tail, std::uint64_t at) {
  for (;;) {
    const std::uint64_t left = kBlockBytes - at % kBlockBytes;
    const std::string_view part = tail.from(at).substr(0, left);
    if (left < kHeaderBytes) {
      at += left;
      continue;
    }
    if (part.size() < kHeaderBytes) return std::nullopt;
    const std::size_t part_bytes = kHeaderBytes + little_endian(part.substr(4, 2));
    const auto type = static_cast<std::uint8_t>(part[6]);
    if (type != 0 && part_bytes > part.size() && part.size() < left) return std::nullopt;
    const bool fits =
        type != 0 && part_bytes <= part.size() && checksum_fits(part, part_bytes - kHeaderBytes);
    if (!fits) return at;
    if (type == kWhole || type == kLast) return std::nullopt;
    at += part_bytes;
  }
}

// Whether a record begins in one of the blocks after the one of `at`.
bool another_begins(const Tail& tail, std::uint64_t at) {
  for (at = (at / kBlockBytes + 1) * kBlockBytes; !tail.from(at).empty(); at += kBlockBytes) {
    std::string_view block = tail.from(at).substr(0, kBlockBytes);
    while (block.size() >= kHeaderBytes) {
      const std::size_t part_bytes = kHeaderBytes + little_endian(block.substr(4, 2));
      const auto type = static_cast<std::uint8_t>(block[6]);
      if (type == 0 || part_bytes > block.size()) break;
      const bool begins = type == kWhole || type == kFirst;
      if (begins && checksum_fits(block, part_bytes - kHeaderBytes)) return true;
      block.remove_prefix(part_bytes);
    }
  }
  return false;
}

// Where the file must be cut off, if it must. Errors: corrupt_data.
Result<std::optional<std::uint64_t>> torn_at(const std::filesystem::path& path, std::ifstream& file,
                                             const Headers& headers) {
  using Offset = std::optional<std::uint64_t>;
  if (!headers.last && !headers.zeros) return Offset();
  Tail tail;
  tail.offset = std::min(headers.last.value_or(UINT64_MAX), headers.zeros.value_or(UINT64_MAX));
  file.clear();
  file.seekg(static_cast<std::streamoff>(tail.offset));
  tail.bytes.assign(std::istreambuf_iterator<char>(file), {});
  if (headers.last) {
    const Offset unfit = unfit_part(tail, *headers.last);
    if (unfit && !another_begins(tail, *unfit) && lacks_page(tail, *unfit)) return headers.last;
  }
  // Else zeros to the end of the file, which is space that was reserved.
  if (headers.zeros && !zeros_only(tail.from(*headers.zeros))) {
    if (another_begins(tail, *headers.zeros)) return damaged(path, *headers.zeros, "header");
    if (lacks_page(tail, *headers.zeros)) return headers.zeros;
  }
  return Offset();
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
  SEL_TRY(torn, torn_at(path, file, headers));
  if (!torn || !may_be_torn) return checked;
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
