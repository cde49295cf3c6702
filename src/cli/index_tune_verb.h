// `selvedge index tune`: how well an index's queries are answered, and what that costs.
#pragma once

#include <string>

#include <nlohmann/json_fwd.hpp>

#include "cli/context.h"

namespace CLI {
class App;
}

namespace selvedge::cli {

// Adds it to `index`. `context` must outlive `group`.
void add_index_tune_verb(CLI::App& group, Context& context);

// For people: what was measured as a table, and the setting. `result` is what GET …/recall answers.
std::string tuning_text(const nlohmann::json& result);

}  // namespace selvedge::cli
