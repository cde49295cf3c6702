// Picture store: where pictures are kept besides being answered: a folder, or a bucket of S3's
// kind.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "base/result.h"

namespace selvedge::api {

// Thread-safe.
class PictureStore {
 public:
  // `place`: a folder (made when missing), or "s3://bucket/prefix". For the latter the environment
  // has what the tools of S3 look for: AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN,
  // AWS_REGION (us-east-1; "auto" with an endpoint), AWS_ENDPOINT_URL_S3 or AWS_ENDPOINT_URL (R2,
  // MinIO …). Errors: invalid_input (no such place, no credentials), io.
  static Result<std::shared_ptr<const PictureStore>> open(const std::string& place);
  virtual ~PictureStore() = default;

  // Keeps a file whole or not at all, in place of one of this name; blocks. Returns where it is, as
  // "s3://bucket/prefix/name" or the path. Errors: invalid_input (a name that is none), io,
  // unavailable, internal (the bucket's refusal).
  virtual Result<std::string> put(std::string_view name, std::string_view bytes,
                                  const std::string& content_type) const = 0;
};

// Up to 512 bytes in parts between slashes: no part is empty, "." or "..", none begins with a dot,
// and there are letters, digits, spaces and -_.!()'=+@ only. Errors: invalid_input.
Status check_picture_name(std::string_view name);

}  // namespace selvedge::api
