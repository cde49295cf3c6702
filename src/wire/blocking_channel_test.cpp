// Tests of BlockingChannel: frames in pieces, frames in floods, and the end of the other side.
#include "wire/blocking_channel.h"

#include <memory>
#include <thread>
#include <utility>
#include <variant>

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/limits.h"

namespace selvedge::wire {
namespace {

using std::chrono::milliseconds;

class BlockingChannelTest : public testing::Test {
 protected:
  BlockingChannelTest() {
    int ends[2] = {-1, -1};
    EXPECT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
    near_ = std::make_unique<BlockingChannel>(ends[0]);
    far_ = ends[1];
  }
  ~BlockingChannelTest() override { close_far(); }

  void close_far() {
    if (far_ >= 0) ::close(far_);
    far_ = -1;
  }
  void write_far(std::string_view bytes) {
    ASSERT_EQ(::write(far_, bytes.data(), bytes.size()), static_cast<ssize_t>(bytes.size()));
  }

  std::unique_ptr<BlockingChannel> near_;
  int far_ = -1;
  std::vector<Message> messages_;
};

TEST_F(BlockingChannelTest, AFrameThatArrivesByteByByteIsOneMessage) {
  const std::string frame = encode(Piece{3, "漢字", 2});
  for (std::size_t at = 0; at < frame.size(); ++at) {
    ASSERT_TRUE(near_->receive(messages_, milliseconds(0)).ok());
    ASSERT_TRUE(messages_.empty()) << "after " << at << " bytes";
    write_far(frame.substr(at, 1));
  }
  ASSERT_TRUE(near_->receive(messages_).ok());
  ASSERT_EQ(messages_.size(), 1u);
  EXPECT_EQ(std::get<Piece>(messages_[0]).text, "漢字");
}

TEST_F(BlockingChannelTest, AllThatHasArrivedComesInOneCall) {
  std::string frames;
  for (std::uint64_t number = 0; number < 100; ++number) frames += encode(Ping{number});
  write_far(frames);
  ASSERT_TRUE(near_->receive(messages_).ok());
  ASSERT_EQ(messages_.size(), 100u);
  EXPECT_EQ(std::get<Ping>(messages_[99]).number, 99u);
}

TEST_F(BlockingChannelTest, NothingIsAppendedWhenTheTimeIsUp) {
  const auto start = std::chrono::steady_clock::now();
  ASSERT_TRUE(near_->receive(messages_, milliseconds(30)).ok());
  EXPECT_TRUE(messages_.empty());
  EXPECT_GE(std::chrono::steady_clock::now() - start, milliseconds(30));
}

TEST_F(BlockingChannelTest, WhatWasSentBeforeTheEndIsStillDelivered) {
  write_far(encode(Ping{1}));
  write_far(encode(Shutdown{}));
  close_far();
  ASSERT_TRUE(near_->receive(messages_).ok());
  ASSERT_EQ(messages_.size(), 2u);
  auto after = near_->receive(messages_);
  ASSERT_FALSE(after.ok());
  EXPECT_EQ(after.error().code, Code::unavailable);
}

TEST_F(BlockingChannelTest, AFrameCutOffByTheEndIsTheEnd) {
  write_far(encode(Ping{1}).substr(0, 7));
  close_far();
  auto result = near_->receive(messages_);
  ASSERT_FALSE(result.ok());
  EXPECT_EQ(result.error().code, Code::unavailable);
  EXPECT_TRUE(messages_.empty());
}

TEST_F(BlockingChannelTest, AnImpossibleLengthIsCorrupt) {
  const auto length = static_cast<std::uint32_t>(limits::frame_bytes_max + 1);
  write_far(std::string_view(reinterpret_cast<const char*>(&length), sizeof length));
  auto result = near_->receive(messages_);
  ASSERT_FALSE(result.ok());
  EXPECT_EQ(result.error().code, Code::corrupt_data);
}

TEST_F(BlockingChannelTest, AFrameLargerThanTheSocketBufferGoesThroughWhole) {
  const std::string text(5'000'000, 'x');
  std::vector<Message> got;
  BlockingChannel far(std::exchange(far_, -1));
  std::thread reader([&] {
    while (got.size() < 2 && far.receive(got).ok()) {
    }
  });
  EXPECT_TRUE(near_->send(Tokenize{1, text}).ok());
  EXPECT_TRUE(near_->send(Ping{2}).ok());
  reader.join();
  ASSERT_EQ(got.size(), 2u);
  EXPECT_EQ(std::get<Tokenize>(got[0]).text, text);
}

TEST_F(BlockingChannelTest, SendingToAClosedSideIsAnErrorAndNoSignal) {
  close_far();
  auto result = near_->send(Ping{1});
  ASSERT_FALSE(result.ok());
  EXPECT_EQ(result.error().code, Code::unavailable);
}

}  // namespace
}  // namespace selvedge::wire
