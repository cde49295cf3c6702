// Usage page: what a month used, by day, and what it would have cost on Cloudflare.
#pragma once

#include <span>
#include <string>

#include "api/context.h"
#include "http/message.h"

namespace selvedge::api {

// GET /usage?month=2026-11 (default: this month, UTC):
//   {"month","models":[{"day","account","key","model","calls","neurons","input_tokens",
//    "cached_tokens","output_tokens","audio_seconds","pictures"},…],
//    "indexes":[{"day","account","index","queries","dimensions","vectors"},…],
//    "accounts":[{"account","neurons","neurons_billed","ai_usd","queried_dimensions",
//    "stored_dimensions","vectorize_usd","usd"},…]}
// Errors, as plain JSON: invalid_input; not_served; those of UsageLedger.
boost::asio::awaitable<http::Response> usage_page(const ApiContext& context,
                                                  const http::Request& request);

// What Workers Paid would ask of one account. Source: docs/compatibility.md#usage.
struct MonthCost {
  std::string account;
  double neurons = 0;
  double neurons_billed = 0;      // Those of each day beyond the free ones.
  double queried_dimensions = 0;  // Of queries, and once a month of all vectors.
  double stored_dimensions = 0;   // At the fullest moment of each index.
  double ai_usd() const;
  double vectorize_usd() const;
};
// One for each account, by name.
std::vector<MonthCost> month_costs(std::span<const catalog::ModelRow> models,
                                   std::span<const catalog::VectorRow> indexes);

}  // namespace selvedge::api
