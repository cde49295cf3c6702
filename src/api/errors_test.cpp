// Tests of errors: the table and the forms that clients read.
#include "api/errors.h"

#include <gtest/gtest.h>

namespace selvedge::api {
namespace {

TEST(Errors, EveryCodeHasAnErrorStatusAndNumbersThatTheEnvelopeAllows) {
  EXPECT_EQ(error_rows().size(), static_cast<std::size_t>(kCodeCount));
  for (const ErrorRow& row : error_rows()) {
    EXPECT_GE(row.status, 400) << code_name(row.code);
    EXPECT_LE(row.status, 599) << code_name(row.code);
    EXPECT_GE(row.workers_ai_number, 1000) << code_name(row.code);
    EXPECT_GE(row.vectorize_number, 1000) << code_name(row.code);
    EXPECT_FALSE(row.source.empty()) << code_name(row.code);
  }
}

TEST(Errors, BadInputOfWorkersAiIsWrappedAsTheHostedServiceDoes) {
  const auto response =
      workers_ai_error({Code::invalid_input, "required properties at '/' are 'text'"}, "u-1");
  EXPECT_EQ(response.status, 400);
  EXPECT_EQ(response.headers.get("cf-ai-req-id"), "u-1");
  EXPECT_EQ(response.headers.get("content-type"), "application/json");
  EXPECT_EQ(response.body,
            R"~({"errors":[{"message":"AiError: Bad input: Error: required properties at '/' are )~"
            R"~('text' (u-1)","code":5006}],"success":false,"result":{},"messages":[]})~");
}

TEST(Errors, AFullQueueSaysWhenToComeAgain) {
  const auto response = workers_ai_error({Code::queue_full, "Capacity"}, "u");
  EXPECT_EQ(response.status, 429);
  EXPECT_EQ(response.headers.get("retry-after"), "1");
  EXPECT_FALSE(vectorize_error({Code::index_not_found, "x"}).headers.has("retry-after"));
}

TEST(Errors, VectorizeFailuresCarryANullResult) {
  const auto response = vectorize_error({Code::index_not_found, "no \"x\""});
  EXPECT_EQ(response.status, 404);
  EXPECT_EQ(response.body,
            R"({"success":false,"errors":[{"code":3000,"message":"no \"x\""}],"messages":[],)"
            R"("result":null})");
}

TEST(Errors, AnUnknownRouteHasBothOfCloudflaresNumbers) {
  const auto response = no_route("/client/v4/x");
  EXPECT_EQ(response.status, 404);
  EXPECT_NE(response.body.find("\"code\":7003"), std::string::npos);
  EXPECT_NE(response.body.find("\"code\":7000"), std::string::npos);
}

TEST(Errors, PlainErrorsNameTheCode) {
  EXPECT_EQ(plain_error({Code::missing_body, "no text"}).body,
            R"({"error":{"code":"missing_body","message":"no text"}})");
}

TEST(Errors, OpenAiErrorsHaveTheirOwnStatusTypeAndCode) {
  const auto missing = openai_error(Error{Code::model_not_found, "gone"}, "model");
  EXPECT_EQ(missing.status, 404);
  EXPECT_EQ(missing.body,
            R"({"error":{"message":"gone","type":"invalid_request_error","param":"model",)"
            R"("code":"model_not_found"}})");
  const auto busy = openai_error(Error{Code::queue_full, "later"});
  EXPECT_EQ(busy.status, 429);
  EXPECT_EQ(busy.headers.get("retry-after"), "1");
  EXPECT_EQ(busy.body, R"({"error":{"message":"later","type":"rate_limit_error","param":null,)"
                       R"("code":"rate_limit_exceeded"}})");
  EXPECT_EQ(openai_error_json(Error{Code::internal, "x"}),
            R"({"error":{"message":"x","type":"server_error","param":null,"code":null}})");
  EXPECT_EQ(openai_error_json(Error{Code::invalid_input, "x"}, "n", "invalid_type"),
            R"({"error":{"message":"x","type":"invalid_request_error","param":"n",)"
            R"("code":"invalid_type"}})");
}

}  // namespace
}  // namespace selvedge::api
