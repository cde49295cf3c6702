// The verb `usage`: what a month used, and what it would have cost on Cloudflare.
#pragma once

#include <string>

#include <CLI/App.hpp>
#include <nlohmann/json_fwd.hpp>

#include "cli/context.h"

namespace selvedge::cli {

void add_usage_verb(CLI::App& app, Context& context);

// `month` is the answer of GET /usage. `by`: "model", "day", "key" or "account", the column that
// calls are summed up by.
std::string usage_text(const nlohmann::json& month, const std::string& by);
// The rows of models and of indexes, under one line of headings (RFC 4180).
std::string usage_csv(const nlohmann::json& month);

}  // namespace selvedge::cli
