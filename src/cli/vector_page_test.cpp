// Tests of VectorPage.
#include "cli/vector_page.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace selvedge::cli {
namespace {

using testing::ElementsAre;

TEST(VectorPage, NumbersAndMetadataStayAsTheyCame) {
  const auto page = read_vector_page(
      R"({"success":true,"errors":[],"result":[{"id":"a\n","namespace":"n","metadata":)"
      R"({"k":1.50,"big":12345678901234567890,"deep":{"id":"no","l":[null,true]}},)"
      R"("values":[0.1,1e-7]},{"id":"b","namespace":null,"metadata":null,"values":[2,3]}],)"
      R"("messages":[{"code":1000,"message":"x"}]})",
      true);
  ASSERT_TRUE(page.ok()) << page.error().message;
  EXPECT_THAT(page->ids, ElementsAre("a\n", "b"));
  EXPECT_THAT(
      page->lines,
      ElementsAre(R"({"id":"a\n","namespace":"n","metadata":{"k":1.50,"big":12345678901234567890,)"
                  R"("deep":{"id":"no","l":[null,true]}},"values":[0.1,1e-7]})",
                  R"({"id":"b","values":[2,3]})"));
  EXPECT_THAT(page->values, ElementsAre(ElementsAre(0.1F, 1e-7F), ElementsAre(2, 3)));
}

TEST(VectorPage, NumbersBesideTheValuesAreNone) {
  const auto page = read_vector_page(
      R"({"result":[{"id":"a","metadata":{"values":[7]},"values":[1]}],"code":[1]})", true);
  ASSERT_TRUE(page.ok());
  EXPECT_THAT(page->values, ElementsAre(ElementsAre(1)));
  EXPECT_TRUE(read_vector_page(R"({"result":[]})", true).ok());
}

TEST(VectorPage, WhatIsNoListOfVectorsIsRefused) {
  for (const char* body : {"", "[]", "{}", R"({"result":null})", R"({"result":[{"values":[1]}]})",
                           R"({"result":[{"id":"a")", R"({"results":[{"id":"a"}]})"}) {
    EXPECT_FALSE(read_vector_page(body, false).ok()) << body;
  }
}

}  // namespace
}  // namespace selvedge::cli
