// Checkpoint file: the table is written after the sections and the header last.
#include "vectors/checkpoint_file.h"

#include <algorithm>
#include <utility>

#include "vectors/byte_reader.h"

namespace selvedge::vectors {
namespace {

// Header, at offset 0: magic 8, version u32, sections u32, serial u64, mutation u64, generation
// u64, dimensions u32, metric u8, zeros 3, offset of the table u64, its bytes u64, its checksum
// u64, bytes of the file u64, checksum of all before u64. Table: for each section its name, offset
// u64, bytes u64 and the checksums of its blocks.
constexpr std::string_view kMagic = "SLVCHKPT";
constexpr std::uint32_t kVersion = 2;
constexpr std::size_t kHeaderBytes = 88;

Error damaged(const char* what) {
  return Error{Code::corrupt_data, std::string("the checkpoint's ") + what + " does not verify"};
}

}  // namespace

Result<CheckpointWriter> CheckpointWriter::create(const std::filesystem::path& path) {
  SEL_TRY(file, DerivedFile::create(path));
  SEL_CHECK_OK(file.extend_to(kSectionAlignment));
  return CheckpointWriter(std::move(file));
}

Status CheckpointWriter::begin(std::string_view name) {
  SEL_CHECK_OK(end());
  SEL_CHECK_OK(file_.align(kSectionAlignment));
  sections_.push_back({std::string(name), file_.size(), 0, {}});
  return ok_status();
}

Status CheckpointWriter::append(std::string_view bytes) {
  Section& section = sections_.back();
  section.bytes += bytes.size();
  while (!bytes.empty()) {
    const std::string_view part = bytes.substr(0, kChecksumBlockBytes - block_.size());
    block_.append(part);
    bytes.remove_prefix(part.size());
    if (block_.size() < kChecksumBlockBytes) continue;
    SEL_CHECK_OK(file_.append(block_));
    section.checksums.push_back(checksum(block_));
    block_.clear();
  }
  return ok_status();
}

Status CheckpointWriter::end() {
  if (block_.empty()) return ok_status();
  SEL_CHECK_OK(file_.append(block_));
  sections_.back().checksums.push_back(checksum(block_));
  block_.clear();
  return ok_status();
}

Result<std::uint64_t> CheckpointWriter::finish(const CheckpointHeader& header) {
  SEL_CHECK_OK(end());
  SEL_CHECK_OK(file_.align(kSectionAlignment));
  std::string table;
  for (const Section& section : sections_) {
    put_text(table, section.name);
    put_number(table, section.offset);
    put_number(table, section.bytes);
    for (const std::uint64_t sum : section.checksums) put_number(table, sum);
  }
  const std::uint64_t table_offset = file_.size();
  SEL_CHECK_OK(file_.append(table));
  std::string head(kMagic);
  put_number(head, kVersion);
  put_number(head, static_cast<std::uint32_t>(sections_.size()));
  put_number(head, header.serial);
  put_number(head, header.mutation);
  put_number(head, header.generation);
  put_number(head, header.dimensions);
  put_number(head, static_cast<std::uint32_t>(header.metric));
  put_number(head, table_offset);
  put_number(head, static_cast<std::uint64_t>(table.size()));
  put_number(head, checksum(table));
  put_number(head, file_.size());
  const std::uint64_t identity = checksum(head);
  put_number(head, identity);
  SEL_CHECK_OK(file_.write_at(0, head));
  SEL_CHECK_OK(file_.sync());
  return identity;
}

Result<std::shared_ptr<const CheckpointFile>> CheckpointFile::open(
    const std::filesystem::path& path, std::optional<std::uint64_t> identity) {
  SEL_TRY(mapping, Mapping::open(path));
  auto file = std::make_shared<CheckpointFile>();
  SEL_CHECK_OK(file->parse(mapping->bytes(), identity));
  file->mapping_ = std::move(mapping);
  file->path_ = path;
  return std::shared_ptr<const CheckpointFile>(std::move(file));
}

Result<std::shared_ptr<const CheckpointFile>> CheckpointFile::read(
    std::string_view bytes, std::optional<std::uint64_t> identity) {
  auto file = std::make_shared<CheckpointFile>();
  SEL_CHECK_OK(file->parse(bytes, identity));
  return std::shared_ptr<const CheckpointFile>(std::move(file));
}

Status CheckpointFile::parse(std::string_view bytes, std::optional<std::uint64_t> identity) {
  if (bytes.size() < kHeaderBytes) return damaged("header");
  ByteReader head(bytes.substr(0, kHeaderBytes));
  const bool known = head.take(kMagic.size()) == kMagic;
  const auto version = head.number<std::uint32_t>();
  const auto sections = head.number<std::uint32_t>();
  header_.serial = head.number<std::uint64_t>();
  header_.mutation = head.number<std::uint64_t>();
  header_.generation = head.number<std::uint64_t>();
  header_.dimensions = head.number<std::uint32_t>();
  const auto metric = head.number<std::uint32_t>();
  const auto table_offset = head.number<std::uint64_t>();
  const auto table_bytes = head.number<std::uint64_t>();
  const auto table_checksum = head.number<std::uint64_t>();
  const auto file_bytes = head.number<std::uint64_t>();
  const auto sum = head.number<std::uint64_t>();
  if (!known || sum != checksum(bytes.substr(0, kHeaderBytes - sizeof sum))) {
    return damaged("header");
  }
  if (version != kVersion) {
    return Error{Code::corrupt_data, "the checkpoint has version " + std::to_string(version)};
  }
  if (identity && sum != *identity) return damaged("identity");
  if (metric > static_cast<std::uint32_t>(Metric::dot_product)) return damaged("header");
  header_.metric = static_cast<Metric>(metric);
  if (file_bytes != bytes.size() || table_offset > bytes.size() ||
      table_bytes != bytes.size() - table_offset) {
    return damaged("length");
  }
  const std::string_view table = bytes.substr(table_offset);
  if (checksum(table) != table_checksum) return damaged("table");
  return parse_table(bytes.substr(0, table_offset), table, sections);
}

Status CheckpointFile::parse_table(std::string_view bytes, std::string_view table,
                                   std::uint64_t sections) {
  ByteReader entry(table);
  for (; sections > 0 && entry.sound(); --sections) {
    const std::string_view name = entry.text();
    const auto offset = entry.number<std::uint64_t>();
    const auto length = entry.number<std::uint64_t>();
    if (offset % kSectionAlignment != 0 || offset > bytes.size() ||
        length > bytes.size() - offset) {
      return damaged("table");
    }
    const std::string_view content = bytes.substr(offset, length);
    if (name.starts_with(kCopiedSections)) {
      Copied copied{content, offset, {}};
      for (std::size_t at = 0; at < length && entry.sound(); at += kChecksumBlockBytes) {
        copied.checksums.push_back(entry.number<std::uint64_t>());
      }
      if (!copied_.emplace(name, std::move(copied)).second) return damaged("table");
      continue;
    }
    for (std::size_t at = 0; at < length && entry.sound(); at += kChecksumBlockBytes) {
      if (entry.number<std::uint64_t>() != checksum(content.substr(at, kChecksumBlockBytes))) {
        return damaged("content");
      }
    }
    if (!sections_.emplace(name, content).second) return damaged("table");
  }
  if (!entry.whole() || sections > 0) return damaged("table");
  return ok_status();
}

std::optional<std::string_view> CheckpointFile::section(std::string_view name) const {
  const auto known = sections_.find(name);
  if (known == sections_.end()) return std::nullopt;
  return known->second;
}

std::optional<std::size_t> CheckpointFile::copied_bytes(std::string_view name) const {
  const auto known = copied_.find(name);
  if (known == copied_.end()) return std::nullopt;
  return known->second.content.size();
}

Status CheckpointFile::copy(std::string_view name, std::span<char> into) const {
  const auto known = copied_.find(name);
  if (known == copied_.end() || known->second.content.size() != into.size()) {
    return damaged("table");
  }
  const Copied& section = known->second;
  for (std::size_t block = 0; block < section.checksums.size(); ++block) {
    const std::size_t at = block * kChecksumBlockBytes;
    const auto part = into.subspan(at, std::min(kChecksumBlockBytes, into.size() - at));
    if (path_.empty()) {
      section.content.copy(part.data(), part.size(), at);
    } else {
      SEL_TRY(got, read_at(path_, section.offset + at, part));
      if (got != part.size()) return damaged("length");
    }
    if (checksum({part.data(), part.size()}) != section.checksums[block]) return damaged("content");
  }
  return ok_status();
}

}  // namespace selvedge::vectors
