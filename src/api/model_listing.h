// Model listing: one model of the catalogue as JSON, in Cloudflare's form and in OpenRouter's.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "catalog/catalog.h"

namespace selvedge::api {

// "@cf/meta/llama-3-8b-instruct" -> "meta"; empty where there is none.
std::string_view author_of(std::string_view id);

// Where the weights come from: 1 for "@cf/…", 2 for "@hf/…".
int source_of(std::string_view id);

// Midnight UTC of "2026-05-30" or "2023-09-25 19:21:11.898", in seconds since 1970; 0 of what
// begins with no date.
std::int64_t seconds_of_date(std::string_view date);

// {"id":uuid,"source","name":"@cf/…","description","task":{…},"tags":[],"properties":[{"property_id",
// "value"}],"created_at"?,"deprecated"?}. Values are texts, but that of `price`: a list of
// {"unit","price","currency"} in US dollars. `retired`: its day has passed.
// Source: cloudflare-typescript src/resources/ai/models/models.ts.
void append_model(std::string& json, const catalog::ModelEntry& entry, bool retired);

// {"id","name","created","hugging_face_id","context_length","max_output_length",
// "input_modalities","output_modalities","pricing","supported_features",
// "supported_sampling_parameters"}; prices are texts, in US dollars a token.
// Source: anomalyco/models.dev packages/core/src/sync/providers/cloudflare-workers-ai.ts.
void append_openrouter_model(std::string& json, const catalog::ModelEntry& entry);

}  // namespace selvedge::api
