// Tests of the converter's children: what becomes of calls whose child fails.
#include "documents/converter.h"

#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <optional>
#include <string>

#include <boost/asio.hpp>
#include <gtest/gtest.h>
#include <unistd.h>

namespace selvedge::documents {
namespace {

class ConverterTest : public ::testing::Test {
 protected:
  ConverterTest()
      : folder_(std::filesystem::temp_directory_path() /
                ("selvedge-converter-" + std::to_string(::getpid()))) {
    std::filesystem::create_directories(folder_);
  }
  ~ConverterTest() override { std::filesystem::remove_all(folder_); }

  std::filesystem::path program(const std::string& script) {
    const auto path = folder_ / ("program" + std::to_string(programs_++));
    std::ofstream(path) << "#!/bin/sh\nPATH=/usr/bin:/bin\n" << script << "\n";
    std::filesystem::permissions(path, std::filesystem::perms::owner_all);
    return path;
  }

  // Runs `then` after the call has begun.
  Result<std::string> convert(Converter& converter, std::string bytes,
                              const std::function<void()>& then = {}) {
    asio::io_context io;
    std::optional<Result<std::string>> result;
    Conversion conversion;
    conversion.bytes = std::move(bytes);
    asio::co_spawn(
        io,
        [&]() -> asio::awaitable<void> {
          auto converted = co_await converter.convert(std::move(conversion));
          result = std::move(converted);
        },
        asio::detached);
    asio::steady_timer timer(io, std::chrono::milliseconds(100));
    if (then) timer.async_wait([&then](const auto&) { then(); });
    io.run();
    return std::move(*result);
  }

  std::filesystem::path folder_;
  int programs_ = 0;
};

TEST_F(ConverterTest, WhatTheChildRepliesIsTheAnswer) {
  Converter converter(program("read head; printf 'markdown\\n'; cat"), 1);
  const std::string large(3'000'000, 'x');
  const auto converted = convert(converter, large);
  ASSERT_TRUE(converted.ok()) << converted.error().message;
  EXPECT_EQ(*converted, large);
}

TEST_F(ConverterTest, AChildThatSaysWhyIsNoCrash) {
  Converter converter(program("printf 'error\\nbad file'"), 1);
  const auto converted = convert(converter, std::string(1'000'000, 'x'));
  EXPECT_EQ(converted.error().code, Code::file_invalid);
  EXPECT_EQ(converted.error().message, "bad file");
}

TEST_F(ConverterTest, AChildThatDiesIsAnError) {
  Converter converter(program("printf 'markdown\\nhalf'; kill -SEGV $$"), 1);
  const auto converted = convert(converter, "x");
  EXPECT_EQ(converted.error().code, Code::model_crashed);
  EXPECT_NE(converted.error().message.find("signal 11"), std::string::npos);
}

TEST_F(ConverterTest, AChildThatWritesWithoutEndIsEnded) {
  Converter converter(program("exec cat /dev/zero"), 1);
  const auto converted = convert(converter, "x");
  EXPECT_EQ(converted.error().code, Code::file_invalid);
}

TEST_F(ConverterTest, StoppingEndsAChildThatHangs) {
  Converter converter(program("exec sleep 1000"), 1);
  const auto begun = std::chrono::steady_clock::now();
  const auto converted = convert(converter, "x", [&converter] { converter.stop(); });
  EXPECT_EQ(converted.error().code, Code::unavailable);
  EXPECT_LT(std::chrono::steady_clock::now() - begun, std::chrono::seconds(10));
}

TEST_F(ConverterTest, TheChildSeesNothingOfTheServersEnvironment) {
  ::setenv("SELVEDGE_TEST_SECRET", "secret", 1);
  Converter converter(program("printf 'markdown\\n'; env"), 1);
  const auto converted = convert(converter, "x");
  ASSERT_TRUE(converted.ok());
  EXPECT_EQ(converted->find("secret"), std::string::npos);
}

TEST_F(ConverterTest, AMissingProgramIsAnError) {
  Converter converter(folder_ / "none", 1);
  EXPECT_EQ(convert(converter, "x").error().code, Code::unavailable);
}

}  // namespace
}  // namespace selvedge::documents
