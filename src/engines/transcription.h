// Transcription: one task of a speech model, from the bytes of a file to the transcript, in steps.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "engines/voice_times.h"
#include "engines/whisper_model.h"
#include "wire/messages.h"

namespace selvedge::engines {

// The longest audio of one task. Decoded it takes 230 MB an hour.
inline constexpr double kAudioSecondsMax = 2 * 3600;

// One thread at a time, but for stop().
class Transcription {
 public:
  // `model` must outlive it. `detector`: path of the model that tells voices from silence, or
  // empty.
  Transcription(WhisperModel& model, std::string detector, wire::Transcribe request);
  ~Transcription();

  wire::TaskId task() const { return request_.task; }

  // Does the next step with up to `threads` threads: reads the file, looks for voices in a minute,
  // finds the language, or transcribes a window of at most 30 seconds. True: that was the last.
  // Errors: invalid_input, cancelled (stop() was called), internal.
  Result<bool> advance(int threads);

  // The step under way ends soon, and every one after it at once. From any thread.
  void stop() { stop_ = true; }

  // How far it is, in seconds of the audio; never less than before. From any thread.
  wire::Progress progress() const { return {request_.task, done_s_, total_s_}; }
  // Once, when advance() said that it is whole.
  wire::Transcript take_transcript() { return std::move(transcript_); }

 private:
  enum class Stage : std::uint8_t { file, voices, language, windows };
  class VoiceDetector;
  struct Window;

  Result<bool> read_file();
  Result<bool> look_for_voices();
  Result<bool> find_language(int threads);
  Result<bool> transcribe_window(int threads);
  Status compute(Window& window, int threads);
  whisper_full_params params_of(Window& window, int threads) const;
  void take_segments(const Window& window);
  void note_heard(std::int64_t frame);
  double time_of(double at_s) const;
  std::int64_t frames() const;

  WhisperModel& model_;
  std::string detector_path_;
  wire::Transcribe request_;
  std::atomic<bool> stop_ = false;
  std::atomic<std::int32_t> done_s_ = 0;
  std::atomic<std::int32_t> total_s_ = 0;  // 0 until the file is read.
  Stage stage_ = Stage::file;
  std::vector<float> samples_;
  std::unique_ptr<VoiceDetector> detector_;
  std::vector<VoicedPart> voiced_;
  std::size_t looked_samples_ = 0;  // In which voices were looked for.
  VoiceTimes times_;
  std::int64_t frame_ = 0;  // Where the next window begins, in 10 ms.
  std::vector<whisper_token> prefix_;
  wire::Transcript transcript_;
};

}  // namespace selvedge::engines
