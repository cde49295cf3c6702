// WorkerEnvironment: the variables with which wrangler, Miniflare and the SDKs find this server.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "cli/context.h"

namespace selvedge::cli {

// Names and values, in the order they are shown.
using Variables = std::vector<std::pair<std::string, std::string>>;

// What `selvedge dev` sets, what `selvedge env` prints and `selvedge init` writes. SELVEDGE_TOKEN
// is among them where the context has a token. Source of the names: workers-sdk, wrangler's and
// Miniflare's environment variables.
Variables worker_environment(const Context& context);

// `worker_environment` for a `.env` file: what wrangler finds there also becomes variables of the
// Worker, unless CLOUDFLARE_LOAD_DEV_VARS_FROM_DOT_ENV=false stands there, too. `alone`: no other
// line of the file is meant for the Worker, so it is added. (In a shell's environment it would only
// hide the project's own `.env` from the Worker.)
Variables dotenv_environment(const Context& context, bool alone);

// Variables that would lead wrangler or the launcher to another account or API than those above.
// Each view is a whole literal.
const std::vector<std::string_view>& contrary_variables();

// One `export NAME='value'` a line, for `eval "$(…)"` of any POSIX shell.
std::string shell_form(const Variables& variables);

// One `NAME=value` a line, quoted where dotenv needs it, `$` escaped as dotenv-expand reads it.
std::string dotenv_form(const Variables& variables);

// A JSON object.
std::string json_form(const Variables& variables);

}  // namespace selvedge::cli
