// Tests of OpenAI models: names, lists and what is not here.
#include "api/openai_models.h"

#include <boost/asio.hpp>
#include <gtest/gtest.h>

#include "api/fakes.h"

namespace selvedge::api {
namespace {

class OpenAiModels : public ::testing::Test {
 protected:
  fakes::FakeCatalog catalog;
  fakes::FakeInference inference;
  fakes::FakeStore store;
  boost::asio::thread_pool pool{1};
  ApiContext context{catalog, inference, store, pool, "1.2.3"};
};

TEST_F(OpenAiModels, NamesMeanCloudflaresIds) {
  EXPECT_EQ(cloudflare_model_id("@cf/meta/x"), "@cf/meta/x");
  EXPECT_EQ(cloudflare_model_id("cf/meta/x"), "@cf/meta/x");
  EXPECT_EQ(cloudflare_model_id("workers-ai/@hf/meta/x"), "@hf/meta/x");
  EXPECT_EQ(cloudflare_model_id("workers-ai/cf/meta/x"), "@cf/meta/x");
  EXPECT_EQ(cloudflare_model_id("gpt-4o"), "gpt-4o");
}

TEST_F(OpenAiModels, TheListHasWhatCanAnswer) {
  EXPECT_EQ(openai_model_list(context),
            R"({"object":"list","data":[{"id":"@cf/text","object":"model","created":0,)"
            R"("owned_by":"text"},{"id":"@cf/embed","object":"model","created":0,)"
            R"("owned_by":"embed"}]})");
}

TEST_F(OpenAiModels, WhatIsNotHereSaysWhy) {
  EXPECT_EQ(openai_model(context, "nope").error().code, Code::model_not_found);
  EXPECT_EQ(openai_model(context, "@cf/absent").error().code, Code::model_not_installed);
  const auto chat = catalog::Task::text_generation;
  EXPECT_EQ(resolve_openai_model(context, "@cf/embed", chat).error().code, Code::model_unsupported);
  EXPECT_TRUE(resolve_openai_model(context, "cf/text", chat).ok());
}

}  // namespace
}  // namespace selvedge::api
