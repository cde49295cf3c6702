// Model listing: what is installed, what the catalogue holds, and everything about one id.
#pragma once

#include <string>

#include <nlohmann/json_fwd.hpp>

#include "catalog/catalog.h"
#include "cli/context.h"

namespace selvedge::cli {

struct ListOptions {
  bool all = false;  // The whole catalogue with its state, not only what is installed.
  std::string task;  // Empty = every task.
};

void list_models(Context& context, const ListOptions& options);

// `name`: a model id, or the name of an installed file or artifact.
void show_model(Context& context, const std::string& name);

// {name, path, sha256, bytes, source, task, stand_in, models}
nlohmann::json installed_json(const catalog::Installed& file);

// "@cf/a, @cf/b; stands in for Text Generation".
std::string answers_for(const catalog::Installed& file);

}  // namespace selvedge::cli
