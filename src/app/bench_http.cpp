// A server as users start it, and one thread with as many connections as asked for.
#include "app/bench_http.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <fstream>
#include <iterator>
#include <optional>
#include <utility>

#include <boost/asio.hpp>
#include <nlohmann/json.hpp>
#include <poll.h>
#include <unistd.h>

#include "cli/child_process.h"
#include "cli/progress_bar.h"

namespace selvedge::app {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;

constexpr double kStartSecondsMax = 600;  // A large index is read before the port opens.
constexpr int kLookEveryMs = 10;
constexpr std::string_view kHeadEnd = "\r\n\r\n";

std::string file_text(const std::filesystem::path& file) {
  std::ifstream stream(file, std::ios::binary);
  return std::string(std::istreambuf_iterator<char>(stream), {});
}

// CPU seconds of another process; man 5 proc: utime and stime are the 14th and 15th.
double cpu_s_of(pid_t pid) {
  const std::string stat = file_text("/proc/" + std::to_string(pid) + "/stat");
  const std::size_t name_end = stat.rfind(')');
  if (name_end == std::string::npos) return 0;
  std::istringstream fields(stat.substr(name_end + 1));
  std::string skipped;
  for (int at = 0; at < 11; ++at) fields >> skipped;
  double user = 0;
  double system = 0;
  fields >> user >> system;
  return (user + system) / static_cast<double>(::sysconf(_SC_CLK_TCK));
}

// `selvedge serve` on any free port, ended with the object.
class Server {
 public:
  static Result<std::unique_ptr<Server>> start(const BenchOptions& options,
                                               const std::filesystem::path& home) {
    cli::ProgramCall call;
    const auto log = home / "serve.log";
    call.command = {options.program.string(), "--home", home.string(), "serve", "--port", "0"};
    call.unset = {"SELVEDGE_TOKEN"};
    call.log = log;
    call.background = true;
    SEL_TRY(process, cli::ChildProcess::start(call));
    auto server = std::make_unique<Server>(std::move(process));
    constexpr std::string_view kListening = "listening on http://127.0.0.1:";
    for (const double begun = wall_s(); wall_s() - begun < kStartSecondsMax;) {
      const std::string told = file_text(log);
      const std::size_t found = told.find(kListening);
      if (found != std::string::npos && told.find('\n', found) != std::string::npos) {
        server->port_ =
            static_cast<std::uint16_t>(std::stoul(told.substr(found + kListening.size())));
        return server;
      }
      if (server->process_.exit_code()) {
        return Error{Code::unavailable, "the server ended at its start: " + told};
      }
      ::poll(nullptr, 0, kLookEveryMs);
    }
    return Error{Code::unavailable, "the server did not start in time"};
  }

  explicit Server(cli::ChildProcess process) : process_(std::move(process)) {}
  ~Server() {
    process_.send_signal(SIGTERM);
    process_.wait();
  }
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  std::uint16_t port() const { return port_; }
  double cpu_s() const { return cpu_s_of(process_.pid()); }

 private:
  cli::ChildProcess process_;
  std::uint16_t port_ = 0;
};

std::string query_text(const BenchData& data, std::size_t at, std::size_t top_k, float recall) {
  const auto vector = data.query(at);
  std::string body = "{\"vector\":[";
  char digits[32];
  for (const float value : vector) {
    const auto end = std::to_chars(digits, digits + sizeof(digits), value).ptr;
    body.append(digits, end);
    body += ',';
  }
  body.back() = ']';
  const auto end = std::to_chars(digits, digits + sizeof(digits), recall).ptr;
  body += ",\"topK\":" + std::to_string(top_k) + ",\"recall\":" + std::string(digits, end) + "}";
  return "POST /client/v4/accounts/" + std::string(BenchIndex::kAccount) +
         "/vectorize/v2/indexes/" + BenchIndex::kName +
         "/query HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n"
         "content-length: " +
         std::to_string(body.size()) + "\r\n\r\n" + body;
}

// What the connections of one pass share.
struct Pass {
  const std::vector<std::string>& requests;
  std::vector<std::string> bodies;
  std::vector<float> us;
  std::size_t next = 0;
  std::string failure;
};

std::size_t content_length(std::string_view head) {
  constexpr std::string_view kName = "content-length:";
  const auto found = std::search(head.begin(), head.end(), kName.begin(), kName.end(),
                                 [](char a, char b) { return (a | 0x20) == (b | 0x20); });
  if (found == head.end()) return 0;
  const char* at = &*found + kName.size();
  while (*at == ' ') ++at;
  std::size_t length = 0;
  std::from_chars(at, head.data() + head.size(), length);
  return length;
}

// A keep-alive connection, and the answer that it waits for.
class Line {
 public:
  explicit Line(asio::io_context& io) : socket_(io) {}

  boost::system::error_code connect(std::uint16_t port) {
    boost::system::error_code fault;
    socket_.connect(tcp::endpoint(asio::ip::address_v4::loopback(), port), fault);
    if (!fault) socket_.set_option(tcp::no_delay(true), fault);
    return fault;
  }
  int descriptor() { return socket_.native_handle(); }
  bool asks() const { return asks_; }

  // The next question of the pass, if there is one.
  void ask(Pass& pass) {
    asks_ = pass.next < pass.requests.size() && pass.failure.empty();
    if (!asks_) return;
    at_ = pass.next++;
    begun_ = wall_s();
    boost::system::error_code fault;
    asio::write(socket_, asio::buffer(pass.requests[at_]), fault);
    if (fault) fail(pass, fault.message());
  }

  // What has come; with the whole answer the next question goes out.
  void read(Pass& pass) {
    std::array<char, 16 * 1024> bytes;
    boost::system::error_code fault;
    answer_.append(bytes.data(), socket_.read_some(asio::buffer(bytes), fault));
    if (fault) return fail(pass, answer_.empty() ? "the server closed the connection" : answer_);
    if (whole_ == 0) {
      const std::size_t head = answer_.find(kHeadEnd);
      if (head == std::string::npos) return;
      whole_ = head + kHeadEnd.size() + content_length(std::string_view(answer_).substr(0, head));
    }
    if (answer_.size() < whole_) return;
    pass.us.push_back(static_cast<float>((wall_s() - begun_) * 1e6));
    if (!answer_.starts_with("HTTP/1.1 200")) return fail(pass, answer_);
    pass.bodies[at_] = std::exchange(answer_, std::string());
    whole_ = 0;
    ask(pass);
  }

 private:
  void fail(Pass& pass, const std::string& why) {
    pass.failure = why;
    asks_ = false;
  }

  tcp::socket socket_;
  bool asks_ = false;
  std::size_t at_ = 0;
  double begun_ = 0;
  std::string answer_;
  std::size_t whole_ = 0;  // Its bytes; 0 while the head is not whole.
};

// Connections, kept from pass to pass, and one thread that does no more than a client must: the
// server's cores are the client's, too.
class Client {
 public:
  Client(std::uint16_t port, std::size_t connections) : port_(port) {
    for (std::size_t at = 0; at < connections; ++at) lines_.emplace_back(io_);
  }

  Status connect() {
    for (Line& line : lines_) {
      const auto fault = line.connect(port_);
      if (fault) return Error{Code::unavailable, "cannot connect: " + fault.message()};
    }
    return ok_status();
  }

  // Seconds until all was answered.
  Result<double> ask(Pass& pass) {
    const double begun = wall_s();
    for (Line& line : lines_) line.ask(pass);
    std::vector<pollfd> waited;
    for (Line& line : lines_) waited.push_back({line.descriptor(), POLLIN, 0});
    while (
        std::any_of(lines_.begin(), lines_.end(), [](const Line& line) { return line.asks(); })) {
      if (::poll(waited.data(), waited.size(), -1) < 0 && errno != EINTR) break;
      for (std::size_t at = 0; at < lines_.size(); ++at) {
        if (waited[at].revents != 0 && lines_[at].asks()) lines_[at].read(pass);
      }
    }
    const double took = wall_s() - begun;
    if (!pass.failure.empty()) return Error{Code::io, "the server answered: " + pass.failure};
    return took;
  }

 private:
  asio::io_context io_{1};
  std::vector<Line> lines_;
  std::uint16_t port_;
};

// The rows that the answers name.
Result<Neighbours> rows_of(const std::vector<std::string>& answers) {
  Neighbours all;
  for (const std::string& answer : answers) {
    const std::size_t body = answer.find(kHeadEnd);
    const auto json = nlohmann::json::parse(answer.substr(body), nullptr, false);
    const auto* matches = json.is_object() && json.contains("result") &&
                                  json["result"].is_object() && json["result"].contains("matches")
                              ? &json["result"]["matches"]
                              : nullptr;
    if (matches == nullptr) return Error{Code::internal, "an answer is no list of matches"};
    std::vector<std::uint32_t> rows;
    for (const auto& match : *matches) {
      rows.push_back(static_cast<std::uint32_t>(std::stoul(match.value("id", "0"))));
    }
    all.push_back(std::move(rows));
  }
  return all;
}

Result<HttpRow> measure_setting(Client& client, const Server& server, const BenchData& data,
                                const BenchOptions& options, const SweepRow& in_process,
                                const Neighbours& truth) {
  std::vector<std::string> requests;
  for (std::size_t at = 0; at < data.query_count(); ++at) {
    requests.push_back(query_text(data, at, options.top_k, in_process.setting));
  }
  HttpRow row{in_process.setting, {}, 0, 0};
  std::vector<double> qps;
  std::vector<float> us;
  const double server_cpu = server.cpu_s();
  const double client_cpu = process_cpu_s();
  std::vector<std::string> answers;
  for (std::size_t round = 0; round < options.rounds; ++round) {
    Pass pass{requests, std::vector<std::string>(requests.size()), {}, 0, {}};
    SEL_TRY(took, client.ask(pass));
    qps.push_back(static_cast<double>(requests.size()) / took);
    us.insert(us.end(), pass.us.begin(), pass.us.end());
    answers = std::move(pass.bodies);
  }
  const auto asked = static_cast<double>(options.rounds * requests.size());
  row.client_cpu_us = (process_cpu_s() - client_cpu) / asked * 1e6;
  row.figures.qps_cpu = asked / std::max(server.cpu_s() - server_cpu, 1e-9);
  SEL_TRY(found, rows_of(answers));
  row.figures.recall = recall_of(found, truth, options.top_k);
  row.figures.qps_wall = median(qps);
  row.figures.p50_us = percentile(us, 0.5);
  row.figures.p99_us = percentile(us, 0.99);
  row.of_in_process = row.figures.qps_wall / in_process.figures.qps_wall;
  return row;
}

Result<HttpFigures> measure_server(const BenchIndex& index, const BenchData& data,
                                   const BenchOptions& options,
                                   const std::vector<SweepRow>& in_process, const Neighbours& truth,
                                   bool quiet) {
  HttpFigures figures;
  figures.connections = options.connections;
  const double begun = wall_s();
  SEL_TRY(server, Server::start(options, index.home()));
  Client client(server->port(), options.connections);
  SEL_CHECK_OK(client.connect());
  const std::vector<std::string> first = {query_text(data, 0, options.top_k, 1)};
  Pass pass{first, std::vector<std::string>(1), {}, 0, {}};
  SEL_TRY(took, client.ask(pass));
  figures.ready_s = wall_s() - begun;
  cli::ProgressBar bar("bench", quiet, "settings");
  for (const SweepRow& row : in_process) {
    bar.update(figures.rows.size(), in_process.size(), "over HTTP");
    SEL_TRY(measured, measure_setting(client, *server, data, options, row, truth));
    figures.rows.push_back(std::move(measured));
  }
  bar.update(in_process.size(), in_process.size(), "over HTTP");
  return figures;
}

}  // namespace

Result<HttpFigures> measure_http(BenchIndex& index, const BenchData& data,
                                 const BenchOptions& options,
                                 const std::vector<SweepRow>& in_process, bool quiet) {
  SEL_TRY(truth, true_neighbours(index.index(), data, options, std::nullopt));
  index.close();
  auto figures = measure_server(index, data, options, in_process, truth, quiet);
  SEL_CHECK_OK(index.open());
  return figures;
}

}  // namespace selvedge::app
