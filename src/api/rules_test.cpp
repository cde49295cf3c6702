// Tests of rules: the request's own switch, and which bound goes with it.
#include "api/rules.h"

#include <string>

#include <gtest/gtest.h>

namespace selvedge::api {
namespace {

Result<std::optional<bool>> asked(std::initializer_list<std::pair<const char*, const char*>> sent) {
  http::Request request;
  for (const auto& [name, value] : sent) request.headers.add(name, value);
  return asked_strictness(request);
}

TEST(Rules, ARequestMayAskForTheHostedOnesOrAgainstThem) {
  EXPECT_EQ(asked({}).value(), std::nullopt);
  EXPECT_EQ(asked({{"selvedge-strict", "true"}}).value(), true);
  EXPECT_EQ(asked({{"Selvedge-Strict", "false"}}).value(), false);
  EXPECT_EQ(asked({{"MF-Header-Selvedge-Strict", "true"}}).value(), true);
  EXPECT_EQ(asked({{"x-selvedge-strict", "true"}, {"selvedge-stricter", "1"}}).value(),
            std::nullopt);
  EXPECT_EQ(asked({{"selvedge-strict", "true"}, {"mf-header-selvedge-strict", "true"}}).value(),
            true);
}

TEST(Rules, WhatIsNeitherTrueNorFalseIsRefused) {
  for (const char* value : {"", "1", "yes", "True", "true "}) {
    const auto refused = asked({{"selvedge-strict", value}});
    ASSERT_FALSE(refused.ok()) << value;
    EXPECT_EQ(refused.error().code, Code::invalid_input) << value;
  }
  EXPECT_FALSE(asked({{"selvedge-strict", "true"}, {"selvedge-strict", "false"}}).ok());
  EXPECT_FALSE(asked({{"selvedge-strict", "true"}, {"mf-header-selvedge-strict", "false"}}).ok());
}

// Those that no conformance case can reach in reasonable time.
TEST(Rules, LargeBoundsAreThePublishedOnes) {
  EXPECT_EQ(hosted_rules().vectors_per_index_max, 20'000'000U);
  EXPECT_EQ(hosted_rules().indexes_per_account_max, 50'000U);
}

TEST(Rules, NoHostedBoundIsWiderThanOurs) {
  const Rules ours;
  const Rules hosted = hosted_rules();
  EXPECT_GE(hosted.dimensions_min, ours.dimensions_min);
  EXPECT_LE(hosted.dimensions_max, ours.dimensions_max);
  EXPECT_LE(hosted.indexes_per_account_max, ours.indexes_per_account_max);
  EXPECT_LE(hosted.vectors_per_index_max, ours.vectors_per_index_max);
  EXPECT_LE(hosted.namespaces_per_index_max, ours.namespaces_per_index_max);
  EXPECT_LE(hosted.vectors_per_write_max, ours.vectors_per_write_max);
  EXPECT_LE(hosted.binding_vectors_per_write_max, hosted.vectors_per_write_max);
  EXPECT_LE(hosted.write_bytes_max, ours.write_bytes_max);
  EXPECT_LE(hosted.top_k_full_max, hosted.top_k_max);
  EXPECT_LE(hosted.top_k_max, ours.top_k_max);
  EXPECT_LE(hosted.top_k_v1_max, ours.top_k_v1_max);
  EXPECT_LE(hosted.get_ids_max, ours.get_ids_max);
  EXPECT_LE(hosted.delete_ids_max, ours.delete_ids_max);
  EXPECT_LE(hosted.metadata_indexes_max, ours.metadata_indexes_max);
  EXPECT_LE(hosted.openai_embed_texts_max, ours.openai_embed_texts_max);
  EXPECT_LE(hosted.openai_content_chars_max, ours.openai_content_chars_max);
}

}  // namespace
}  // namespace selvedge::api
