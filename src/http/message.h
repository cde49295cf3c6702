// Request and Response, as handlers see them.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <boost/asio/awaitable.hpp>

#include "base/result.h"

namespace selvedge::http {

namespace asio = boost::asio;

// Names compare without regard to case; order and repeats are kept.
class Headers {
 public:
  void add(std::string name, std::string value);
  void set(std::string name, std::string value);  // Replaces every one of that name.
  // The first of that name, or empty.
  std::string_view get(std::string_view name) const;
  bool has(std::string_view name) const;
  const std::vector<std::pair<std::string, std::string>>& all() const { return all_; }

 private:
  std::vector<std::pair<std::string, std::string>> all_;
};

struct Request {
  std::string method;  // "GET", as sent.
  std::string target;  // As sent, for logs.
  std::string path;    // Percent-decoded; never empty, starts with '/'.
  // Name of the server that is asked for, in lower case, without port: the target's own in absolute
  // form, else that of the Host header; empty in HTTP/1.0 without one.
  std::string host;
  std::vector<std::pair<std::string, std::string>> query;  // Decoded, in order.
  Headers headers;
  std::string body;   // Whole, already decoded from chunks (and gzip).
  std::string peer;   // Address of the client, for limits and logs.
  std::string local;  // Address and port that the client reached: "127.0.0.1:7358".

  // The first query value of that name, or nullopt.
  std::optional<std::string> query_value(std::string_view name) const;
  // Media type in lower case without parameters; empty when there is none.
  std::string content_type() const;
};

// A body made piece by piece. Destroyed when the client leaves, also in the middle of `next`.
class BodyStream {
 public:
  virtual ~BodyStream() = default;
  // The next bytes to send at once; nullopt = the end. It never fails: an error is written into the
  // stream in the door's own form.
  virtual asio::awaitable<std::optional<std::string>> next() = 0;
  // Asked at the end: whether the body was left off in the middle. Then the connection breaks
  // without the mark of a whole body. For bodies that imitate a broken line.
  virtual bool broken() const { return false; }
};

struct Response {
  int status = 200;
  Headers headers;  // Content-Length, Connection, Date, Transfer-Encoding are the server's own.
  std::string body;
  std::unique_ptr<BodyStream>
      stream;  // When set, `body` is ignored and the pieces go out chunked, each flushed.
};

}  // namespace selvedge::http
