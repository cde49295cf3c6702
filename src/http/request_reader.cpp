// Beast parses; `head.h` refuses before it what Beast would let through (folded lines, other
// codings than chunked, several hosts, other targets), and this file bounds bytes and time.
#include "http/request_reader.h"

#include <algorithm>

#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/string_body.hpp>

#include "http/head.h"
#include "http/text.h"

namespace selvedge::http {

namespace beast = boost::beast;

namespace {

constexpr std::size_t kHeadReadBytes = 16 * 1024;  // Mostly the body of a vector query, too.
constexpr std::size_t kBodyReadBytes = 64 * 1024;
// Of a chunked body, bytes that carry no content: extensions and trailers.
constexpr std::size_t kChunkFramingBytesMax = 16 * 1024;

bool refuse(Incoming& incoming, int status, Code code, std::string message) {
  incoming.refusal = Refusal{status, code, std::move(message)};
  return false;
}

std::size_t count_of(const Headers& headers, std::string_view wanted) {
  std::size_t count = 0;
  for (const auto& header : headers.all()) count += equal_caseless(header.first, wanted) ? 1 : 0;
  return count;
}

bool is_one_of(std::string_view name, const std::vector<std::string>& names) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

Line::Clock::time_point after_ms(int ms) {
  return Line::Clock::now() + std::chrono::milliseconds(ms);
}

}  // namespace

struct RequestReader::Parser : beast::http::request_parser<beast::http::string_body> {};

RequestReader::RequestReader(Line& line, const ServerOptions& options, BodyBudget& budget)
    : line_(line), options_(options), budget_(budget) {}
RequestReader::~RequestReader() = default;

asio::awaitable<Incoming> RequestReader::next(std::function<void()> on_head) {
  Incoming incoming;
  incoming.request.peer = line_.peer();
  incoming.request.local = line_.local();
  bool good = co_await read_head(incoming);
  first_ = false;
  if (!good) co_return incoming;
  on_head();
  Parser parser;
  if (parse_head(parser, incoming) && check_request(incoming)) {
    body_deadline_ = after_ms(options_.limits.body_ms_max);
    const bool whole = co_await read_body(parser, incoming);
    if (!whole && !incoming.refusal) incoming.ended = true;
  }
  co_return incoming;
}

// Waits until the input holds a whole head. False: refused or ended.
asio::awaitable<bool> RequestReader::read_head(Incoming& incoming) {
  const ServerLimits& limits = options_.limits;
  auto deadline = after_ms(first_ ? limits.header_ms_max : limits.keep_alive_ms_max);
  bool begun = false;
  bool blank_line_skipped = false;
  std::size_t seen = 0;      // Bytes in which no end was found.
  std::size_t check_at = 1;  // Length at which the bytes so far are checked next.
  while (true) {
    // Some clients send a line break too many after a body.
    if (!blank_line_skipped && line_.input().starts_with("\r\n")) {
      line_.take(2);
      blank_line_skipped = true;
      seen = 0;
    }
    const std::string_view input = line_.input();
    if (!input.empty() && !begun) {
      begun = true;
      deadline = after_ms(limits.header_ms_max);
    }
    const std::size_t end = input.find("\r\n\r\n", seen > 3 ? seen - 3 : 0);
    seen = input.size();
    const bool whole = end != std::string_view::npos;
    const std::size_t head_bytes = whole ? end + 4 : input.size();
    if (input != "\r" && (whole || input.size() >= check_at)) {
      // Also while it comes in, so that a doubtful head is answered early; but at doubling lengths,
      // so that bytes one by one do not cost the square of their number.
      const auto checked = check_head_bytes(input.substr(0, head_bytes));
      if (!checked.ok())
        co_return refuse(incoming, 400, Code::invalid_input, checked.error().message);
      check_at = 2 * input.size();
    }
    if (head_bytes > limits.header_bytes_max)
      co_return refuse(incoming, 431, Code::invalid_input, "the request head is too large");
    if (whole) {
      head_bytes_ = head_bytes;
      co_return true;
    }
    const Line::Got got = co_await line_.read(deadline, kHeadReadBytes);
    if (got == Line::Got::late && begun)
      co_return refuse(incoming, 408, Code::deadline_exceeded, "the request head took too long");
    if (got != Line::Got::bytes) {
      incoming.ended = true;
      co_return false;
    }
  }
}

bool RequestReader::parse_head(Parser& parser, Incoming& incoming) {
  parser.header_limit(static_cast<std::uint32_t>(options_.limits.header_bytes_max));
  parser.body_limit(boost::none);  // BodySink counts.
  boost::system::error_code fault;
  const std::size_t took = parser.put(asio::buffer(line_.input().data(), head_bytes_), fault);
  if (fault && fault != beast::http::error::need_more)
    return refuse(incoming, 400, Code::invalid_input, "invalid request: " + fault.message());
  if (!parser.is_header_done() || took != head_bytes_)
    return refuse(incoming, 400, Code::invalid_input, "invalid request head");
  line_.take(head_bytes_);
  parser.eager(true);

  const auto& head = parser.get();
  Request& request = incoming.request;
  request.method = std::string(head.method_string());
  request.target = std::string(head.target());
  for (const auto& field : head)
    request.headers.add(std::string(field.name_string()), std::string(field.value()));
  if (request.headers.all().size() > options_.limits.header_count_max)
    return refuse(incoming, 431, Code::invalid_input, "too many header lines");
  incoming.http_1_0 = head.version() < 11;
  incoming.keep_alive = parser.keep_alive();
  return true;
}

// Everything that is decided by the head alone.
bool RequestReader::check_request(Incoming& incoming) {
  Request& request = incoming.request;
  const auto framing = framing_of(request.headers, incoming.http_1_0);
  if (!framing.ok()) return refuse(incoming, 400, Code::invalid_input, framing.error().message);
  chunked_ = framing->chunked;
  length_ = framing->length;
  if (request.method == "OPTIONS" && request.target == "*") {
    request.path = "*";  // Asks about the server as a whole.
  } else {
    const auto target = read_target(request.target, request);
    if (!target.ok()) return refuse(incoming, 400, Code::invalid_input, target.error().message);
  }
  incoming.target_known = true;

  if (!check_host(incoming) || !check_origin(incoming)) return false;
  const std::string_view expect = request.headers.get("expect");
  if (!expect.empty() && !equal_caseless(expect, "100-continue"))
    return refuse(incoming, 417, Code::invalid_input, "unknown Expect header");
  const std::string_view coding = request.headers.get("content-encoding");
  gzip_ = equal_caseless(coding, "gzip") || equal_caseless(coding, "x-gzip");
  // @cloudflare/ai 1.1.0 sends the media type in this header.
  const bool plain = coding.empty() || equal_caseless(coding, "identity") ||
                     equal_caseless(coding, "application/json");
  if (!gzip_ && !plain)
    return refuse(incoming, 415, Code::unknown_content_type,
                  "Content-Encoding must be gzip or absent");
  if (options_.admission && (chunked_ || length_ > 0)) {
    incoming.refusal = options_.admission(request);
    if (incoming.refusal) return false;
  }
  body_bytes_max_ =
      options_.body_limit ? options_.body_limit(request) : limits::json_body_bytes_max;
  if (!chunked_ && length_ > body_bytes_max_)
    return refuse(incoming, 413, Code::body_too_large,
                  "the body is larger than " + std::to_string(body_bytes_max_) + " bytes");
  if (!chunked_ && length_ > budget_.bytes_max - std::min(budget_.used, budget_.bytes_max))
    return refuse(incoming, 503, Code::unavailable, "too many request bodies at once; retry");
  return true;
}

// One valid Host in every request of HTTP/1.1, and a name of ours. A host in the target counts
// instead of the header (RFC 9112, 3.2.2), which handlers then see as if it had been sent so.
bool RequestReader::check_host(Incoming& incoming) {
  Request& request = incoming.request;
  const std::size_t hosts = count_of(request.headers, "host");
  if (hosts > 1 || (hosts == 0 && !incoming.http_1_0))
    return refuse(incoming, 400, Code::invalid_input, "exactly one Host header is needed");
  const auto sent = host_name(request.headers.get("host"));
  if (hosts == 1 && !sent) return refuse(incoming, 400, Code::invalid_input, "invalid Host header");
  if (request.host.empty()) {
    request.host = sent.value_or("");
  } else {
    request.headers.set("Host", request.host);
  }
  if (request.host.empty() || host_allowed(request.host, options_.allowed_hosts) ||
      is_one_of(request.host, options_.program_hosts)) {
    return true;
  }
  return refuse(incoming, 403, Code::host_not_allowed,
                "the Host of this request is not one of this server's names");
}

// A page in a browser may send requests to loopback addresses; it cannot leave out its Origin where
// it could change something.
bool RequestReader::check_origin(Incoming& incoming) {
  const Request& request = incoming.request;
  for (const auto& [name, value] : request.headers.all()) {
    if (!equal_caseless(name, "origin")) continue;
    const auto origin = origin_name(value);
    const bool known = origin && host_allowed(*origin, options_.allowed_hosts);
    const bool for_pages = host_allowed(request.host, options_.allowed_hosts);
    if (!known || !for_pages)
      return refuse(incoming, 403, Code::host_not_allowed,
                    "the Origin of this request is not one of this server's names");
  }
  return true;
}

asio::awaitable<bool> RequestReader::read_body(Parser& parser, Incoming& incoming) {
  if (!chunked_ && length_ == 0) co_return true;
  const bool asks = !incoming.request.headers.get("expect").empty();
  if (asks && !incoming.http_1_0 && line_.input().empty()) {
    const Line::Parts go_on = {"HTTP/1.1 100 Continue\r\n\r\n", "", ""};
    const bool sent = co_await line_.write(go_on, options_.limits.stream_stall_ms_max);
    if (!sent) co_return false;
  }
  BodySink sink(budget_, body_bytes_max_, gzip_, chunked_ || gzip_ ? 0 : length_);
  bool whole = false;
  if (chunked_)
    whole = co_await read_chunks(parser, sink, incoming);
  else
    whole = co_await read_sized(sink, length_, incoming);
  if (!whole) co_return false;
  sink.finish();
  const std::string_view nothing;
  const bool good = co_await keep(sink, nothing, incoming);
  if (!good) co_return false;
  incoming.request.body = sink.take_body();
  incoming.hold = sink.take_hold();
  co_return true;
}

asio::awaitable<bool> RequestReader::read_sized(BodySink& sink, std::uint64_t length,
                                                Incoming& incoming) {
  while (length > 0) {
    const std::string_view bytes = line_.input().substr(0, length);
    if (bytes.empty()) {
      const bool more = co_await more_body(incoming);
      if (!more) co_return false;
      continue;
    }
    const bool kept = co_await keep(sink, bytes, incoming);
    if (!kept) co_return false;
    length -= bytes.size();
    line_.take(bytes.size());
  }
  co_return true;
}

asio::awaitable<bool> RequestReader::read_chunks(Parser& parser, BodySink& sink,
                                                 Incoming& incoming) {
  while (true) {
    const std::string_view input = line_.input();
    boost::system::error_code fault;
    std::size_t took = 0;
    if (!input.empty()) took = parser.put(asio::buffer(input.data(), input.size()), fault);
    line_.take(took);
    if (fault && fault != beast::http::error::need_more)
      co_return refuse(incoming, 400, Code::invalid_input, "invalid chunked body");
    std::string content = std::move(parser.get().body());
    parser.get().body().clear();
    const bool kept = co_await keep(sink, content, incoming);
    if (!kept) co_return false;
    if (parser.is_done()) co_return true;
    if (line_.input().size() > kChunkFramingBytesMax)
      co_return refuse(incoming, 400, Code::invalid_input, "chunk extension or trailer too large");
    const bool more = co_await more_body(incoming);
    if (!more) co_return false;
  }
}

asio::awaitable<bool> RequestReader::more_body(Incoming& incoming) {
  const Line::Got got = co_await line_.read(body_deadline_, kBodyReadBytes);
  if (got == Line::Got::late)
    co_return refuse(incoming, 408, Code::deadline_exceeded, "the request body took too long");
  co_return got == Line::Got::bytes;
}

// Hands `bytes` to the sink in steps, other connections in between.
asio::awaitable<bool> RequestReader::keep(BodySink& sink, std::string_view bytes,
                                          Incoming& incoming) {
  while (!bytes.empty() && sink.fault() == BodySink::Fault::none) {
    bytes.remove_prefix(sink.add(bytes));
    if (!bytes.empty()) co_await line_.yield();
  }
  switch (sink.fault()) {
    case BodySink::Fault::none:
      co_return true;
    case BodySink::Fault::too_large:
      co_return refuse(incoming, 413, Code::body_too_large,
                       "the body is larger than " + std::to_string(body_bytes_max_) + " bytes");
    case BodySink::Fault::busy:
      co_return refuse(incoming, 503, Code::unavailable, "too many request bodies at once; retry");
    case BodySink::Fault::damaged:
      break;
  }
  co_return refuse(incoming, 400, Code::invalid_input, "the body is not valid gzip");
}

}  // namespace selvedge::http
