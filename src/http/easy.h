// Easy: one libcurl handle, set up as every request of ours wants it.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include <curl/curl.h>

#include "base/result.h"
#include "http/message.h"

namespace selvedge::http {

// Blocking; one request, one thread. Only http and https; loopback is never asked through a proxy.
class Easy {
 public:
  explicit Easy(const std::string& url);
  bool ready() const { return handle_ != nullptr; }

  template <class Value>
  void set(CURLoption option, Value value) {
    curl_easy_setopt(handle_.get(), option, value);
  }
  void add_request_header(const std::string& line);
  void set_times(int connect_ms_max, int silence_ms_max);

  // Adds one raw header line of a response; a status line empties `headers`, so that those of the
  // last response (after redirects and 1xx) stay.
  void add_header_line(std::string_view line, Headers& headers) const;

  // Errors: unavailable (cannot connect), deadline_exceeded, io.
  Status perform();

  int status() const;
  // Where the response sends us, absolute; empty when nowhere.
  std::string redirect_url() const;

 private:
  struct Close {
    void operator()(CURL* handle) const { curl_easy_cleanup(handle); }
    void operator()(curl_slist* list) const { curl_slist_free_all(list); }
  };

  std::unique_ptr<CURL, Close> handle_;
  std::unique_ptr<curl_slist, Close> headers_;
  std::string host_;
  std::string fault_text_;
};

// True for localhost, *.localhost and loopback addresses.
bool is_loopback_url(const std::string& url);

}  // namespace selvedge::http
