// Audio file: libavformat over bytes in memory, libavcodec, libswresample.
#include "engines/audio_file.h"

#include <algorithm>
#include <cstring>
#include <memory>
#include <string>
#include <utility>

extern "C" {
#include <libavcodec/avcodec.h>
#include <libavformat/avformat.h>
#include <libavutil/channel_layout.h>
#include <libavutil/log.h>
#include <libavutil/mem.h>
#include <libavutil/opt.h>
#include <libswresample/swresample.h>
}

namespace selvedge::engines {
namespace {

constexpr int kReadBytes = 64 * 1024;
constexpr int kStreamsMax = 32;
constexpr int kChannelsMax = 16;
constexpr int kRateMin = 4'000;
constexpr int kRateMax = 192'000;

// Everything else that the library knows stays shut: less code for hostile bytes to reach.
constexpr const char* kDemuxers =
    "wav,w64,aiff,mp3,aac,flac,ogg,mov,mp4,m4a,3gp,3g2,mj2,matroska,webm";
constexpr const char* kDecoders =
    "pcm_u8,pcm_s8,pcm_s16le,pcm_s16be,pcm_s24le,pcm_s24be,pcm_s32le,pcm_s32be,pcm_f32le,pcm_f32be,"
    "pcm_f64le,pcm_f64be,pcm_alaw,pcm_mulaw,adpcm_ms,adpcm_ima_wav,mp3,mp3float,mp2,mp2float,aac,"
    "alac,"
    "flac,vorbis,opus";

Error no_audio(const std::string& reason) { return Error{Code::invalid_input, "audio: " + reason}; }

Error unreadable() {
  return no_audio(
      "no format that is read here (WAV, AIFF, MP3, AAC, FLAC, Ogg, MP4 or M4A, Matroska or WebM)");
}

// The bytes of a file, as the library reads them.
struct Source {
  std::string_view bytes;
  std::int64_t at = 0;
  const std::atomic<bool>* stop = nullptr;
};

int read_source(void* opaque, std::uint8_t* into, int count) {
  auto& source = *static_cast<Source*>(opaque);
  const auto size = static_cast<std::int64_t>(source.bytes.size());
  const auto taken = static_cast<int>(std::min<std::int64_t>(count, size - source.at));
  if (taken <= 0) return AVERROR_EOF;
  std::memcpy(into, source.bytes.data() + source.at, static_cast<std::size_t>(taken));
  source.at += taken;
  return taken;
}

std::int64_t seek_source(void* opaque, std::int64_t offset, int whence) {
  auto& source = *static_cast<Source*>(opaque);
  const auto size = static_cast<std::int64_t>(source.bytes.size());
  if ((whence & AVSEEK_SIZE) != 0) return size;
  std::int64_t to = offset;
  const int from = whence & ~AVSEEK_FORCE;
  if (from == SEEK_CUR) to += source.at;
  if (from == SEEK_END) to += size;
  if (to < 0 || to > size) return AVERROR(EINVAL);
  source.at = to;
  return to;
}

int is_stopped(void* opaque) { return static_cast<Source*>(opaque)->stop->load() ? 1 : 0; }

int open_nothing(AVFormatContext*, AVIOContext**, const char*, int, AVDictionary**) {
  return AVERROR(EPERM);
}

struct FreeInput {
  void operator()(AVFormatContext* input) const { avformat_close_input(&input); }
};
struct FreeIo {
  void operator()(AVIOContext* io) const {
    av_freep(&io->buffer);
    avio_context_free(&io);
  }
};
struct FreeCodec {
  void operator()(AVCodecContext* codec) const { avcodec_free_context(&codec); }
};
struct FreePacket {
  void operator()(AVPacket* packet) const { av_packet_free(&packet); }
};
struct FreeFrame {
  void operator()(AVFrame* frame) const { av_frame_free(&frame); }
};
struct FreeResampler {
  void operator()(SwrContext* resampler) const { swr_free(&resampler); }
};

class AudioReader {
 public:
  AudioReader(std::string_view file, double seconds_max, const std::atomic<bool>& stop)
      : source_{file, 0, &stop},
        seconds_max_(seconds_max),
        samples_max_(static_cast<std::size_t>(seconds_max * kSpeechSampleRate)) {}

  Result<std::vector<float>> read() {
    SEL_CHECK_OK(open_input());
    SEL_CHECK_OK(open_decoder());
    SEL_CHECK_OK(decode());
    if (samples_.empty()) return no_audio("no sound in it could be decoded");
    return std::move(samples_);
  }

 private:
  Status open_input() {
    auto* buffer = static_cast<std::uint8_t*>(av_malloc(kReadBytes));
    if (buffer == nullptr) return no_memory();
    io_.reset(
        avio_alloc_context(buffer, kReadBytes, 0, &source_, &read_source, nullptr, &seek_source));
    AVFormatContext* input = avformat_alloc_context();
    if (!io_ || input == nullptr) return no_memory();
    input->pb = io_.get();
    input->flags |= AVFMT_FLAG_CUSTOM_IO;
    input->interrupt_callback = {&is_stopped, &source_};
    input->io_open = &open_nothing;
    input->max_streams = kStreamsMax;
    input->format_whitelist = av_strdup(kDemuxers);
    input->codec_whitelist = av_strdup(kDecoders);
    input->protocol_whitelist = av_strdup("");
    // Frees the context when it fails.
    if (avformat_open_input(&input, nullptr, nullptr, nullptr) < 0) return stopped_or(unreadable());
    input_.reset(input);
    if (avformat_find_stream_info(input_.get(), nullptr) < 0) return stopped_or(unreadable());
    return ok_status();
  }

  Status open_decoder() {
    const AVCodec* codec = nullptr;
    stream_ = av_find_best_stream(input_.get(), AVMEDIA_TYPE_AUDIO, -1, -1, &codec, 0);
    if (stream_ < 0 || codec == nullptr) {
      return stopped_or(no_audio("there is no sound in the file, or in a coding not read here"));
    }
    for (unsigned at = 0; at < input_->nb_streams; ++at) {
      const bool ours = static_cast<int>(at) == stream_;
      input_->streams[at]->discard = ours ? AVDISCARD_DEFAULT : AVDISCARD_ALL;
    }
    const AVStream& stream = *input_->streams[stream_];
    codec_.reset(avcodec_alloc_context3(codec));
    if (!codec_ || avcodec_parameters_to_context(codec_.get(), stream.codecpar) < 0) {
      return no_memory();
    }
    codec_->codec_whitelist = av_strdup(kDecoders);
    codec_->thread_count = 1;
    codec_->pkt_timebase = stream.time_base;
    if (avcodec_open2(codec_.get(), codec, nullptr) < 0) {
      return no_audio(std::string("its coding (") + avcodec_get_name(stream.codecpar->codec_id) +
                      ") is not read here");
    }
    return ok_status();
  }

  Status decode() {
    const std::unique_ptr<AVPacket, FreePacket> packet(av_packet_alloc());
    frame_.reset(av_frame_alloc());
    if (!packet || !frame_) return no_memory();
    while (av_read_frame(input_.get(), packet.get()) >= 0) {
      if (source_.stop->load()) return cancelled();
      if (packet->stream_index == stream_) {
        // A packet that is refused is damage in the middle: what follows may be whole.
        avcodec_send_packet(codec_.get(), packet.get());
        SEL_CHECK_OK(take_frames());
      }
      av_packet_unref(packet.get());
    }
    if (source_.stop->load()) return cancelled();
    avcodec_send_packet(codec_.get(), nullptr);
    SEL_CHECK_OK(take_frames());
    return resample(nullptr);
  }

  Status take_frames() {
    while (avcodec_receive_frame(codec_.get(), frame_.get()) >= 0) {
      auto status = take_frame();
      av_frame_unref(frame_.get());
      SEL_CHECK_OK(std::move(status));
    }
    return ok_status();
  }

  Status take_frame() {
    const AVFrame& frame = *frame_;
    const int channels = frame.ch_layout.nb_channels;
    if (channels < 1 || channels > kChannelsMax) {
      return no_audio("it has " + std::to_string(channels) + " channels; up to " +
                      std::to_string(kChannelsMax) + " are mixed");
    }
    if (frame.sample_rate < kRateMin || frame.sample_rate > kRateMax) {
      return no_audio("its rate is " + std::to_string(frame.sample_rate) + " Hz; from " +
                      std::to_string(kRateMin) + " to " + std::to_string(kRateMax) + " are read");
    }
    const bool same = resampler_ && channels == channels_ && frame.sample_rate == rate_ &&
                      frame.format == format_;
    if (!same) SEL_CHECK_OK(open_resampler());
    return resample(&frame);
  }

  Status open_resampler() {
    SEL_CHECK_OK(resample(nullptr));
    channels_ = frame_->ch_layout.nb_channels;
    rate_ = frame_->sample_rate;
    format_ = frame_->format;
    AVChannelLayout in = {};
    if (frame_->ch_layout.order == AV_CHANNEL_ORDER_UNSPEC ||
        av_channel_layout_check(&frame_->ch_layout) == 0) {
      av_channel_layout_default(&in, channels_);
    } else if (av_channel_layout_copy(&in, &frame_->ch_layout) < 0) {
      return no_memory();
    }
    AVChannelLayout mono = AV_CHANNEL_LAYOUT_MONO;
    SwrContext* resampler = nullptr;
    const int made =
        swr_alloc_set_opts2(&resampler, &mono, AV_SAMPLE_FMT_FLT, kSpeechSampleRate, &in,
                            static_cast<AVSampleFormat>(format_), rate_, 0, nullptr);
    av_channel_layout_uninit(&in);
    resampler_.reset(resampler);
    if (made < 0) return no_audio("its channels cannot be mixed");
    // Channels are averaged, not added: two loud ones must not go beyond 1.
    av_opt_set_double(resampler, "rematrix_maxval", 1.0, 0);
    av_opt_set_int(resampler, "filter_size", 64, 0);
    if (swr_init(resampler) < 0) {
      resampler_.reset();
      return no_audio("its channels cannot be mixed");
    }
    return ok_status();
  }

  // Null: what the resampler still holds.
  Status resample(const AVFrame* frame) {
    if (!resampler_) return ok_status();
    const int in = frame == nullptr ? 0 : frame->nb_samples;
    const int most = swr_get_out_samples(resampler_.get(), in);
    if (most <= 0) return ok_status();
    const std::size_t before = samples_.size();
    if (before + static_cast<std::size_t>(most) > samples_max_ + kSpeechSampleRate) {
      return too_long();
    }
    samples_.resize(before + static_cast<std::size_t>(most));
    auto* out = reinterpret_cast<std::uint8_t*>(samples_.data() + before);
    auto** from =
        frame == nullptr ? nullptr : const_cast<const std::uint8_t**>(frame->extended_data);
    const int made = swr_convert(resampler_.get(), &out, most, from, in);
    samples_.resize(before + static_cast<std::size_t>(std::max(made, 0)));
    // Floats in a file may be anything.
    for (std::size_t at = before; at < samples_.size(); ++at) {
      const float value = samples_[at];
      samples_[at] = value >= -1.0f && value <= 1.0f ? value
                     : value > 1.0f                  ? 1.0f
                     : value < -1.0f                 ? -1.0f
                                                     : 0.0f;
    }
    return samples_.size() > samples_max_ ? too_long() : ok_status();
  }

  Status too_long() const {
    return no_audio("it is longer than " + std::to_string(static_cast<int>(seconds_max_ / 60)) +
                    " minutes, the most that one call transcribes");
  }
  Status stopped_or(Error error) const {
    return source_.stop->load() ? cancelled() : Status(std::move(error));
  }
  static Status cancelled() { return Error{Code::cancelled, "cancelled"}; }
  static Status no_memory() { return Error{Code::internal, "no memory for the audio"}; }

  Source source_;
  double seconds_max_;
  std::size_t samples_max_;
  std::vector<float> samples_;
  std::unique_ptr<AVIOContext, FreeIo> io_;  // Outlives the input, which reads from it.
  std::unique_ptr<AVFormatContext, FreeInput> input_;
  std::unique_ptr<AVCodecContext, FreeCodec> codec_;
  std::unique_ptr<AVFrame, FreeFrame> frame_;
  std::unique_ptr<SwrContext, FreeResampler> resampler_;
  int stream_ = -1;
  int channels_ = 0;
  int rate_ = 0;
  int format_ = -1;
};

}  // namespace

Result<std::vector<float>> read_audio(std::string_view file, double seconds_max,
                                      const std::atomic<bool>& stop) {
  if (file.empty()) return no_audio("the file is empty");
  av_log_set_level(AV_LOG_QUIET);
  return AudioReader(file, seconds_max, stop).read();
}

}  // namespace selvedge::engines
