// download: a file over HTTP, continued where it stopped.
//
// What is on disk in `file` is a beginning of the whole, or the whole. Beside it, `<file>.etag`
// keeps the validator of the version it began with, so that a continuation is never of another
// version; it is removed with success. Callers check the SHA-256 of what comes out.
#include <charconv>
#include <fstream>
#include <optional>
#include <system_error>

#include <fcntl.h>
#include <unistd.h>

#include "http/client.h"
#include "http/easy.h"

namespace selvedge::http {
namespace {

constexpr int kConnectMsMax = 15'000;
constexpr int kSilenceMsMax = 60'000;
constexpr int kRedirectsMax = 10;

struct Transfer {
  Easy& easy;
  std::filesystem::path file;
  std::uint64_t bytes_max;
  const std::function<void(std::uint64_t, std::uint64_t)>& on_progress;
  int out = -1;
  std::uint64_t resumed_at = 0;  // Asked for.
  std::uint64_t done = 0;
  std::uint64_t total = 0;  // 0 = not told.
  Headers headers;
  std::optional<Error> fault;

  ~Transfer() {
    if (out >= 0) ::close(out);
  }
};

std::filesystem::path tag_file(const std::filesystem::path& file) {
  return file.string() + ".etag";
}

std::string read_tag(const std::filesystem::path& file) {
  std::ifstream in(tag_file(file), std::ios::binary);
  std::string tag;
  std::getline(in, tag);
  return tag;
}

void write_tag(const std::filesystem::path& file, std::string_view tag) {
  std::error_code ignored;
  // A weak validator does not promise the same bytes.
  if (tag.empty() || tag.starts_with("W/")) {
    std::filesystem::remove(tag_file(file), ignored);
    return;
  }
  std::ofstream out(tag_file(file), std::ios::binary | std::ios::trunc);
  out << tag << '\n';
}

std::optional<std::uint64_t> number(std::string_view text) {
  std::uint64_t value = 0;
  const char* end = text.data() + text.size();
  const auto [stopped, fault] = std::from_chars(text.data(), end, value);
  if (text.empty() || fault != std::errc() || stopped != end) return std::nullopt;
  return value;
}

// First byte and size of the whole, from "bytes 5-9/10"; nullopt for another form.
std::optional<std::pair<std::uint64_t, std::uint64_t>> content_range(std::string_view value) {
  if (!value.starts_with("bytes ")) return std::nullopt;
  value.remove_prefix(6);
  const std::size_t dash = value.find('-');
  const std::size_t slash = value.find('/');
  if (dash == std::string_view::npos || slash == std::string_view::npos) return std::nullopt;
  const auto first = number(value.substr(0, dash));
  if (!first) return std::nullopt;
  return std::pair(*first, number(value.substr(slash + 1)).value_or(0));
}

bool fail(Transfer& transfer, Code code, std::string message) {
  transfer.fault = Error{code, std::move(message)};
  return false;
}

// On the first bytes of a good answer: opens the file where the answer goes on. False: give up.
bool begin(Transfer& transfer) {
  const int status = transfer.easy.status();
  if (status != 200 && status != 206)
    return fail(transfer, Code::download_failed, "the server answered " + std::to_string(status));
  const auto length = number(transfer.headers.get("content-length"));
  if (status == 206) {
    const auto range = content_range(transfer.headers.get("content-range"));
    if (!range || range->first != transfer.resumed_at)
      return fail(transfer, Code::download_failed, "the server sent another part than asked for");
    transfer.done = transfer.resumed_at;
    transfer.total = range->second;
    if (transfer.total == 0 && length) transfer.total = transfer.done + *length;
  } else {
    transfer.done = 0;
    transfer.total = length.value_or(0);
  }
  if (transfer.total > transfer.bytes_max)
    return fail(transfer, Code::download_failed, "the file is larger than allowed");
  const int truncate = status == 200 ? O_TRUNC : 0;
  transfer.out = ::open(transfer.file.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC | truncate, 0644);
  if (transfer.out < 0 || ::lseek(transfer.out, 0, SEEK_END) < 0)
    return fail(transfer, Code::io, "cannot write " + transfer.file.filename().string());
  if (status == 200) write_tag(transfer.file, transfer.headers.get("etag"));
  return true;
}

bool is_redirect(int status) {
  return status == 301 || status == 302 || status == 303 || status == 307 || status == 308;
}

bool keep(Transfer& transfer, std::string_view bytes) {
  if (transfer.fault) return false;
  if (is_redirect(transfer.easy.status())) return true;  // Its body says nothing.
  if (transfer.out < 0 && !begin(transfer)) return false;
  if (bytes.size() > transfer.bytes_max - transfer.done)
    return fail(transfer, Code::download_failed, "the file is larger than allowed");
  while (!bytes.empty()) {
    const ssize_t count = ::write(transfer.out, bytes.data(), bytes.size());
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0)
      return fail(transfer, Code::io,
                  "cannot write " + transfer.file.filename().string() + ": " +
                      std::generic_category().message(errno));
    bytes.remove_prefix(static_cast<std::size_t>(count));
    transfer.done += static_cast<std::uint64_t>(count);
  }
  if (transfer.on_progress) transfer.on_progress(transfer.done, transfer.total);
  return true;
}

std::size_t take_body(char* bytes, std::size_t, std::size_t count, void* to) {
  return keep(*static_cast<Transfer*>(to), std::string_view(bytes, count)) ? count : count + 1;
}

std::size_t take_header(char* bytes, std::size_t, std::size_t count, void* to) {
  auto& transfer = *static_cast<Transfer*>(to);
  transfer.easy.add_header_line(std::string_view(bytes, count), transfer.headers);
  return count;
}

// True when there is nothing left to fetch: a partial file that is whole makes the range empty.
bool is_whole_already(const Transfer& transfer) {
  if (transfer.easy.status() != 416 || transfer.resumed_at == 0) return false;
  const std::string_view range = transfer.headers.get("content-range");
  const std::size_t slash = range.find('/');
  return slash != std::string_view::npos && number(range.substr(slash + 1)) == transfer.resumed_at;
}

Status finish(Transfer& transfer, Status ended) {
  if (is_whole_already(transfer)) return ok_status();
  if (transfer.fault) return *transfer.fault;
  if (!ended.ok()) return Error{Code::download_failed, ended.error().message};
  if (transfer.out < 0 && !begin(transfer)) return *transfer.fault;  // An empty file.
  if (transfer.total != 0 && transfer.done != transfer.total)
    return Error{Code::download_failed, "the file ended early"};
  if (::fsync(transfer.out) != 0)
    return Error{Code::io, "cannot write " + transfer.file.filename().string()};
  return ok_status();
}

// "https://host:port"
std::string_view server_of(std::string_view url) {
  const std::size_t scheme = url.find("://");
  return scheme == url.npos ? url : url.substr(0, url.find('/', scheme + 3));
}

// Where a redirect may lead: over https anywhere, over http only from loopback to loopback.
bool may_fetch(const std::string& url, bool began_on_loopback) {
  if (url.starts_with("https://")) return true;
  return began_on_loopback && url.starts_with("http://") && is_loopback_url(url);
}

// One request. Returns where it was sent on to, or an empty text when the file is whole.
Result<std::string> fetch(const std::string& url, const std::filesystem::path& file,
                          std::uint64_t bytes_max,
                          const std::function<void(std::uint64_t, std::uint64_t)>& on_progress,
                          const std::string& bearer) {
  Easy easy(url);
  if (!easy.ready()) return Error{Code::internal, "libcurl cannot start"};
  std::error_code fault;
  std::uint64_t present = std::filesystem::file_size(file, fault);
  if (fault == std::errc::no_such_file_or_directory) {
    present = 0;
  } else if (fault) {
    return Error{Code::io, "cannot read " + file.filename().string()};
  }
  Transfer transfer{easy, file, bytes_max, on_progress, -1, present, 0, 0, {}, std::nullopt};
  if (!bearer.empty()) easy.add_request_header("Authorization: Bearer " + bearer);
  if (present > 0) {
    easy.add_request_header("Range: bytes=" + std::to_string(present) + "-");
    const std::string tag = read_tag(file);
    if (!tag.empty()) easy.add_request_header("If-Range: " + tag);
  }
  easy.set_times(kConnectMsMax, kSilenceMsMax);
  easy.set(CURLOPT_WRITEFUNCTION, &take_body);
  easy.set(CURLOPT_WRITEDATA, &transfer);
  easy.set(CURLOPT_HEADERFUNCTION, &take_header);
  easy.set(CURLOPT_HEADERDATA, &transfer);
  Status ended = easy.perform();
  if (ended.ok() && is_redirect(easy.status())) {
    std::string next = easy.redirect_url();
    if (next.empty()) return Error{Code::download_failed, "a redirect to nowhere"};
    return next;
  }
  SEL_CHECK_OK(finish(transfer, std::move(ended)));
  std::filesystem::remove(tag_file(file), fault);
  return std::string();
}

}  // namespace

Status download(const std::string& url, const std::filesystem::path& file, std::uint64_t bytes_max,
                const std::function<void(std::uint64_t, std::uint64_t)>& on_progress,
                const std::string& bearer) {
  const bool began_on_loopback = is_loopback_url(url);
  std::string from = url;
  for (int redirects = 0; redirects <= kRedirectsMax; ++redirects) {
    if (!may_fetch(from, began_on_loopback))
      return Error{Code::download_failed, "only https is followed"};
    SEL_TRY(next, fetch(from, file, bytes_max, on_progress,
                        server_of(from) == server_of(url) ? bearer : std::string()));
    if (next.empty()) return ok_status();
    from = std::move(next);
  }
  return Error{Code::download_failed, "too many redirects"};
}

}  // namespace selvedge::http
