// Checkpoint rows: one section for each array, one pass over the slots for each section.
#include "vectors/checkpoint_rows.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <string>
#include <utility>
#include <vector>

#include "base/limits.h"
#include "vectors/byte_reader.h"

namespace selvedge::vectors {
namespace {

static_assert(limits::id_bytes_max <= 0xFF, "the length of an id is one byte");

constexpr std::size_t kFlushBytes = 256U << 10;

Error damaged(const char* what) {
  return Error{Code::corrupt_data, std::string("the checkpoint's ") + what + " do not add up"};
}

template <class T>
void append_plain(std::string& out, const T& value) {
  out.append(reinterpret_cast<const char*>(&value), sizeof value);
}

// Gathers small pieces of one section.
class SectionBuffer {
 public:
  SectionBuffer(CheckpointWriter& writer, const Snapshot& snapshot, const std::stop_token& stop)
      : writer_(writer), snapshot_(snapshot), stop_(stop) {}

  // A section to which `put(out, place)` appends for every slot; `place` is null where the snapshot
  // sees no row.
  template <class Put>
  Status section(std::string_view name, Put put) {
    SEL_CHECK_OK(writer_.begin(name));
    return rest(put);
  }
  // One more pass in the same section.
  template <class Put>
  Status rest(Put put) {
    std::string out;
    for (Slot slot = 0; slot < snapshot_.slot_end; ++slot) {
      const Place place = snapshot_.place(slot);
      const bool seen = place.chunk().visible(place.row, snapshot_.stats.mutation);
      put(out, seen ? &place : nullptr);
      if (out.size() < kFlushBytes) continue;
      if (stop_.stop_requested()) return Error{Code::cancelled, "the checkpoint was cancelled"};
      SEL_CHECK_OK(writer_.append(out));
      out.clear();
    }
    return writer_.append(out);
  }

 private:
  CheckpointWriter& writer_;
  const Snapshot& snapshot_;
  const std::stop_token& stop_;
};

std::string column_name(std::size_t at) { return "column-" + std::to_string(at); }

void append_elements(std::string& out, const Column& column, std::size_t row) {
  if (column.type() == PropertyType::number) {
    const auto elements = column.number_elements(row);
    put_number(out, static_cast<std::uint32_t>(elements.size_bytes()));
    out.append(reinterpret_cast<const char*>(elements.data()), elements.size_bytes());
    return;
  }
  std::string packed;
  column.any_text_element(row, [&packed](std::string_view each) {
    packed.push_back(static_cast<char>(each.size()));
    packed += each;
    return false;
  });
  put_text(out, packed);
}

Status write_column(SectionBuffer& buffer, std::size_t at, PropertyType type) {
  const auto column = [at](const Place& place) -> const Column& {
    return *place.indexed->columns[at];
  };
  const auto put_mark = [&](std::string& out, const Place* place) {
    append_plain(out, place == nullptr ? Column::kNothing : column(*place).mark(place->row));
  };
  if (type == PropertyType::number) {
    SEL_CHECK_OK(buffer.section(column_name(at), [&](std::string& out, const Place* place) {
      append_plain(out, place == nullptr ? 0.0 : column(*place).number(place->row));
    }));
    SEL_CHECK_OK(buffer.rest(put_mark));
  } else {
    SEL_CHECK_OK(buffer.section(column_name(at), put_mark));
  }
  if (type == PropertyType::boolean) return ok_status();
  return buffer.rest([&](std::string& out, const Place* place) {
    if (place == nullptr) return;
    const std::uint8_t mark = column(*place).mark(place->row);
    if (mark == Column::kElements) {
      append_elements(out, column(*place), place->row);
    } else if (type == PropertyType::string && mark != Column::kNothing) {
      out += column(*place).text(place->row);
    }
  });
}

// A section of exactly `count` plain numbers; mapped sections are aligned for all of them.
template <class T>
Result<std::span<const T>> array(const CheckpointFile& file, std::string_view name,
                                 std::size_t count) {
  const auto bytes = file.section(name);
  if (!bytes || bytes->size() != count * sizeof(T) ||
      reinterpret_cast<std::uintptr_t>(bytes->data()) % alignof(T) != 0) {
    return damaged("arrays");
  }
  return std::span<const T>(reinterpret_cast<const T*>(bytes->data()), count);
}

Status check_slots(StoredRows& rows, MutationNumber mutation) {
  std::size_t id_bytes = 0;
  for (std::size_t slot = 0; slot < rows.slot_end; ++slot) {
    const bool living = rows.born[slot] != 0;
    if (living != (rows.id_lengths[slot] != 0) || rows.born[slot] > mutation ||
        rows.partitions[slot] >= rows.partition_names.size()) {
      return damaged("rows");
    }
    id_bytes += rows.id_lengths[slot];
    rows.living_count += living ? 1U : 0U;
  }
  if (id_bytes != rows.ids.size()) return damaged("ids");
  for (const Slot slot : rows.free) {
    if (slot >= rows.slot_end || rows.born[slot] != 0) return damaged("free slots");
  }
  return ok_status();
}

// What a row of the mark has in the rest of a column. False: it has nothing there.
bool take_variable(PropertyType type, std::uint8_t mark, ByteReader& rest,
                   std::string_view& variable) {
  if (mark == Column::kNothing || type == PropertyType::boolean) return false;
  if (mark == Column::kElements) {
    variable = rest.text();
    return true;
  }
  if (type != PropertyType::string) return false;
  variable = rest.take(mark);
  return true;
}

bool sound_elements(PropertyType type, std::string_view elements) {
  if (elements.empty()) return false;
  if (type == PropertyType::number) return elements.size() % sizeof(double) == 0;
  for (std::size_t at = 0; at < elements.size();) {
    at += 1 + static_cast<std::size_t>(static_cast<unsigned char>(elements[at]));
    if (at > elements.size()) return false;
  }
  return true;
}

bool sound_column(const StoredColumn& column) {
  const PropertyType type = column.index.type;
  ByteReader rest(column.variable);
  for (std::size_t slot = 0; slot < column.marks.size(); ++slot) {
    const std::uint8_t mark = column.marks[slot];
    if (mark == Column::kNothing) continue;
    if (type == PropertyType::boolean && mark > 1) return false;
    if (type == PropertyType::number && mark != Column::kElements &&
        (mark != Column::kNumber || std::isnan(column.numbers[slot]))) {
      return false;
    }
    std::string_view variable;
    if (take_variable(type, mark, rest, variable) && mark == Column::kElements &&
        !sound_elements(type, variable)) {
      return false;
    }
  }
  return rest.whole();
}

Result<StoredColumn> read_column(const CheckpointFile& file, std::size_t at, MetadataIndex index,
                                 std::size_t slots) {
  StoredColumn column;
  column.index = std::move(index);
  auto bytes = file.section(column_name(at));
  if (!bytes) return damaged("columns");
  if (column.index.type == PropertyType::number) {
    const std::size_t number_bytes = slots * sizeof(double);
    if (bytes->size() < number_bytes ||
        reinterpret_cast<std::uintptr_t>(bytes->data()) % alignof(double) != 0) {
      return damaged("columns");
    }
    column.numbers = {reinterpret_cast<const double*>(bytes->data()), slots};
    bytes->remove_prefix(number_bytes);
  }
  if (bytes->size() < slots) return damaged("columns");
  column.marks = {reinterpret_cast<const std::uint8_t*>(bytes->data()), slots};
  column.variable = bytes->substr(slots);
  if (!sound_column(column)) return damaged("columns");
  return column;
}

PropertyValue elements_of(PropertyType type, std::string_view stored) {
  PropertyElements elements;
  while (!stored.empty()) {
    if (type == PropertyType::number) {
      double number = 0;
      std::memcpy(&number, stored.data(), sizeof number);
      elements.emplace_back(number);
      stored.remove_prefix(sizeof number);
    } else {
      const std::size_t bytes = static_cast<unsigned char>(stored[0]);
      elements.emplace_back(std::string(stored.substr(1, bytes)));
      stored.remove_prefix(1 + bytes);
    }
  }
  return elements;
}

}  // namespace

Status write_rows(CheckpointWriter& writer, const Snapshot& snapshot, std::span<const Slot> free,
                  bool with_properties, const std::stop_token& stop) {
  std::string head;
  put_number(head, static_cast<std::uint64_t>(snapshot.slot_end));
  head.push_back(with_properties ? 1 : 0);
  put_number(head, static_cast<std::uint32_t>(snapshot.partitions->names.size()));
  for (const std::string& name : snapshot.partitions->names) put_text(head, name);
  put_number(head, static_cast<std::uint32_t>(snapshot.properties->size()));
  for (const MetadataIndex& index : snapshot.properties->indexes()) {
    head.push_back(static_cast<char>(index.type));
    put_number(head, index.written_after);
    put_text(head, index.property);
  }
  SEL_CHECK_OK(writer.add("rows", head));
  SEL_CHECK_OK(writer.add("free", {reinterpret_cast<const char*>(free.data()), free.size_bytes()}));

  SectionBuffer buffer(writer, snapshot, stop);
  SEL_CHECK_OK(buffer.section("born", [](std::string& out, const Place* place) {
    append_plain(out, place == nullptr ? MutationNumber{0} : place->chunk().born(place->row));
  }));
  SEL_CHECK_OK(buffer.section("partitions", [](std::string& out, const Place* place) {
    append_plain(out, place == nullptr ? PartitionNumber{0} : place->chunk().partition(place->row));
  }));
  SEL_CHECK_OK(buffer.section("inverse-lengths", [](std::string& out, const Place* place) {
    append_plain(out, place == nullptr ? 0.0F : place->chunk().inverse_length(place->row));
  }));
  SEL_CHECK_OK(buffer.section("id-lengths", [](std::string& out, const Place* place) {
    out.push_back(place == nullptr ? '\0'
                                   : static_cast<char>(place->chunk().id(place->row).size()));
  }));
  SEL_CHECK_OK(buffer.section("ids", [](std::string& out, const Place* place) {
    if (place != nullptr) out += place->chunk().id(place->row);
  }));
  for (std::size_t at = 0; at < snapshot.properties->size(); ++at) {
    SEL_CHECK_OK(write_column(buffer, at, snapshot.properties->indexes()[at].type));
  }
  return ok_status();
}

Result<StoredRows> read_rows(const CheckpointFile& file, bool with_properties) {
  const auto head = file.section("rows");
  const auto free = file.section("free");
  const auto ids = file.section("ids");
  if (!head || !free || !ids) return damaged("sections");
  ByteReader reader(*head);
  StoredRows rows;
  const auto slot_end = reader.number<std::uint64_t>();
  const bool properties_read = reader.number<std::uint8_t>() != 0;
  if (slot_end > kNoSlot) return damaged("slots");
  rows.slot_end = static_cast<std::size_t>(slot_end);
  for (auto left = reader.number<std::uint32_t>(); left > 0 && reader.sound(); --left) {
    rows.partition_names.emplace_back(reader.text());
  }
  std::vector<MetadataIndex> indexes;
  for (auto left = reader.number<std::uint32_t>(); left > 0 && reader.sound(); --left) {
    const auto type = reader.number<std::uint8_t>();
    const auto written_after = reader.number<std::uint64_t>();
    const std::string_view property = reader.text();
    if (type > static_cast<std::uint8_t>(PropertyType::boolean)) return damaged("columns");
    indexes.push_back({std::string(property), static_cast<PropertyType>(type), written_after});
  }
  if (!reader.whole() || rows.partition_names.empty()) return damaged("rows");
  SEL_TRY(born, array<MutationNumber>(file, "born", rows.slot_end));
  SEL_TRY(partitions, array<PartitionNumber>(file, "partitions", rows.slot_end));
  SEL_TRY(inverse_lengths, array<float>(file, "inverse-lengths", rows.slot_end));
  SEL_TRY(id_lengths, array<std::uint8_t>(file, "id-lengths", rows.slot_end));
  SEL_TRY(free_slots, array<Slot>(file, "free", free->size() / sizeof(Slot)));
  rows.born = born;
  rows.partitions = partitions;
  rows.inverse_lengths = inverse_lengths;
  rows.id_lengths = id_lengths;
  rows.ids = *ids;
  rows.free = free_slots;
  SEL_CHECK_OK(check_slots(rows, file.header().mutation));
  for (std::size_t at = 0; at < indexes.size(); ++at) {
    SEL_TRY(column, read_column(file, at, std::move(indexes[at]), rows.slot_end));
    if (properties_read == with_properties) rows.columns.push_back(std::move(column));
  }
  return rows;
}

Rows::Draft restore_column(const Rows& rows, const StoredRows& stored, const StoredColumn& column) {
  const PropertyType type = column.index.type;
  Rows::Draft draft = rows.draft_column(type);
  ByteReader rest(column.variable);
  for (Slot slot = 0; slot < stored.slot_end; ++slot) {
    const std::uint8_t mark = column.marks[slot];
    std::string_view variable;
    const bool varies = take_variable(type, mark, rest, variable);
    if (mark == Column::kNothing || stored.born[slot] == 0) continue;
    PropertyValue value;
    if (mark == Column::kElements) {
      value = elements_of(type, variable);
    } else if (varies) {
      value = std::string(variable);
    } else if (type == PropertyType::number) {
      value = column.numbers[slot];
    } else {
      value = mark == 1;
    }
    rows.set_drafted(draft, slot, value);
  }
  return draft;
}

}  // namespace selvedge::vectors
