// StoredIndex, linking: new vectors go into the graph, dead ones come out, and queries walk it.
#include <algorithm>
#include <utility>

#include <rocksdb/write_batch.h>

#include "base/log.h"
#include "vectors/near_view.h"
#include "vectors/scan.h"
#include "vectors/stored_index.h"

namespace selvedge::vectors {
namespace {

// Looked at between two links while dead ones are taken out: as long as some links.
constexpr std::size_t kMendedAtOnce = 1'000;
// More unlisted rows are worth new lists as soon as there is time.
constexpr std::size_t kUnlistedIdle = 512;

}  // namespace

struct StoredIndex::Turn {
  std::shared_ptr<const Snapshot> snapshot;
  std::vector<Slot> ended;         // Rows that are gone.
  std::vector<Slot> free;          // To which nothing points.
  std::uint64_t linked_until = 0;  // A position of the snapshot's recent ones.
};

void StoredIndex::want_links() {
  if (rows_.recent_noted() || rows_.size() >= near_.rules().rows_min) {
    shared_->linker.want(std::weak_ptr<Linked>(weak_from_this()));
  }
}

void StoredIndex::free_dead() {
  if (!rows_.recent_noted()) rows_.free(rows_.take_dead());
}

bool StoredIndex::begin_turn(Turn& turn) {
  const std::lock_guard writer(writer_mutex_);
  if (dropped_) return false;
  if (!rows_.recent_noted()) {
    if (rows_.size() < near_.rules().rows_min) return false;
    rows_.note_all_recent();
  }
  turn.snapshot = snapshot_rows();
  // Where writes are delayed, readers still find by the graph what has ended for the writer.
  turn.ended = rows_.take_dead(published_.current().snapshot->stats.mutation);
  turn.linked_until = turn.snapshot->recent.begin();
  return true;
}

void StoredIndex::end_turn(const Turn& turn) {
  const std::lock_guard writer(writer_mutex_);
  rows_.recent().drop_before(turn.linked_until);
  rows_.free(turn.free);
  pace_.note(rows_.recent().size(), turn.linked_until - turn.snapshot->recent.begin());
  published_.refresh(snapshot_rows());
}

bool StoredIndex::link_some(const std::stop_token& stop) {
  saving_graph_.wait(true);
  const std::lock_guard linking(linking_mutex_);
  Turn turn;
  if (!begin_turn(turn)) return false;
  const Snapshot& snapshot = *turn.snapshot;
  std::vector<Slot> held;
  for (const Slot slot : turn.ended) (near_.holds(slot) ? held : turn.free).push_back(slot);
  near_.bury(held);
  if (!near_.trained() || near_.outgrown()) {
    near_.train(snapshot, stop);
    linked_since_ += near_.linked_count();
  }
  if (!near_.trained()) {
    end_turn(turn);
    return false;
  }
  std::size_t linked = 0;
  const SlotLog::View& recent = snapshot.recent;
  for (; turn.linked_until < recent.end() && linked < near_.rules().linked_at_once;
       ++turn.linked_until) {
    const SlotLog::Entry entry = recent.at(turn.linked_until);
    const Place at = snapshot.place(entry.slot);
    const bool seen = at.chunk().visible(at.row, snapshot.stats.mutation);
    if (!seen || at.chunk().born(at.row) != entry.born) continue;
    near_.link(snapshot, turn.linked_until);
    ++linked;
  }
  linked_since_ += linked;
  near_.publish();
  const std::vector<Slot> taken = near_.take_out(kMendedAtOnce);
  turn.free.insert(turn.free.end(), taken.begin(), taken.end());
  const bool caught_up = turn.linked_until == recent.end();
  make_lists(snapshot, caught_up, stop);
  // As much worth to be saved as all that was linked.
  if (near_.calibrate(snapshot, caught_up, stop)) linked_since_ += near_.linked_count();
  calibrating_ = near_.calibrating();
  end_turn(turn);
  return !stop.stop_requested() && (!caught_up || near_.taking_out() || calibrating_);
}

Status StoredIndex::save_graph(CheckpointWriter& writer, const std::stop_token& stop) {
  saving_graph_ = true;
  Status saved = ok_status();
  {
    const std::lock_guard linking(linking_mutex_);
    saved = near_.save(writer, stop);
    linked_saved_ = linked_since_;
  }
  saving_graph_ = false;
  saving_graph_.notify_all();
  return saved;
}

// A row that lives in the checkpoint and is gone by the time the graph is saved is gone after the
// replay, too, and until then its slot is not given anew: the checkpoint's snapshot sees it. So a
// slot that the graph holds is either of the very row that stands there, or dead.
void StoredIndex::restore_rows(const CheckpointFile& file, StoredRows& stored) {
  const Status restored = near_.restore(file, stored);
  if (!restored.ok() && restored.error().code != Code::not_found) {
    log::warn("index of serial {}: the saved graph is not used, it is built anew: {}", serial_,
              restored.error().message);
  }
  const std::vector<bool> held = near_.held();
  std::vector<Slot> free;
  for (const Slot slot : stored.free) {
    if (slot >= held.size() || !held[slot]) free.push_back(slot);
  }
  stored.free = free;
  rows_.restore(stored, [this](std::size_t chunk_at) { return folder_.values(chunk_at); });
  stored.free = {};
  rows_.skip_to(near_.slot_end());
}

void StoredIndex::reconcile_graph() {
  const std::vector<bool> held = near_.held();
  std::vector<Slot> buried;
  std::vector<Slot> free;
  for (const Slot slot : rows_.take_dead()) {
    (slot < held.size() && held[slot] ? buried : free).push_back(slot);
  }
  near_.bury(buried);
  rows_.free(free);
  if (near_.trained()) rows_.note_all_recent(held);
}

std::vector<RecallPoint> StoredIndex::calibration() const {
  std::vector<RecallPoint> points;
  if (const auto view = near_.view(); view != nullptr) {
    for (const NearView::Setting& each : view->settings) {
      points.push_back({each.width, each.recall, each.us});
    }
  }
  return points;
}

Status StoredIndex::load_recall() {
  SEL_TRY(stored, shared_->database->read({layout::recall_key(serial_)}));
  if (!stored[0]) return ok_status();
  SEL_TRY(recall, layout::decode_recall(*stored[0]));
  recall_ = recall;
  return ok_status();
}

Status StoredIndex::set_recall(float recall) {
  if (!(recall >= 0 && recall <= 1)) {
    return Error{Code::invalid_input, "recall: expected a number from 0 to 1"};
  }
  const std::lock_guard writer(writer_mutex_);
  SEL_CHECK_OK(check_writable());
  rocksdb::WriteBatch changes;
  const auto put = changes.Put(layout::recall_key(serial_), layout::encode_recall(recall));
  if (!put.ok()) return Error{Code::internal, message(put.ToString())};
  Status committed = shared_->database->commit(changes);
  // As after any write that failed: what is on disk is unknown.
  if (!committed.ok()) {
    failure_ = committed.error().message;
    return committed;
  }
  recall_ = recall;
  return committed;
}

void StoredIndex::settle() {
  while (link_some({})) {
  }
  keep_up({});
}

std::vector<Candidate> StoredIndex::nearest(const Snapshot& snapshot, const PreparedQuery& query,
                                            std::size_t count, const Restriction& restriction,
                                            std::optional<float> recall) const {
  const float wanted = recall.value_or(recall_);
  // Taken after the snapshot: what that does not call recent is in the graph that this shows.
  const auto view = snapshot.recent_noted ? near_.view() : nullptr;
  pace_.look(snapshot.recent.size());
  if (!restriction.any()) {
    if (view != nullptr && wanted < 1) {
      if (auto found = search_near(*view, snapshot, query, count, wanted)) {
        return *std::move(found);
      }
      if (auto found = search_codes(*view, snapshot, query, count)) {
        return *std::move(found);
      }
    }
    return scan(snapshot, query, count, restriction);
  }
  const auto known = lists();
  if (known == nullptr) return scan(snapshot, query, count, restriction);
  const AllowedRows allowed = allowed_rows(snapshot, known.get(), restriction);
  if (view != nullptr && wanted < 1) {
    return search_near_allowed(*view, snapshot, query, count, wanted, allowed);
  }
  return nearest_of(snapshot, query, count, seen_slots(snapshot, allowed).all());
}

std::shared_ptr<const PropertyLists> StoredIndex::lists() const {
  const std::lock_guard lock(lists_mutex_);
  return lists_;
}

void StoredIndex::make_lists(const Snapshot& snapshot, bool idle, const std::stop_token& stop) {
  const auto known = lists();
  const auto built = known == nullptr || known->base() == nullptr ? known : known->base();
  const bool stale = idle && built != nullptr && built->serves(snapshot) &&
                     built->unknown_count(snapshot) >
                         std::max<std::size_t>(kUnlistedIdle, snapshot.stats.vector_count / 64);
  std::shared_ptr<const PropertyLists> made;
  if (stale || PropertyLists::wanted(built.get(), snapshot)) {
    made = PropertyLists::build(snapshot, stop);
  } else if (known != nullptr && known->serves(snapshot) &&
             known->extension_wanted(snapshot, idle)) {
    made = PropertyLists::extend(built, snapshot, stop);
  }
  if (made == nullptr) return;
  // What came in since is needed when it is extended anew.
  const std::uint64_t listed = (made->base() == nullptr ? made : made->base())->log_end();
  {
    const std::lock_guard lock(lists_mutex_);
    lists_.swap(made);
  }
  const std::lock_guard writer(writer_mutex_);
  rows_.forget_listed(listed);
}

}  // namespace selvedge::vectors
