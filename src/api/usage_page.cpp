// Usage page: rows of the ledger, summed up as they are billed.
#include "api/usage_page.h"

#include <algorithm>
#include <map>
#include <optional>
#include <utility>

#include "api/errors.h"
#include "api/json_writer.h"
#include "base/offload.h"

namespace selvedge::api {
namespace {

constexpr double kMillion = 1e6;
// Source: https://developers.cloudflare.com/workers-ai/platform/pricing/
constexpr double kFreeNeuronsADay = 10'000;
constexpr double kUsdANeuron = 0.011 / 1'000;
// Source: https://developers.cloudflare.com/vectorize/platform/pricing/
constexpr double kQueriedIncluded = 50 * kMillion;
constexpr double kUsdAQueried = 0.01 / kMillion;
constexpr double kStoredIncluded = 10 * kMillion;
constexpr double kUsdAStored = 0.05 / (100 * kMillion);

constexpr int kUsdDigits = 6;

bool is_month(std::string_view text) {
  if (text.size() != 7 || text[4] != '-') return false;
  const auto digit = [](char c) { return c >= '0' && c <= '9'; };
  const bool digits = std::all_of(text.begin(), text.begin() + 4, digit) &&
                      std::all_of(text.begin() + 5, text.end(), digit);
  const std::string_view month = text.substr(5);
  return digits && month >= "01" && month <= "12";
}

// "name":value, behind whatever stands there.
class Members {
 public:
  explicit Members(std::string& json) : json_(json) { json_ += '{'; }
  ~Members() { json_ += '}'; }
  Members(const Members&) = delete;
  Members& operator=(const Members&) = delete;

  Members& add(const char* name, const std::string& text) {
    begin(name);
    append_string(json_, text);
    return *this;
  }
  Members& add(const char* name, std::int64_t number) {
    begin(name);
    append_integer(json_, number);
    return *this;
  }
  Members& add(const char* name, double number, int digits = kUsdDigits) {
    begin(name);
    json_ += decimal_text(number, digits);
    return *this;
  }

 private:
  void begin(const char* name) {
    if (json_.back() != '{') json_ += ',';
    json_ += '"';
    json_ += name;
    json_ += "\":";
  }

  std::string& json_;
};

template <class Rows, class Append>
void append_list(std::string& json, const char* name, const Rows& rows, Append append) {
  json += ",\"";
  json += name;
  json += "\":[";
  for (const auto& row : rows) {
    if (json.back() != '[') json += ',';
    append(json, row);
  }
  json += ']';
}

void append_model(std::string& json, const catalog::ModelRow& row) {
  const catalog::ModelUse& use = row.use;
  Members(json)
      .add("day", row.day)
      .add("account", row.account)
      .add("key", row.key)
      .add("model", row.model)
      .add("calls", use.calls)
      .add("neurons", use.neurons)
      .add("input_tokens", use.input_tokens)
      .add("cached_tokens", use.cached_tokens)
      .add("output_tokens", use.output_tokens)
      .add("audio_seconds", use.audio_s, 3)
      .add("pictures", use.pictures);
}

void append_index(std::string& json, const catalog::VectorRow& row) {
  Members(json)
      .add("day", row.day)
      .add("account", row.account)
      .add("index", row.index)
      .add("queries", row.use.queries)
      .add("dimensions", row.use.dimensions)
      .add("vectors", row.use.vectors_most);
}

void append_cost(std::string& json, const MonthCost& cost) {
  Members(json)
      .add("account", cost.account)
      .add("neurons", cost.neurons)
      .add("neurons_billed", cost.neurons_billed)
      .add("ai_usd", cost.ai_usd())
      .add("queried_dimensions", cost.queried_dimensions, 0)
      .add("stored_dimensions", cost.stored_dimensions, 0)
      .add("vectorize_usd", cost.vectorize_usd())
      .add("usd", cost.ai_usd() + cost.vectorize_usd());
}

Result<std::string> read_month(catalog::UsageLedger& ledger, const std::string& month) {
  SEL_TRY(models, ledger.model_rows(month));
  SEL_TRY(indexes, ledger.index_rows(month));
  std::string json = "{\"month\":";
  append_string(json, month);
  append_list(json, "models", models, append_model);
  append_list(json, "indexes", indexes, append_index);
  append_list(json, "accounts", month_costs(models, indexes), append_cost);
  return json + '}';
}

}  // namespace

double MonthCost::ai_usd() const { return neurons_billed * kUsdANeuron; }

double MonthCost::vectorize_usd() const {
  return std::max(0.0, queried_dimensions - kQueriedIncluded) * kUsdAQueried +
         std::max(0.0, stored_dimensions - kStoredIncluded) * kUsdAStored;
}

std::vector<MonthCost> month_costs(std::span<const catalog::ModelRow> models,
                                   std::span<const catalog::VectorRow> indexes) {
  std::map<std::string, MonthCost> costs;
  std::map<std::pair<std::string, std::string>, double> days;
  for (const catalog::ModelRow& row : models) {
    days[{row.account, row.day}] += row.use.neurons;
    costs[row.account].neurons += row.use.neurons;
  }
  for (const auto& [day, neurons] : days) {
    costs[day.first].neurons_billed += std::max(0.0, neurons - kFreeNeuronsADay);
  }
  std::map<std::pair<std::string, std::string>, double> stored;
  for (const catalog::VectorRow& row : indexes) {
    const auto dimensions = static_cast<double>(row.use.dimensions);
    double& most = stored[{row.account, row.index}];
    most = std::max(most, dimensions * static_cast<double>(row.use.vectors_most));
    costs[row.account].queried_dimensions += dimensions * static_cast<double>(row.use.queries);
  }
  for (const auto& [index, dimensions] : stored) {
    costs[index.first].stored_dimensions += dimensions;
    costs[index.first].queried_dimensions += dimensions;
  }
  std::vector<MonthCost> all;
  for (auto& [account, cost] : costs) {
    cost.account = account;
    all.push_back(std::move(cost));
  }
  return all;
}

boost::asio::awaitable<http::Response> usage_page(const ApiContext& context,
                                                  const http::Request& request) {
  if (context.ledger == nullptr) {
    co_return plain_error(Error{Code::not_served, "this server keeps no account of usage"});
  }
  const std::string month =
      request.query_value("month").value_or(context.ledger->today().substr(0, 7));
  if (!is_month(month)) {
    co_return plain_error(Error{Code::invalid_input, "month: expected a month such as 2026-11"});
  }
  auto work = [&ledger = *context.ledger, month] { return read_month(ledger, month); };
  auto read = co_await offload(context.pool, std::move(work));
  if (!read.ok()) co_return plain_error(read.error());
  co_return json_response(200, std::move(*read));
}

}  // namespace selvedge::api
