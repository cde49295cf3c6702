// Picture store: files renamed into place, and signed PUTs.
#include "api/picture_store.h"

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <filesystem>
#include <optional>
#include <system_error>
#include <utility>

#include <unistd.h>

#include "base/sha256.h"
#include "catalog/durable_file.h"
#include "http/client.h"

namespace selvedge::api {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kNameBytesMax = 512;
constexpr int kSilenceMsMax = 60'000;
constexpr int kTries = 2;
constexpr std::string_view kBucketScheme = "s3://";

std::string variable(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? std::string() : std::string(value);
}

class PictureFolder final : public PictureStore {
 public:
  explicit PictureFolder(fs::path folder) : folder_(std::move(folder)) {}

  Result<std::string> put(std::string_view name, std::string_view bytes,
                          const std::string&) const override {
    SEL_CHECK_OK(check_picture_name(name));
    const fs::path place = folder_ / fs::path(name);
    std::error_code problem;
    fs::create_directories(place.parent_path(), problem);
    if (problem) {
      return Error{Code::io,
                   "cannot create \"" + place.parent_path().string() + "\": " + problem.message()};
    }
    static std::atomic<unsigned> count = 0;
    const fs::path partial =
        place.parent_path() / ("." + place.filename().string() + "." + std::to_string(::getpid()) +
                               "-" + std::to_string(++count));
    Status written = catalog::write_durably(partial, bytes);
    if (written.ok()) written = catalog::rename_durably(partial, place);
    if (written.ok()) return place.string();
    ::unlink(partial.c_str());
    return written.error();
  }

 private:
  fs::path folder_;
};

struct Bucket {
  std::string name;
  std::string prefix;    // Empty, or ended by a slash.
  std::string endpoint;  // Without a slash at its end.
  http::AwsSignature signature;
  std::string session_token;
};

std::string encoded_path(std::string_view path) {
  std::string encoded;
  while (true) {
    const std::size_t slash = std::min(path.find('/'), path.size());
    encoded += http::percent_encoded(path.substr(0, slash));
    if (slash == path.size()) return encoded;
    encoded += '/';
    path.remove_prefix(slash + 1);
  }
}

class PictureBucket final : public PictureStore {
 public:
  explicit PictureBucket(Bucket bucket) : bucket_(std::move(bucket)) {}

  Result<std::string> put(std::string_view name, std::string_view bytes,
                          const std::string& content_type) const override {
    SEL_CHECK_OK(check_picture_name(name));
    const std::string key = bucket_.prefix + std::string(name);
    http::ClientRequest request;
    request.method = "PUT";
    request.url = bucket_.endpoint + "/" + bucket_.name + "/" + encoded_path(key);
    // The services ask for it, and libcurl 7.88 signs it only where it is given.
    Sha256 hash;
    hash.add(bytes);
    request.headers = {{"content-type", content_type}, {"x-amz-content-sha256", hash.hex()}};
    if (!bucket_.session_token.empty()) {
      request.headers.emplace_back("x-amz-security-token", bucket_.session_token);
    }
    request.body = bytes;
    request.silence_ms_max = kSilenceMsMax;
    request.signature = bucket_.signature;
    Error error{Code::unavailable, ""};
    for (int at = 0; at < kTries; ++at) {
      auto response = http::send(request);
      const std::string place = std::string(kBucketScheme) + bucket_.name + "/" + key;
      if (response.ok() && response->status / 100 == 2) return place;
      error = response.ok() ? refusal(*response) : response.error();
      if (response.ok() && response->status < 500) break;
    }
    return error;
  }

 private:
  Error refusal(const http::ClientResponse& response) const {
    // <Error><Code>SignatureDoesNotMatch</Code>…: the code is enough, the rest repeats the request.
    std::string code;
    const std::size_t begin = response.body.find("<Code>");
    const std::size_t end = response.body.find("</Code>");
    if (begin != std::string::npos && end != std::string::npos && begin + 6 < end) {
      code = ", " + response.body.substr(begin + 6, std::min<std::size_t>(end - begin - 6, 64));
    }
    return Error{Code::internal, "bucket \"" + bucket_.name + "\" refused a picture (" +
                                     std::to_string(response.status) + code + ")"};
  }

  Bucket bucket_;
};

Result<Bucket> read_bucket(std::string_view place) {
  place.remove_prefix(kBucketScheme.size());
  const std::size_t slash = std::min(place.find('/'), place.size());
  Bucket bucket;
  bucket.name = place.substr(0, slash);
  bucket.prefix = place.substr(std::min(slash + 1, place.size()));
  while (bucket.prefix.ends_with('/')) bucket.prefix.pop_back();
  const bool named = check_picture_name(bucket.name).ok() && bucket.name.size() >= 3;
  if (!named || (!bucket.prefix.empty() && !check_picture_name(bucket.prefix).ok())) {
    return Error{Code::invalid_input, "--store: s3://bucket/prefix names no bucket"};
  }
  if (!bucket.prefix.empty()) bucket.prefix += '/';
  bucket.signature.access_key = variable("AWS_ACCESS_KEY_ID");
  bucket.signature.secret_key = variable("AWS_SECRET_ACCESS_KEY");
  bucket.session_token = variable("AWS_SESSION_TOKEN");
  if (bucket.signature.access_key.empty() || bucket.signature.secret_key.empty()) {
    return Error{Code::invalid_input,
                 "--store: a bucket needs AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY in the "
                 "environment"};
  }
  std::string endpoint = variable("AWS_ENDPOINT_URL_S3");
  if (endpoint.empty()) endpoint = variable("AWS_ENDPOINT_URL");
  std::string region = variable("AWS_REGION");
  if (region.empty()) region = variable("AWS_DEFAULT_REGION");
  if (region.empty()) region = endpoint.empty() ? "us-east-1" : "auto";
  if (endpoint.empty()) endpoint = "https://s3." + region + ".amazonaws.com";
  while (endpoint.ends_with('/')) endpoint.pop_back();
  if (!endpoint.starts_with("https://") && !endpoint.starts_with("http://")) {
    return Error{Code::invalid_input, "--store: AWS_ENDPOINT_URL must begin with https://"};
  }
  bucket.endpoint = std::move(endpoint);
  bucket.signature.region = std::move(region);
  bucket.signature.service = "s3";
  return bucket;
}

bool name_letter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
         std::string_view(" -_.!()'=+@").find(c) != std::string_view::npos;
}

}  // namespace

Result<std::shared_ptr<const PictureStore>> PictureStore::open(const std::string& place) {
  using Opened = std::shared_ptr<const PictureStore>;
  if (place.starts_with(kBucketScheme)) {
    SEL_TRY(bucket, read_bucket(place));
    return Opened(std::make_shared<PictureBucket>(std::move(bucket)));
  }
  if (place.empty() || place.find("://") != std::string::npos) {
    return Error{Code::invalid_input, "--store: must be a folder or s3://bucket/prefix"};
  }
  std::error_code problem;
  const fs::path folder = fs::absolute(place, problem);
  if (!problem) fs::create_directories(folder, problem);
  if (problem) return Error{Code::io, "cannot create \"" + place + "\": " + problem.message()};
  return Opened(std::make_shared<PictureFolder>(folder));
}

Status check_picture_name(std::string_view name) {
  const Error bad{Code::invalid_input,
                  "'/options/store' must be a name of up to 512 letters, digits and -_.!()'=+@, in "
                  "parts between slashes that do not begin with a dot"};
  if (name.empty() || name.size() > kNameBytesMax) return bad;
  while (true) {
    const std::size_t slash = std::min(name.find('/'), name.size());
    const std::string_view part = name.substr(0, slash);
    if (part.empty() || part.front() == '.' || !std::ranges::all_of(part, name_letter)) return bad;
    if (slash == name.size()) return ok_status();
    name.remove_prefix(slash + 1);
  }
}

}  // namespace selvedge::api
