// Transcription: stages; windows are whisper.cpp's, taken one at a time.
#include "engines/transcription.h"

#include <algorithm>
#include <cmath>
#include <span>
#include <utility>

#include "base/utf8.h"
#include "engines/audio_file.h"
#include "engines/core_probe.h"
#include "engines/spoken_text.h"

namespace selvedge::engines {
namespace {

constexpr std::int64_t kFrameSamples = kSpeechSampleRate / 100;
constexpr std::int64_t kWindowFrames = 3'000;
// What is given to whisper.cpp reaches beyond the window: it takes the end of that for the end of
// the audio, and changes how it ends the text.
constexpr std::int64_t kGivenFrames = 3'100;
// Shorter rests hold no word, and the times of words cannot be found in less (an assertion ends the
// process).
constexpr std::int64_t kFramesMin = 20;
// A window that ends this near the end of the audio forgets the text before it, which would lead to
// repetitions.
constexpr std::int64_t kRestFrames = 500;
constexpr std::size_t kSamplesMin = kSpeechSampleRate;
constexpr std::size_t kVoiceStepSamples = 60 * kSpeechSampleRate;
constexpr double kTemperatureStep = 0.2;
constexpr double kLogprobLeast = -100;  // JSON has no infinities.
constexpr int kCandidates = 5;          // Of which the best is taken above temperature 0. OpenAI's.

// Callers may name a language instead of giving its code.
std::string code_of(const std::string& language) {
  const int id = language.empty() ? -1 : whisper_lang_id(language.c_str());
  return id < 0 ? language : whisper_lang_str(id);
}

}  // namespace

// One window: what whisper.cpp's callbacks are told, and what they found out.
struct Transcription::Window {
  const std::atomic<bool>* stop = nullptr;
  Transcription* told = nullptr;  // How far the text has come.
  whisper_token text_end = 0;     // Below it: text. From first_time on: times.
  whisper_token first_time = 0;
  std::span<const whisper_token> prefix;
  std::int64_t begin = 0;   // In frames, of the whole audio.
  std::int64_t frames = 0;  // Given to whisper.cpp.
  std::string prompt;
  bool forget = false;
  int encoders = 0;
  int attempts = 0;  // Of decoding, each at a higher temperature.
  int percent = 0;   // Of `frames`, when the window was done.

  static Window& at(void* data) { return *static_cast<Window*>(data); }

  // A second window is not begun: it is another step.
  static bool begin_encoder(whisper_context*, whisper_state*, void* data) {
    return at(data).encoders++ == 0 && !at(data).stop->load();
  }
  static bool is_stopped(void* data) { return at(data).stop->load(); }
  static void note_progress(whisper_context*, whisper_state*, int percent, void* data) {
    at(data).percent = percent;
  }

  static void filter(whisper_context* context, whisper_state*, const whisper_token_data* tokens,
                     int count, float* logits, void* data) {
    Window& window = at(data);
    if (count == 0) ++window.attempts;
    // Beams do this side by side.
    if (count > 0 && tokens[count - 1].id > window.first_time) {
      window.told->note_heard(window.begin + 2 * (tokens[count - 1].id - window.first_time));
    }
    const auto vocabulary = whisper_n_vocab(context);
    // The shortest times, after which too few frames would be left to find the words in.
    for (whisper_token token = window.first_time + 1;
         token < std::min<int>(window.first_time + kFramesMin / 2, vocabulary); ++token) {
      logits[token] = -INFINITY;
    }
    // A time comes first, then the prefix.
    if (window.prefix.empty() || static_cast<std::size_t>(count) > window.prefix.size()) return;
    for (whisper_token token = 0; token < vocabulary; ++token) {
      const bool wanted = count == 0 ? token >= window.first_time
                                     : token == window.prefix[static_cast<std::size_t>(count) - 1];
      if (!wanted) logits[token] = -INFINITY;
    }
  }
};

// whisper.cpp's detector, over its own small model.
class Transcription::VoiceDetector {
 public:
  static Result<std::unique_ptr<VoiceDetector>> open(const std::string& path) {
    if (path.empty()) {
      return Error{Code::invalid_input,
                   "vad_filter: the model that tells voices from silence is not on this machine: "
                   "fetch it with \"selvedge pull silero-vad-v5.1.2\""};
    }
    whisper_vad_context_params params = whisper_vad_default_context_params();
    params.n_threads = 1;  // Its graphs are too small to be shared.
    auto detector = std::make_unique<VoiceDetector>();
    detector->context_.reset(whisper_vad_init_from_file_with_params(path.c_str(), params));
    if (!detector->context_) {
      return Error{Code::model_load_failed,
                   "the model that tells voices from silence: not readable"};
    }
    return detector;
  }

  // Appends what is voiced of `samples`, which begin at sample `begin` of the whole.
  void find(std::span<const float> samples, std::size_t begin, std::vector<VoicedPart>& parts) {
    const std::unique_ptr<whisper_vad_segments, Free> segments(
        whisper_vad_segments_from_samples(context_.get(), whisper_vad_default_params(),
                                          samples.data(), static_cast<int>(samples.size())));
    const int count = segments ? whisper_vad_segments_n_segments(segments.get()) : 0;
    for (int at = 0; at < count; ++at) {
      const auto sample_of = [&](float centiseconds) {
        const double sample = std::max(0.0, static_cast<double>(centiseconds)) * kFrameSamples;
        return begin + std::min(static_cast<std::size_t>(sample), samples.size());
      };
      const VoicedPart part{sample_of(whisper_vad_segments_get_segment_t0(segments.get(), at)),
                            sample_of(whisper_vad_segments_get_segment_t1(segments.get(), at))};
      if (part.end <= part.begin) continue;
      if (!parts.empty() && part.begin <= parts.back().end) {
        parts.back().end = std::max(parts.back().end, part.end);
      } else {
        parts.push_back(part);
      }
    }
  }

 private:
  struct Free {
    void operator()(whisper_vad_context* context) const { whisper_vad_free(context); }
    void operator()(whisper_vad_segments* segments) const { whisper_vad_free_segments(segments); }
  };
  std::unique_ptr<whisper_vad_context, Free> context_;
};

Transcription::Transcription(WhisperModel& model, std::string detector, wire::Transcribe request)
    : model_(model), detector_path_(std::move(detector)), request_(std::move(request)) {
  transcript_.task = request_.task;
}

Transcription::~Transcription() = default;

Result<bool> Transcription::advance(int threads) {
  if (stop_) return Error{Code::cancelled, "cancelled"};
  if (stage_ != Stage::file && !cores_are_free(threads)) threads = 1;
  switch (stage_) {
    case Stage::file:
      return read_file();
    case Stage::voices:
      return look_for_voices();
    case Stage::language:
      return find_language(threads);
    case Stage::windows:
      return transcribe_window(threads);
  }
  return true;
}

std::int64_t Transcription::frames() const {
  return static_cast<std::int64_t>(samples_.size()) / kFrameSamples;
}

// A window that was decoded in vain begins anew, and the next one may begin before its end.
void Transcription::note_heard(std::int64_t frame) {
  const auto now = static_cast<std::int32_t>(time_of(static_cast<double>(frame) / 100));
  std::int32_t before = done_s_;
  while (now > before &&
         !done_s_.compare_exchange_weak(before, std::min<std::int32_t>(now, total_s_))) {
  }
}

double Transcription::time_of(double at_s) const {
  return std::clamp(times_.original(at_s), 0.0, transcript_.duration_s);
}

Result<bool> Transcription::read_file() {
  SEL_TRY(samples, read_audio(request_.audio, kAudioSecondsMax, stop_));
  request_.audio = std::string();
  transcript_.duration_s = static_cast<double>(samples.size()) / kSpeechSampleRate;
  transcript_.duration_voiced_s = transcript_.duration_s;
  total_s_ = static_cast<std::int32_t>(std::lround(transcript_.duration_s));
  samples_ = std::move(samples);
  prefix_ = request_.prefix.empty() ? std::vector<whisper_token>()
                                    : model_.tokenize(" " + request_.prefix);
  stage_ = request_.skip_silence ? Stage::voices : Stage::language;
  return false;
}

Result<bool> Transcription::look_for_voices() {
  if (!detector_) {
    SEL_TRY(opened, VoiceDetector::open(detector_path_));
    detector_ = std::move(opened);
  }
  const std::size_t count = std::min(kVoiceStepSamples, samples_.size() - looked_samples_);
  detector_->find(std::span(samples_).subspan(looked_samples_, count), looked_samples_, voiced_);
  looked_samples_ += count;
  if (looked_samples_ < samples_.size()) return false;
  detector_.reset();
  if (voiced_.empty()) {
    transcript_.duration_voiced_s = 0;
    transcript_.language = model_.multilingual() ? code_of(request_.language) : "en";
    return true;
  }
  times_ = VoiceTimes(std::move(voiced_));
  samples_ = times_.joined(samples_);
  transcript_.duration_voiced_s = times_.seconds();
  stage_ = Stage::language;
  return false;
}

Result<bool> Transcription::find_language(int threads) {
  // Very short audio is followed by silence: a model was trained on thirty seconds.
  if (samples_.size() < kSamplesMin) samples_.resize(kSamplesMin);
  stage_ = Stage::windows;
  transcript_.language_probability = 1;
  if (!model_.multilingual()) {
    transcript_.language = "en";
    return false;
  }
  transcript_.language = code_of(request_.language);
  if (!transcript_.language.empty()) return false;
  const auto first = std::min(samples_.size(), static_cast<std::size_t>(30 * kSpeechSampleRate));
  std::vector<float> probabilities(static_cast<std::size_t>(whisper_lang_max_id()) + 1);
  int found = whisper_pcm_to_mel_with_state(model_.context(), model_.state(), samples_.data(),
                                            static_cast<int>(first), threads);
  if (found == 0) {
    found = whisper_lang_auto_detect_with_state(model_.context(), model_.state(), 0, threads,
                                                probabilities.data());
  }
  if (found < 0) return Error{Code::internal, "whisper.cpp could not tell the language"};
  transcript_.language = whisper_lang_str(found);
  transcript_.language_probability = probabilities[static_cast<std::size_t>(found)];
  return false;
}

whisper_full_params Transcription::params_of(Window& window, int threads) const {
  const bool beam = request_.beam_size > 1;
  whisper_full_params params =
      whisper_full_default_params(beam ? WHISPER_SAMPLING_BEAM_SEARCH : WHISPER_SAMPLING_GREEDY);
  constexpr int kBeamMax = 8;  // whisper.cpp's.
  if (beam) params.beam_search.beam_size = std::min(request_.beam_size, kBeamMax);
  params.greedy.best_of = kCandidates;
  params.n_threads = threads;
  params.translate = request_.translate;
  params.language = transcript_.language.c_str();
  params.no_context = window.forget;
  if (!window.prompt.empty()) params.initial_prompt = window.prompt.c_str();
  // A prefix may have marks that no speech sounds like.
  params.suppress_nst = window.prefix.empty();
  params.print_progress = false;
  params.print_timestamps = false;
  params.temperature = static_cast<float>(std::clamp(request_.temperature, 0.0, 1.0));
  params.temperature_inc = static_cast<float>(kTemperatureStep);
  // whisper.cpp looks at the entropy of the last tokens in place of zlib's ratio; both defaults
  // are 2.4, and one falls where the other rises.
  constexpr double kRatioUsual = 2.4;
  const double ratio = std::max(request_.compression_ratio_threshold, 0.1);
  params.entropy_thold = static_cast<float>(kRatioUsual * kRatioUsual / ratio);
  params.logprob_thold = static_cast<float>(request_.log_prob_threshold);
  params.no_speech_thold = static_cast<float>(request_.no_speech_threshold);
  params.encoder_begin_callback = &Window::begin_encoder;
  params.encoder_begin_callback_user_data = &window;
  params.abort_callback = &Window::is_stopped;
  params.abort_callback_user_data = &window;
  params.progress_callback = &Window::note_progress;
  params.progress_callback_user_data = &window;
  params.logits_filter_callback = &Window::filter;
  params.logits_filter_callback_user_data = &window;
  return params;
}

Status Transcription::compute(Window& window, int threads) {
  const auto begin = static_cast<std::size_t>(window.begin * kFrameSamples);
  const auto count =
      std::min(samples_.size() - begin, static_cast<std::size_t>(kGivenFrames * kFrameSamples));
  const int failure =
      whisper_full_with_state(model_.context(), model_.state(), params_of(window, threads),
                              samples_.data() + begin, static_cast<int>(count));
  window.frames = whisper_n_len_from_state(model_.state());
  constexpr int kStateFreed = -7;
  if (failure == kStateFreed) SEL_CHECK_OK(model_.renew_state(true));
  if (stop_) return Error{Code::cancelled, "cancelled"};
  if (failure == 0) return ok_status();
  return Error{Code::internal,
               "whisper.cpp could not transcribe a window (" + std::to_string(failure) + ")"};
}

Result<bool> Transcription::transcribe_window(int threads) {
  Window window;
  window.stop = &stop_;
  window.told = this;
  window.text_end = whisper_token_eot(model_.context());
  window.first_time = whisper_token_beg(model_.context());
  window.begin = frame_;
  const bool first = frame_ == 0;
  if (first) {
    window.prefix = prefix_;
    window.prompt = request_.prompt;
  }
  window.forget = first || !request_.condition_on_previous_text || frames() - frame_ <= kRestFrames;
  SEL_CHECK_OK(compute(window, threads));
  take_segments(window);
  if (frames() - frame_ >= kFramesMin) return false;
  const char* name = whisper_lang_str_full(whisper_lang_id(transcript_.language.c_str()));
  if (name != nullptr) transcript_.language_name = name;
  return true;
}

// Appends the window's segments, and moves on: to the end of the last segment where another one
// begins in the window, else over the whole of it. whisper.cpp tells only a percentage of its own
// way, which is the whole or up to where that other one begins; that time is in no segment.
void Transcription::take_segments(const Window& window) {
  whisper_state* state = model_.state();
  const double begin_s = static_cast<double>(window.begin) / 100;
  const int count = whisper_full_n_segments_from_state(state);
  std::int64_t last_time = 0;
  double logprob = 0;
  int tokens = 0;
  std::string text;
  std::vector<wire::SpokenSegment> segments;
  double at_s = begin_s;
  for (int at = 0; at < count; ++at) {
    wire::SpokenSegment segment;
    segment.start_s = time_of(
        begin_s + static_cast<double>(whisper_full_get_segment_t0_from_state(state, at)) / 100);
    segment.end_s = time_of(
        begin_s + static_cast<double>(whisper_full_get_segment_t1_from_state(state, at)) / 100);
    segment.end_s = std::max(segment.end_s, segment.start_s);
    segment.text = utf8::repaired(whisper_full_get_segment_text_from_state(state, at));
    segment.no_speech_probability = whisper_full_get_segment_no_speech_prob_from_state(state, at);
    text += segment.text;
    std::vector<SpokenToken> spoken;
    const int of_segment = whisper_full_n_tokens_from_state(state, at);
    for (int token = 0; token < of_segment; ++token) {
      const auto data = whisper_full_get_token_data_from_state(state, at, token);
      logprob += data.plog;
      ++tokens;
      if (data.id > window.first_time) last_time = 2 * (data.id - window.first_time);
      if (data.id >= window.text_end) continue;
      spoken.push_back({whisper_token_to_str(model_.context(), data.id),
                        begin_s + static_cast<double>(data.t_dtw) / 100});
    }
    segment.words = spoken_words(spoken, request_.translate ? "en" : transcript_.language, at_s);
    if (!segment.words.empty()) at_s = segment.words.back().end_s;
    for (wire::SpokenWord& word : segment.words) {
      word.start_s = time_of(word.start_s);
      word.end_s = time_of(word.end_s);
    }
    segments.push_back(std::move(segment));
  }
  for (wire::SpokenSegment& segment : segments) {
    segment.temperature =
        request_.temperature + kTemperatureStep * std::max(0, window.attempts - 1);
    segment.mean_logprob = tokens > 0 ? std::max(logprob / tokens, kLogprobLeast) : 0;
    segment.compression_ratio = compression_ratio(text);
    if (!clean_text(segment.text).empty()) transcript_.segments.push_back(std::move(segment));
  }
  const std::int64_t whole = std::min(window.frames, kWindowFrames);
  const auto percent_of = [&](std::int64_t frames) { return 100 * frames / window.frames; };
  const bool by_time =
      last_time >= kFramesMin && last_time <= whole && percent_of(whole) != window.percent;
  frame_ += by_time ? last_time : whole;
  note_heard(frame_);
}

}  // namespace selvedge::engines
