// Runner channel: frames in pieces, long frames, broken frames, and the end of the other side.
#include "inference/runner_channel.h"

#include <array>
#include <optional>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <gtest/gtest.h>
#include <sys/socket.h>

namespace selvedge::inference {
namespace {

class RunnerChannelTest : public testing::Test {
 protected:
  RunnerChannelTest() {
    std::array<int, 2> pair{};
    EXPECT_EQ(::socketpair(AF_UNIX, SOCK_STREAM, 0, pair.data()), 0);
    far_ = Descriptor(pair[1]);
    channel_ = RunnerChannel::open(io_, Descriptor(pair[0])).value();
  }

  void write_far(std::string_view bytes) {
    ASSERT_EQ(::send(far_.get(), bytes.data(), bytes.size(), MSG_DONTWAIT),
              static_cast<ssize_t>(bytes.size()));
  }

  // Starts to receive one message into received_.
  void receive() {
    received_.reset();
    asio::co_spawn(io_, receive_one(), asio::detached);
    run();
  }
  asio::awaitable<void> receive_one() {
    auto message = co_await channel_->receive();
    received_.emplace(std::move(message));
  }
  void run() {
    io_.restart();
    while (io_.poll_one() > 0) {
    }
  }

  asio::io_context io_;
  Descriptor far_;
  std::shared_ptr<RunnerChannel> channel_;
  std::optional<Result<wire::Message>> received_;
};

TEST_F(RunnerChannelTest, AFrameThatArrivesByteByByteIsOneMessage) {
  receive();
  for (const char byte : wire::encode(wire::Pong{77})) {
    EXPECT_FALSE(received_);
    write_far(std::string_view(&byte, 1));
    run();
  }
  ASSERT_TRUE(received_ && received_->ok());
  EXPECT_EQ(std::get<wire::Pong>(received_->value()).number, 77u);
}

TEST_F(RunnerChannelTest, FramesThatArriveTogetherAreReceivedOneByOne) {
  write_far(wire::encode(wire::Pong{1}) + wire::encode(wire::Pong{2}) +
            wire::encode(wire::Piece{3, "text", 1}));
  receive();
  EXPECT_EQ(std::get<wire::Pong>(received_->value()).number, 1u);
  receive();
  EXPECT_EQ(std::get<wire::Pong>(received_->value()).number, 2u);
  receive();
  EXPECT_EQ(std::get<wire::Piece>(received_->value()).text, "text");
}

TEST_F(RunnerChannelTest, AFrameLongerThanTheBufferArrivesWhole) {
  wire::Embeddings long_one;
  long_one.values.assign(1'000'000, 0.5f);
  const std::string frame = wire::encode(long_one);
  receive();
  for (std::size_t at = 0; at < frame.size(); at += 50'000) {
    write_far(std::string_view(frame).substr(at, 50'000));
    run();
  }
  ASSERT_TRUE(received_ && received_->ok());
  EXPECT_EQ(std::get<wire::Embeddings>(received_->value()).values.size(), 1'000'000u);
}

TEST_F(RunnerChannelTest, WhatWasSentBeforeTheEndIsStillReceived) {
  write_far(wire::encode(wire::Pong{5}));
  far_ = Descriptor();
  receive();
  ASSERT_TRUE(received_ && received_->ok());
  receive();
  ASSERT_TRUE(received_ && !received_->ok());
  EXPECT_EQ(received_->error().code, Code::io);
}

TEST_F(RunnerChannelTest, ReceivingCanBeEndedThoughTheOtherSideStaysOpen) {
  write_far(wire::encode(wire::Pong{5}));
  channel_->end_receiving();
  receive();
  EXPECT_TRUE(received_ && received_->ok());
  receive();
  EXPECT_TRUE(received_ && !received_->ok());
}

TEST_F(RunnerChannelTest, ALengthBeyondAnyFrameIsCorrupt) {
  write_far("\xff\xff\xff\xff");
  receive();
  ASSERT_TRUE(received_ && !received_->ok());
  EXPECT_EQ(received_->error().code, Code::corrupt_data);
}

TEST_F(RunnerChannelTest, AnUnknownKindIsCorrupt) {
  write_far(std::string_view("\x01\x00\x00\x00\xee", 5));
  receive();
  ASSERT_TRUE(received_ && !received_->ok());
  EXPECT_EQ(received_->error().code, Code::corrupt_data);
}

TEST_F(RunnerChannelTest, ARunnerThatDoesNotReadIsNotWaitedForWithoutEnd) {
  wire::Generate task;
  task.prompt.assign(48u << 20, 'x');
  int sent = 0;
  while (sent < 100 && channel_->send(task)) ++sent;
  EXPECT_GT(sent, 1);
  EXPECT_LT(sent, 10);
}

TEST_F(RunnerChannelTest, NothingIsSentThroughAClosedChannel) {
  channel_->close();
  EXPECT_FALSE(channel_->send(wire::Shutdown{}));
}

}  // namespace
}  // namespace selvedge::inference
