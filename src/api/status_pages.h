// Status pages: what people and monitors look at; never behind work.
#pragma once

#include "api/access_log.h"
#include "api/context.h"
#include "http/message.h"

namespace selvedge::api {

// GET /health: {"status":"ok","version":"…","uptime_s":n}
http::Response health_page(const ApiContext& context);

// GET /: what this is and which routes there are, as plain text.
http::Response home_page(const ApiContext& context);

// GET /metrics: the Prometheus text form: requests, open streams, vectors, runners.
http::Response metrics_page(const ApiContext& context, const RequestCounts& counts);

}  // namespace selvedge::api
