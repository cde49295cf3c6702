// Picture file: pixels as the bytes of a PNG or JPEG.
#pragma once

#include <string>

#include "base/result.h"
#include "wire/messages.h"

namespace selvedge::api {

// Pictures travel as pixels from the runner and become files here: which kind is the door's to say,
// and nothing of a client's is read for it. Both block for some 100 ms: only inside offload(). Same
// pixels, same bytes. Errors: internal (a library refuses).
Result<std::string> png_file(const wire::Picture& picture);
Result<std::string> jpeg_file(const wire::Picture& picture);

}  // namespace selvedge::api
