// Checkpoint folder: new files beside those that count, then the old ones go.
#include "vectors/checkpoint_folder.h"

#include <algorithm>
#include <cstring>
#include <set>
#include <system_error>
#include <utility>

#include "ann/distance.h"
#include "base/check.h"
#include "vectors/byte_reader.h"
#include "vectors/checkpoint_rows.h"

namespace selvedge::vectors {
namespace {

Error damaged(const char* what) {
  return Error{Code::corrupt_data, std::string("the checkpoint's ") + what + " do not add up"};
}

Status make_folder(const std::filesystem::path& folder) {
  std::error_code failed;
  for (const auto& each : {folder.parent_path(), folder}) {
    const bool made = std::filesystem::create_directory(each, failed);
    if (failed) return Error{Code::io, each.string() + ": " + failed.message()};
    if (made) SEL_CHECK_OK(sync_folder(each.parent_path()));
  }
  return ok_status();
}

}  // namespace

CheckpointFolder::CheckpointFolder(std::filesystem::path folder, std::uint64_t serial,
                                   const IndexConfig& config)
    : folder_(std::move(folder)),
      serial_(serial),
      config_(config),
      row_bytes_(ann::padded_dimensions(config.dimensions) * sizeof(float)),
      grid_(row_bytes_) {}

std::filesystem::path CheckpointFolder::checkpoint_path(std::uint64_t generation) const {
  return folder_ / ("index-" + std::to_string(generation));
}

std::filesystem::path CheckpointFolder::values_path(std::size_t span,
                                                    std::uint64_t generation) const {
  return folder_ / ("values-" + std::to_string(span) + "-" + std::to_string(generation));
}

std::size_t CheckpointFolder::rows_with_room(std::size_t span, std::size_t slot_end) const {
  const std::size_t first = span * grid_.rows_max();
  if (slot_end >= first + grid_.rows_max()) return grid_.rows_max();
  const std::size_t last = grid_.chunk_of(static_cast<Slot>(slot_end - 1));
  return grid_.first_slot(last) + grid_.rows_of(last) - first;
}

Result<layout::Checkpoint> CheckpointFolder::write(const CheckpointContent& content,
                                                   const std::stop_token& stop) {
  auto written = write_generation(content, stop);
  // A full disk must not stay full of what does not count.
  if (!written.ok()) remove_others();
  return written;
}

Result<layout::Checkpoint> CheckpointFolder::write_generation(const CheckpointContent& content,
                                                              const std::stop_token& stop) {
  SEL_CHECK_OK(make_folder(folder_));
  const Snapshot& snapshot = *content.snapshot;
  const std::uint64_t generation = ++generation_;
  written_ = generation;
  written_files_ = files_;
  written_files_.resize(content.filled.size());
  const std::uint64_t made_good = losses_->made_good;
  for (std::size_t span = 0; span < written_files_.size(); ++span) {
    ValuesFile& file = written_files_[span];
    // Rows may have been left out without being filled.
    const std::size_t rows =
        std::min(grid_.rows_max(), snapshot.slot_end - span * grid_.rows_max());
    if (file.generation != 0 && content.filled[span] <= file.as_of && file.rows == rows) continue;
    SEL_TRY(made, write_values(snapshot, span, generation, stop));
    file = std::move(made);
  }
  // Zeros in their place may have been taken for values.
  if (losses_->lost != made_good) return Error{Code::io, "values could not be read from the disk"};
  const std::filesystem::path temporary = folder_ / "index.new";
  SEL_TRY(writer, CheckpointWriter::create(temporary));
  SEL_CHECK_OK(writer.add("values", encode(written_files_)));
  SEL_CHECK_OK(write_rows(writer, snapshot, content.free, content.with_properties, stop));
  if (content.add_sections) SEL_CHECK_OK(content.add_sections(writer));
  const MutationNumber mutation = snapshot.stats.mutation;
  SEL_TRY(identity,
          writer.finish({serial_, mutation, generation, config_.dimensions, config_.metric}));
  std::error_code failed;
  std::filesystem::rename(temporary, checkpoint_path(generation), failed);
  if (failed) return Error{Code::io, temporary.string() + ": " + failed.message()};
  SEL_CHECK_OK(sync_folder(folder_));
  return layout::Checkpoint{generation, mutation, identity};
}

Result<CheckpointFolder::ValuesFile> CheckpointFolder::write_values(
    const Snapshot& snapshot, std::size_t span, std::uint64_t generation,
    const std::stop_token& stop) const {
  const std::size_t first = span * grid_.rows_max();
  const std::size_t end = std::min(snapshot.slot_end, first + grid_.rows_max());
  SEL_TRY(file, DerivedFile::create(values_path(span, generation)));
  ValuesFile made{generation, snapshot.stats.mutation, static_cast<std::uint32_t>(end - first), {}};
  std::string block;
  const auto flush = [&](std::size_t bytes) -> Status {
    if (stop.stop_requested()) return Error{Code::cancelled, "the checkpoint was cancelled"};
    made.checksums.push_back(checksum(std::string_view(block).substr(0, bytes)));
    SEL_CHECK_OK(file.append(std::string_view(block).substr(0, bytes)));
    block.erase(0, bytes);
    return ok_status();
  };
  for (std::size_t slot = first; slot < end; ++slot) {
    const Place place = snapshot.place(static_cast<Slot>(slot));
    // Of a row that is not seen not even the old values: they may be written over at this moment.
    if (place.chunk().visible(place.row, snapshot.stats.mutation)) {
      const auto values = place.chunk().values(place.row, row_bytes_ / sizeof(float));
      block.append(reinterpret_cast<const char*>(values.data()), row_bytes_);
    } else {
      block.append(row_bytes_, '\0');
    }
    if (block.size() >= kChecksumBlockBytes) SEL_CHECK_OK(flush(kChecksumBlockBytes));
  }
  if (!block.empty()) SEL_CHECK_OK(flush(block.size()));
  SEL_CHECK_OK(file.extend_to(rows_with_room(span, snapshot.slot_end) * row_bytes_));
  SEL_CHECK_OK(file.sync());
  return made;
}

void CheckpointFolder::accept() {
  files_ = std::move(written_files_);
  accepted_ = written_;
  remove_others();
}

void CheckpointFolder::remove_others() const {
  std::set<std::filesystem::path> kept = {checkpoint_path(accepted_)};
  for (std::size_t span = 0; span < files_.size(); ++span) {
    kept.insert(values_path(span, files_[span].generation));
  }
  std::error_code failed;
  std::vector<std::filesystem::path> gone;
  for (std::filesystem::directory_iterator file(folder_, failed), end; !failed && file != end;
       file.increment(failed)) {
    if (!kept.contains(file->path())) gone.push_back(file->path());
  }
  // What stays behind takes room, and is removed the next time.
  for (const auto& each : gone) std::filesystem::remove(each, failed);
}

Result<std::shared_ptr<const CheckpointFile>> CheckpointFolder::open(
    const layout::Checkpoint& checkpoint) {
  generation_ = std::max(generation_, checkpoint.generation);
  SEL_TRY(file, CheckpointFile::open(checkpoint_path(checkpoint.generation), checkpoint.identity));
  const CheckpointHeader& header = file->header();
  if (header.serial != serial_ || header.mutation != checkpoint.mutation ||
      header.dimensions != config_.dimensions || header.metric != config_.metric) {
    return damaged("header and index");
  }
  const auto rows = file->section("rows");
  const auto values = file->section("values");
  if (!rows || !values) return damaged("sections");
  const auto slot_end = ByteReader(*rows).number<std::uint64_t>();
  if (slot_end > kNoSlot) return damaged("slots");
  SEL_TRY(files, decode(*values, static_cast<std::size_t>(slot_end)));
  slot_end_ = static_cast<std::size_t>(slot_end);
  files_ = std::move(files);
  accepted_ = checkpoint.generation;
  return file;
}

Status CheckpointFolder::map_values() {
  mappings_.clear();
  missing_.assign(files_.size(), false);
  lost_spoiled_.assign(files_.size(), false);
  for (std::size_t span = 0; span < files_.size(); ++span) {
    const std::size_t bytes = rows_with_room(span, slot_end_) * row_bytes_;
    auto mapping =
        Mapping::open_private(values_path(span, files_[span].generation), bytes, losses_);
    if (!mapping.ok()) {
      missing_[span] = true;
      SEL_TRY(zeros, Mapping::empty(bytes));
      mappings_.push_back(std::move(zeros));
      continue;
    }
    mappings_.push_back(std::move(mapping).value());
  }
  return ok_status();
}

ValueMemory CheckpointFolder::values(std::size_t chunk_at) const {
  const std::size_t first = grid_.first_slot(chunk_at);
  const std::size_t span = first / grid_.rows_max();
  const auto& mapping = mappings_[span];
  const std::size_t offset = (first - span * grid_.rows_max()) * row_bytes_;
  SEL_CHECK(offset + grid_.rows_of(chunk_at) * row_bytes_ <= mapping->bytes().size());
  return {reinterpret_cast<float*>(mapping->memory() + offset), mapping, true};
}

std::size_t CheckpointFolder::mapped_bytes() const {
  std::size_t bytes = 0;
  for (const auto& mapping : mappings_) bytes += mapping->bytes().size();
  return bytes;
}

std::vector<std::size_t> CheckpointFolder::damaged_blocks(std::size_t span) const {
  const ValuesFile& file = files_[span];
  std::vector<std::size_t> damaged;
  std::string bytes(kChecksumBlockBytes, '\0');
  const std::size_t total = file.rows * row_bytes_;
  for (std::size_t at = 0; at < file.checksums.size(); ++at) {
    const std::size_t offset = at * kChecksumBlockBytes;
    const std::size_t length = std::min(kChecksumBlockBytes, total - offset);
    const auto got = missing_[span] ? Result<std::size_t>(std::size_t{0})
                                    : read_at(values_path(span, file.generation), offset,
                                              {bytes.data(), length});
    if (!got.ok() || *got != length ||
        checksum(std::string_view(bytes).substr(0, length)) != file.checksums[at]) {
      damaged.push_back(at);
    }
  }
  return damaged;
}

std::vector<std::size_t> CheckpointFolder::lost_blocks(std::size_t span) const {
  const Mapping& mapping = *mappings_[span];
  std::vector<std::size_t> blocks;
  if (!mapping.lost().any()) return blocks;
  for (std::size_t at = 0; at * kChecksumBlockBytes < mapping.bytes().size(); ++at) {
    if (mapping.lost().any(at * kChecksumBlockBytes, kChecksumBlockBytes)) blocks.push_back(at);
  }
  return blocks;
}

void CheckpointFolder::spoil_lost() {
  for (std::size_t span = 0; span < mappings_.size(); ++span) {
    // Once: the file that is written then is another.
    if (lost_spoiled_[span] || !mappings_[span]->lost().ever()) continue;
    lost_spoiled_[span] = true;
    spoil(span);
  }
}

CheckpointFolder::Block CheckpointFolder::block(std::size_t span, std::size_t block_at) const {
  Block block;
  block.span = span;
  block.mapping = mappings_[span].get();
  block.offset = block_at * kChecksumBlockBytes;
  block.bytes = std::min(kChecksumBlockBytes, block.mapping->bytes().size() - block.offset);
  const std::size_t first = span * grid_.rows_max();
  block.first = static_cast<Slot>(first + block.offset / row_bytes_);
  const std::size_t end = (block.offset + block.bytes + row_bytes_ - 1) / row_bytes_;
  block.end = static_cast<Slot>(first + end);
  return block;
}

void CheckpointFolder::forget() {
  std::error_code failed;
  std::filesystem::remove_all(folder_, failed);
  accepted_ = 0;
  for (ValuesFile& file : files_) file.generation = 0;
}

void CheckpointFolder::clear() {
  forget();
  files_.clear();
  mappings_.clear();
}

std::string CheckpointFolder::encode(const std::vector<ValuesFile>& files) {
  std::string out;
  put_number(out, static_cast<std::uint32_t>(files.size()));
  for (const ValuesFile& file : files) {
    put_number(out, file.generation);
    put_number(out, file.as_of);
    put_number(out, file.rows);
    for (const std::uint64_t sum : file.checksums) put_number(out, sum);
  }
  return out;
}

Result<std::vector<CheckpointFolder::ValuesFile>> CheckpointFolder::decode(
    std::string_view bytes, std::size_t slot_end) const {
  ByteReader reader(bytes);
  std::vector<ValuesFile> files;
  const auto count = reader.number<std::uint32_t>();
  if (count != (slot_end + grid_.rows_max() - 1) / grid_.rows_max()) return damaged("values");
  for (std::size_t span = 0; span < count && reader.sound(); ++span) {
    ValuesFile file;
    file.generation = reader.number<std::uint64_t>();
    file.as_of = reader.number<std::uint64_t>();
    file.rows = reader.number<std::uint32_t>();
    if (file.rows != std::min(grid_.rows_max(), slot_end - span * grid_.rows_max())) {
      return damaged("values");
    }
    const std::size_t blocks =
        (file.rows * row_bytes_ + kChecksumBlockBytes - 1) / kChecksumBlockBytes;
    for (std::size_t at = 0; at < blocks && reader.sound(); ++at) {
      file.checksums.push_back(reader.number<std::uint64_t>());
    }
    files.push_back(std::move(file));
  }
  if (!reader.whole()) return damaged("values");
  return files;
}

}  // namespace selvedge::vectors
