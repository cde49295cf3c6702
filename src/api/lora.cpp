// LoRA: everything that touches the disk happens on the pool.
#include "api/lora.h"

#include <utility>

#include "base/offload.h"
#include "base/utf8.h"
#include "catalog/adapter_gguf.h"

namespace selvedge::api {
namespace {

constexpr std::string_view kPublicPrefix = "cf-public-";
constexpr std::size_t kNameShownBytes = 128;

// Trained for this id, or for another one of the same weights.
bool made_for(const ApiContext& context, const catalog::Finetune& finetune,
              const catalog::ModelEntry& entry) {
  if (finetune.model == entry.id) return true;
  const auto other = context.catalog.find(finetune.model);
  return other.ok() && !entry.weights.empty() && (*other)->weights == entry.weights;
}

Result<inference::Adapter> ready_adapter(const ApiContext& context, const catalog::Resolved& model,
                                         const std::string& account, const std::string& lora) {
  auto found = context.finetunes->find_usable(account, lora);
  if (model.path.empty()) {
    // A recording answers, which knows adapters by their names.
    return inference::Adapter{found.ok() ? found->name : lora, {}};
  }
  if (!found.ok() && found.error().code == Code::finetune_not_found &&
      lora.starts_with(kPublicPrefix)) {
    return Error{Code::finetune_not_found,
                 "Finetune " + lora.substr(0, utf8::floor_boundary(lora, kNameShownBytes)) +
                     " not found: the weights of Cloudflare's public adapters are not on this "
                     "machine; upload your own with \"selvedge finetune create\""};
  }
  SEL_TRY(finetune, std::move(found));
  if (!made_for(context, finetune, *model.entry)) {
    return Error{Code::invalid_input, "'/lora' names the finetune \"" + finetune.name +
                                          "\", which was made for model " + finetune.model};
  }
  SEL_TRY(path, catalog::converted_adapter(context.finetunes->folder_of(finetune), model.path,
                                           model.sha256));
  return inference::Adapter{finetune.name, path.string()};
}

}  // namespace

bool takes_lora(const ApiContext& context, const catalog::ModelEntry& entry) {
  if (entry.task != catalog::Task::text_generation) return false;
  if (entry.lora) return true;
  const catalog::ModelSchema* schema = context.inputs->schema(entry);
  return schema != nullptr && schema->input.find("\"lora\"") != std::string::npos;
}

asio::awaitable<Result<inference::Adapter>> find_adapter(const ApiContext& context,
                                                         const catalog::Resolved& model,
                                                         std::string account, std::string lora) {
  if (!takes_lora(context, *model.entry)) {
    co_return Error{Code::lora_unsupported,
                    "Model " + model.entry->id + " does not support LoRA adapters"};
  }
  if (context.finetunes == nullptr) {
    co_return Error{Code::not_served, "Fine-tunes are not served here"};
  }
  // Lent to the pool: this coroutine waits for it even when it is cancelled.
  auto work = [&] { return ready_adapter(context, model, account, lora); };
  auto ready = co_await offload(context.pool, std::move(work));
  co_return std::move(ready);
}

}  // namespace selvedge::api
