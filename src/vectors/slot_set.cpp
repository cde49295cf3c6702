// SlotSet: CRoaring behind ownership.
#include "vectors/slot_set.h"

#include <roaring/roaring.h>

#include "base/check.h"

namespace selvedge::vectors {

void SlotSet::Free::operator()(roaring_bitmap_s* bitmap) const { roaring_bitmap_free(bitmap); }

SlotSet::SlotSet(roaring_bitmap_s* owned) : bitmap_(owned) {
  SEL_CHECK(owned != nullptr);  // Out of memory.
}

SlotSet::SlotSet() : SlotSet(roaring_bitmap_create()) {}

SlotSet SlotSet::of(std::span<const std::uint32_t> slots) {
  return SlotSet(roaring_bitmap_of_ptr(slots.size(), slots.data()));
}

SlotSet SlotSet::copy() const { return SlotSet(roaring_bitmap_copy(bitmap_.get())); }

bool SlotSet::empty() const { return roaring_bitmap_is_empty(bitmap_.get()); }

std::size_t SlotSet::size() const { return roaring_bitmap_get_cardinality(bitmap_.get()); }

bool SlotSet::contains(std::uint32_t slot) const {
  return roaring_bitmap_contains(bitmap_.get(), slot);
}

std::vector<std::uint32_t> SlotSet::to_vector() const {
  std::vector<std::uint32_t> slots(size());
  roaring_bitmap_to_uint32_array(bitmap_.get(), slots.data());
  return slots;
}

void SlotSet::add(std::span<const std::uint32_t> slots) {
  roaring_bitmap_add_many(bitmap_.get(), slots.size(), slots.data());
}

void SlotSet::remove(std::span<const std::uint32_t> slots) {
  roaring_bitmap_remove_many(bitmap_.get(), slots.size(), slots.data());
}

void SlotSet::add(const SlotSet& other) {
  roaring_bitmap_or_inplace(bitmap_.get(), other.bitmap_.get());
}

void SlotSet::keep(const SlotSet& other) {
  roaring_bitmap_and_inplace(bitmap_.get(), other.bitmap_.get());
}

void SlotSet::remove(const SlotSet& other) {
  roaring_bitmap_andnot_inplace(bitmap_.get(), other.bitmap_.get());
}

SlotSet SlotSet::both(const SlotSet& a, const SlotSet& b) {
  return SlotSet(roaring_bitmap_and(a.bitmap_.get(), b.bitmap_.get()));
}

SlotSet SlotSet::without(const SlotSet& a, const SlotSet& b) {
  return SlotSet(roaring_bitmap_andnot(a.bitmap_.get(), b.bitmap_.get()));
}

SlotSet SlotSet::any(std::span<const SlotSet* const> sets) {
  std::vector<const roaring_bitmap_t*> bitmaps;
  bitmaps.reserve(sets.size());
  for (const SlotSet* each : sets) bitmaps.push_back(each->bitmap_.get());
  return SlotSet(roaring_bitmap_or_many(bitmaps.size(), bitmaps.data()));
}

void SlotSet::shrink() {
  roaring_bitmap_run_optimize(bitmap_.get());
  roaring_bitmap_shrink_to_fit(bitmap_.get());
}

std::size_t SlotSet::bytes() const { return roaring_bitmap_size_in_bytes(bitmap_.get()); }

}  // namespace selvedge::vectors
