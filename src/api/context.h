// Context: what the doors work with; made once by the program, lent to every handler.
#pragma once

#include <chrono>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include <boost/asio/thread_pool.hpp>

#include "api/model_inputs.h"
#include "api/rules.h"
#include "base/identities.h"
#include "catalog/catalog.h"
#include "catalog/finetunes.h"
#include "catalog/usage_ledger.h"
#include "inference/inference.h"
#include "vectors/store.h"

namespace selvedge::documents {
class Converter;
}

namespace selvedge::api {

class Batches;
class GatewayLogs;
class PictureStore;
class TestKit;

// All references outlive the server that answers with them.
struct ApiContext {
  const catalog::Catalog& catalog;
  inference::Inference& inference;  // On the I/O thread only.
  vectors::Store& store;            // Blocks, but for loaded(): only inside offload().
  boost::asio::thread_pool& pool;
  std::string version;
  std::chrono::steady_clock::time_point started = std::chrono::steady_clock::now();
  Rules rules = Rules();  // Of every request that is answered with this context.
  std::shared_ptr<const ModelInputs> inputs = ModelInputs::built_in();
  // Both made by the door; on the I/O thread only.
  std::shared_ptr<Batches> batches = nullptr;
  std::shared_ptr<GatewayLogs> gateway_logs = nullptr;
  catalog::Finetunes* finetunes = nullptr;  // Blocks. Null: fine-tunes are not served.
  // Both on the I/O thread only.
  std::shared_ptr<Identities> identities = std::make_shared<Identities>();
  std::shared_ptr<TestKit> kit = nullptr;  // Faults and latency; an idle one by the door's making.
  std::shared_ptr<const PictureStore> pictures = nullptr;  // Where they are kept; null: nowhere.
  std::filesystem::path snapshots = {};                    // Folder for them; empty: none are made.
  std::vector<std::string> tokens = {};  // Bearer tokens that may come in; empty = no login at all.
  // For what changes indexes, and so waits for the disk and for other writers: no query stands in a
  // queue behind it. Null: `pool`.
  boost::asio::thread_pool* write_pool = nullptr;
  documents::Converter* converter = nullptr;  // On the I/O thread only. Null: there is none.
  catalog::UsageLedger* ledger = nullptr;     // Blocks, but for add(). Null: nothing is booked.
};

}  // namespace selvedge::api
