// LoRA: the adapter that a call names, found, checked and made ready.
#pragma once

#include <string>

#include <boost/asio/awaitable.hpp>

#include "api/context.h"

namespace selvedge::api {

namespace asio = boost::asio;

// Whether calls of a model may have `lora`.
bool takes_lora(const ApiContext& context, const catalog::ModelEntry& entry);

// The adapter `lora`, an id or a name of `account` (empty: of any) or of a public one, converted
// for the weights that answer. Errors: lora_unsupported, finetune_not_found, finetune_incomplete,
// invalid_input (it was made for another model), file_invalid, not_served, io.
asio::awaitable<Result<inference::Adapter>> find_adapter(const ApiContext& context,
                                                         const catalog::Resolved& model,
                                                         std::string account, std::string lora);

}  // namespace selvedge::api
