// Markdown files: what AI.toMarkdown answers, whichever door the files came through.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include <boost/asio/awaitable.hpp>
#include <nlohmann/json_fwd.hpp>

#include "api/context.h"
#include "base/result.h"
#include "documents/conversion.h"
#include "inference/inference.h"

namespace selvedge::api {

namespace asio = boost::asio;

struct MarkdownFile {
  std::string name;
  std::string mime_type;  // As the client says it, with parameters; may be empty.
  std::string bytes;
};

struct MarkdownOptions : documents::ConversionOptions {
  std::string picture_language;  // Of descriptions: "English"; empty: the model's own choice.
};

// `conversionOptions` of a call. What belongs to formats that are not converted here is passed
// over. Errors: invalid_input.
Result<MarkdownOptions> conversion_options(const nlohmann::json& given);

struct MarkdownCaller {
  std::string call_id;     // Makes the ids of results.
  inference::Payer payer;  // Of what models say of pictures.
};

struct MarkdownResults {
  std::string json;
  std::string described_by;  // As `selvedge-model`; empty: no model was asked.
};

// [{"id","name","mimeType","format":"markdown" or "text","tokens","data"}, …] in the order of
// `files`; of one that cannot be converted {…,"format":"error","error"}.
// Errors: invalid_input (no files, too many), queue_full.
// Source: docs/compatibility.md#markdown-conversion.
asio::awaitable<Result<MarkdownResults>> markdown_of_files(const ApiContext& context,
                                                           std::vector<MarkdownFile> files,
                                                           MarkdownOptions options,
                                                           MarkdownCaller caller);

// [{"extension":".pdf","mimeType":"application/pdf"}, …]; under the hosted rules, only what the
// hosted service converts, too.
std::string supported_formats_json(const Rules& rules);

}  // namespace selvedge::api
