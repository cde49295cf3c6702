// Wires the layers together on one I/O thread and two worker pools, and takes them down in order.
#include "app/service.h"

#include <csignal>
#include <cstdlib>
#include <optional>
#include <thread>

#include <boost/asio.hpp>
#include <boost/asio/experimental/awaitable_operators.hpp>
#include <sys/resource.h>

#include "api/bot_door.h"
#include "api/metadata_properties.h"
#include "api/picture_store.h"
#include "api/server_door.h"
#include "api/test_kit.h"
#include "base/clock.h"
#include "base/identities.h"
#include "base/log.h"
#include "base/offload.h"
#include "catalog/alias_catalog.h"
#include "cli/output.h"
#include "documents/converter.h"
#include "http/server.h"
#include "inference/local_inference.h"
#include "inference/metered_inference.h"
#include "inference/recorded_catalog.h"
#include "inference/recording_inference.h"
#include "inference/replay_inference.h"
#include "inference/upstream_catalog.h"
#include "inference/upstream_inference.h"
#include "vectors/store.h"

namespace selvedge::app {
namespace {

namespace asio = boost::asio;

constexpr int kGraceMs = 1'500;        // For answers that are running when the end is asked for.
constexpr int kShutDownMsMax = 4'800;  // Then the process leaves whatever hangs.
constexpr int kBotPortTries = 100;
constexpr std::size_t kConversionsAtOnce = 2;  // Of files to Markdown.
constexpr std::chrono::seconds kBooksPause{1};

// Everything that lives as long as the server, in the order of construction; destroyed in reverse.
class Service {
 public:
  explicit Service(const ServeOptions& options)
      : options_(options), identities_(std::make_shared<Identities>(options.kit.answer_seed())) {}

  // Opens the folder and the ports. Errors: as run_service.
  Status open();

  // Returns when a signal ended the server.
  void run();

 private:
  Status open_state();
  Status open_inference(const std::shared_ptr<const inference::Upstreams>& upstreams);
  Status open_replay();
  Status open_recording();
  Status open_api_port();
  Status open_bot_port();
  http::ServerOptions listening(std::uint16_t port) const;
  asio::awaitable<void> live();
  asio::awaitable<void> announce();
  asio::awaitable<void> keep_books();
  asio::awaitable<void> wait_for_signal();
  asio::awaitable<void> shut_down();

  const ServeOptions& options_;
  std::shared_ptr<Identities> identities_;
  std::shared_ptr<api::TestKit> kit_;
  asio::io_context io_{1};
  asio::thread_pool pool_{std::max(2u, std::thread::hardware_concurrency())};
  asio::thread_pool write_pool_{std::max(2u, std::thread::hardware_concurrency())};
  std::unique_ptr<catalog::Catalog> catalog_;
  std::unique_ptr<catalog::Finetunes> finetunes_;
  std::unique_ptr<catalog::UsageLedger> ledger_;
  std::unique_ptr<vectors::Store> store_;
  std::unique_ptr<inference::Inference> inference_;
  std::unique_ptr<documents::Converter> converter_;
  std::unique_ptr<rag::Bot> bot_;
  std::shared_ptr<const api::PictureStore> pictures_;
  std::optional<api::ApiContext> context_;
  std::unique_ptr<api::ServerDoor> api_door_;
  std::unique_ptr<api::BotDoor> bot_door_;
  std::unique_ptr<http::Server> api_server_;
  std::unique_ptr<http::Server> bot_server_;
};

// A stream takes a descriptor; the soft limit of many systems (1,024) is for programs that use
// select().
void raise_descriptor_limit() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = limit.rlim_max;
  ::setrlimit(RLIMIT_NOFILE, &limit);
}

Status Service::open() {
  raise_descriptor_limit();
  SEL_CHECK_OK(open_state());
  SEL_CHECK_OK(open_api_port());
  if (options_.with_bot) SEL_CHECK_OK(open_bot_port());
  return ok_status();
}

Status Service::open_state() {
  std::error_code error;
  std::filesystem::create_directories(options_.home, error);
  if (error)
    return Error{Code::io, "cannot make " + options_.home.string() + ": " + error.message()};
  SEL_TRY(delay, options_.kit.delay());
  auto store = vectors::Store::open(options_.home / "vectors", api::read_metadata_properties, delay,
                                    std::chrono::seconds(options_.index_idle_s));
  SEL_TRY(opened_store, std::move(store));
  store_ = std::move(opened_store);
  auto catalog = catalog::Catalog::open(options_.home, options_.profile);
  SEL_TRY(opened_catalog, std::move(catalog));
  catalog_ = std::move(opened_catalog);
  auto finetunes = catalog::Finetunes::open(options_.home);
  SEL_TRY(opened_finetunes, std::move(finetunes));
  finetunes_ = std::move(opened_finetunes);
  auto ledger = catalog::UsageLedger::open(options_.home, now_us);
  SEL_TRY(opened_ledger, std::move(ledger));
  ledger_ = std::move(opened_ledger);
  const auto upstreams = std::make_shared<inference::Upstreams>(options_.home / "upstreams.json");
  catalog_ = std::make_unique<inference::UpstreamCatalog>(std::move(catalog_), upstreams);
  SEL_CHECK_OK(open_inference(upstreams));
  SEL_TRY(aliases, catalog::Aliases::open(options_.home / "catalog.db"));
  catalog_ = std::make_unique<catalog::AliasCatalog>(std::move(catalog_), std::move(aliases));
  inference_ = std::make_unique<inference::MeteredInference>(std::move(inference_), *ledger_,
                                                             options_.daily_neurons);
  return ok_status();
}

Status Service::open_inference(const std::shared_ptr<const inference::Upstreams>& upstreams) {
  if (!options_.kit.replay.empty()) return open_replay();
  inference::InferenceOptions inference;
  inference.runner = options_.runner;
  inference.cores = options_.threads;
  inference.memory_bytes = options_.memory_mb << 20;
  inference.tasks_waiting_max = options_.queue;
  inference.idle_unload_ms = options_.idle_unload_s * 1000;
  inference_ = std::make_unique<inference::UpstreamInference>(
      io_, inference::create_inference(io_, inference), upstreams);
  return options_.kit.record.empty() ? ok_status() : open_recording();
}

// No runner is there to be started.
Status Service::open_replay() {
  using inference::RecordedCatalog;
  SEL_TRY(folder, inference::RecordingFolder::open(options_.kit.replay));
  catalog_ =
      std::make_unique<RecordedCatalog>(std::move(catalog_), folder, RecordedCatalog::Use::replay);
  inference_ = std::make_unique<inference::ReplayInference>(folder, pool_);
  return ok_status();
}

Status Service::open_recording() {
  using inference::RecordedCatalog;
  SEL_TRY(folder, inference::RecordingFolder::create(options_.kit.record));
  catalog_ =
      std::make_unique<RecordedCatalog>(std::move(catalog_), folder, RecordedCatalog::Use::record);
  inference_ =
      std::make_unique<inference::RecordingInference>(std::move(inference_), folder, pool_);
  return ok_status();
}

Status Service::open_api_port() {
  SEL_TRY(kit, make_kit(options_.kit));
  kit_ = kit;
  if (!options_.store.empty()) {
    SEL_TRY(store, api::PictureStore::open(options_.store));
    pictures_ = std::move(store);
  }
  converter_ = std::make_unique<documents::Converter>(options_.converter, kConversionsAtOnce);
  context_.emplace(
      api::ApiContext{.catalog = *catalog_,
                      .inference = *inference_,
                      .store = *store_,
                      .pool = pool_,
                      .version = SELVEDGE_VERSION,
                      .rules = options_.strict ? api::hosted_rules() : api::Rules(),
                      .finetunes = finetunes_.get(),
                      .identities = identities_,
                      .kit = kit_,
                      .pictures = pictures_,
                      .snapshots = std::filesystem::absolute(options_.home) / "snapshots",
                      .tokens = options_.tokens,
                      .write_pool = &write_pool_,
                      .converter = converter_.get(),
                      .ledger = ledger_.get()});
  api_door_ = std::make_unique<api::ServerDoor>(*context_);
  http::ServerOptions http = listening(options_.port);
  http.handler = [this](http::Request request) { return api_door_->handle(std::move(request)); };
  http.error_body = [this](int status, Code code, std::string_view message,
                           const http::Request* request) {
    return api_door_->error_body(status, code, message, request);
  };
  http.body_limit = [this](const http::Request& request) { return api_door_->body_limit(request); };
  http.admission = [this](const http::Request& request) { return api_door_->admission(request); };
  http.program_hosts = {std::string(api::kAiBindingHost), std::string(api::kVectorizeBindingHost)};
  auto server = http::Server::start(io_, std::move(http));
  SEL_TRY(started, std::move(server));
  api_server_ = std::move(started);
  return ok_status();
}

Status Service::open_bot_port() {
  rag::BotOptions bot = options_.bot;
  bot.identities = identities_;
  bot.ledger = ledger_.get();
  bot_ = rag::Bot::create(std::move(bot), *catalog_, *inference_, *store_, pool_);
  bot_door_ = std::make_unique<api::BotDoor>(*bot_, kit_, &*context_);
  for (int step = 0;; ++step) {
    const int port = options_.bot_port == 0 ? 0 : options_.bot_port + step;
    http::ServerOptions http = listening(static_cast<std::uint16_t>(port));
    http.handler = [this](http::Request request) { return bot_door_->handle(std::move(request)); };
    http.error_body = [this](int status, Code code, std::string_view message,
                             const http::Request* request) {
      return bot_door_->error_body(status, code, message, request);
    };
    http.body_limit = [this](const http::Request& request) {
      return bot_door_->body_limit(request);
    };
    auto server = http::Server::start(io_, std::move(http));
    if (server.ok()) {
      bot_server_ = std::move(*server);
      return ok_status();
    }
    if (port == 0 || step == kBotPortTries || port == 65'535) return server.error();
    if (step == 0) {
      cli::print_line("port " + std::to_string(port) +
                      " is taken (wrangler dev likes it, too); the bot takes the next free one");
    }
  }
}

http::ServerOptions Service::listening(std::uint16_t port) const {
  http::ServerOptions http;
  http.addresses = options_.addresses;
  http.allowed_hosts = options_.allowed_hosts;
  http.port = port;
  return http;
}

asio::awaitable<void> Service::announce() {
  cli::print_line("listening on http://127.0.0.1:" + std::to_string(api_server_->port()));
  if (bot_ == nullptr) co_return;
  auto prepared = co_await bot_->prepare_index();
  if (!prepared.ok()) {
    log::error("the bot's index {}: {}", options_.bot.index, prepared.error().message);
  } else if (*prepared) {
    cli::print_line("created index " + options_.bot.index);
  }
  cli::print_line("bot on http://127.0.0.1:" + std::to_string(bot_server_->port()));
}

// Until the I/O thread ends.
asio::awaitable<void> Service::keep_books() {
  asio::steady_timer pause(io_);
  bool told = false;
  for (;;) {
    pause.expires_after(kBooksPause);
    co_await pause.async_wait(asio::use_awaitable);
    const Status flushed = co_await offload(pool_, [this] { return ledger_->flush(); });
    if (!flushed.ok() && !told) log::warn("usage is not on disk yet: {}", flushed.error().message);
    told = !flushed.ok();
  }
}

asio::awaitable<void> Service::wait_for_signal() {
  asio::signal_set signals(io_, SIGINT, SIGTERM);
  const int number = co_await signals.async_wait(asio::use_awaitable);
  log::info("signal {}: ending", number);
}

asio::awaitable<void> Service::shut_down() {
  converter_->stop();
  using asio::experimental::awaitable_operators::operator&&;
  auto api_ended = api_server_->shut_down(kGraceMs);
  if (bot_server_ == nullptr) {
    co_await std::move(api_ended);
  } else {
    auto bot_ended = bot_server_->shut_down(kGraceMs);
    co_await (std::move(api_ended) && std::move(bot_ended));
  }
  co_await inference_->shut_down();
}

asio::awaitable<void> Service::live() {
  co_await announce();
  co_await wait_for_signal();
  asio::steady_timer overdue(io_, std::chrono::milliseconds(kShutDownMsMax));
  overdue.async_wait([](const boost::system::error_code& error) {
    if (error) return;
    log::error("something did not end in time; leaving it");
    std::_Exit(1);
  });
  co_await shut_down();
}

void Service::run() {
  asio::co_spawn(io_, keep_books(), asio::detached);
  asio::co_spawn(io_, live(), [this](const std::exception_ptr& problem) {
    if (problem) log::error("the server ended by an exception");
    io_.stop();
  });
  io_.run();
  pool_.join();
  write_pool_.join();
  const Status flushed = ledger_->flush();
  if (!flushed.ok()) log::error("usage is lost: {}", flushed.error().message);
}

}  // namespace

Status run_service(const ServeOptions& options) {
  Service service(options);
  SEL_CHECK_OK(service.open());
  service.run();
  return ok_status();
}

}  // namespace selvedge::app
