// SdDrawing: the library's parameters, its callbacks, and the thread that calls it.
#include "engines/sd_drawing.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdlib>
#include <exception>
#include <functional>
#include <random>
#include <utility>

#include "base/log.h"
#include "engines/graph_turns.h"
#include "engines/resident_memory.h"

namespace selvedge::engines {
namespace {

// step() waits so long for the drawing: pings are answered in between.
constexpr std::chrono::milliseconds kNap{20};
constexpr std::int32_t kSideMin = 64;
constexpr std::int32_t kSideMax = 2'048;
constexpr std::int32_t kStepsMax = 150;
constexpr std::int32_t kReferenceSidesMost = 32;  // One of the other.
// Decoders of whole pictures take gigabytes beyond this many pixels; in tiles they take one.
constexpr std::int64_t kWholePixelsMax = 768 * 768;
constexpr std::int64_t kWholePixelsTinyMax = 1536 * 1536;
// Seeds are numbers that JSON of every client carries exactly.
constexpr std::uint64_t kSeedMask = (std::uint64_t{1} << 53) - 1;

// The library's callbacks are global, and one engine lives in a process; its thread is told apart
// from others that load a model meanwhile (in tests).
struct Progress {
  std::function<void(int, int)> told;
};
thread_local Progress* progress_of_this_thread = nullptr;

void on_progress(int step, int steps, float, void*) {
  if (progress_of_this_thread != nullptr) progress_of_this_thread->told(step, steps);
}

class ProgressWatch {
 public:
  explicit ProgressWatch(std::function<void(int, int)> told) : progress_{std::move(told)} {
    sd_set_progress_callback(&on_progress, nullptr);
    progress_of_this_thread = &progress_;
  }
  ~ProgressWatch() { progress_of_this_thread = nullptr; }
  ProgressWatch(const ProgressWatch&) = delete;
  ProgressWatch& operator=(const ProgressWatch&) = delete;

 private:
  Progress progress_;
};

std::int32_t native_side(SdFamily family) { return family == SdFamily::sd ? 512 : 1'024; }

const char* or_null(const std::string& path) { return path.empty() ? nullptr : path.c_str(); }

sd_image_t view_of(const InputPicture& picture) {
  return {static_cast<std::uint32_t>(picture.width), static_cast<std::uint32_t>(picture.height),
          static_cast<std::uint32_t>(picture.channels),
          // The library reads only.
          const_cast<std::uint8_t*>(picture.pixels.data())};
}

sd_image_t view_of(const std::optional<InputPicture>& picture) {
  return picture ? view_of(*picture) : sd_image_t{0, 0, 0, nullptr};
}

// Of a picture's own size; larger ones are drawn smaller, in their shape.
void fit_size(const InputPicture& picture, std::int32_t& width, std::int32_t& height) {
  const double scale =
      std::min({1.0, double(kSideMax) / picture.width, double(kSideMax) / picture.height});
  width = std::clamp(static_cast<std::int32_t>(picture.width * scale), kSideMin, kSideMax);
  height = std::clamp(static_cast<std::int32_t>(picture.height * scale), kSideMin, kSideMax);
}

// The library's own formula: of a picture that is only changed, the first steps are left out.
std::int32_t steps_computed(const wire::Draw& request, bool has_image) {
  if (!has_image || request.strength >= 1) return request.steps;
  const auto kept =
      static_cast<std::int32_t>(static_cast<float>(request.steps) * float(request.strength));
  return std::min(kept, request.steps - 1) + 1;
}

std::uint64_t drawn_seed() {
  std::random_device device;
  return ((std::uint64_t{device()} << 32) | device()) & kSeedMask;
}

sd_ctx_params_t context_parameters(const SdFiles& files, std::int32_t threads) {
  sd_ctx_params_t parameters;
  sd_ctx_params_init(&parameters);
  parameters.model_path = or_null(files.checkpoint);
  parameters.diffusion_model_path = or_null(files.diffusion);
  parameters.clip_l_path = or_null(files.clip_l);
  parameters.clip_g_path = or_null(files.clip_g);
  parameters.t5xxl_path = or_null(files.t5xxl);
  parameters.llm_path = or_null(files.llm);
  parameters.vae_path = or_null(files.vae);
  parameters.taesd_path = or_null(files.taesd);
  parameters.vae_decode_only = !files.encodes;
  parameters.free_params_immediately = false;  // The next picture needs them, too.
  parameters.n_threads = threads;
  return parameters;
}

struct FreeImages {
  void operator()(sd_image_t* images) const {
    if (images != nullptr) std::free(images->data);
    std::free(images);
  }
};

}  // namespace

Result<std::unique_ptr<SdDrawing>> SdDrawing::open(const wire::Load& load, SdLog& log,
                                                   const LoadProgress& progress) {
  SEL_TRY(files, find_sd_files(load));
  log.take_first_error();
  const std::int32_t threads = std::clamp(load.threads_max, 1, 4);  // They read and convert.
  const sd_ctx_params_t parameters = context_parameters(files, threads);
  const ProgressWatch watch([&progress](int step, int steps) {
    if (steps > 0) progress(static_cast<float>(step) / static_cast<float>(steps));
  });
  std::unique_ptr<sd_ctx_t, Context> context(new_sd_ctx(&parameters));
  if (!context) {
    const std::string reason = log.take_first_error();
    return Error{Code::model_load_failed,
                 "the weights cannot be opened" + (reason.empty() ? "" : ": " + reason)};
  }
  return std::make_unique<SdDrawing>(std::move(context), std::move(files), log, load.threads_max);
}

SdDrawing::SdDrawing(std::unique_ptr<sd_ctx_t, Context> context, SdFiles files, SdLog& log,
                     std::int32_t threads_max)
    : context_(std::move(context)),
      files_(std::move(files)),
      log_(log),
      threads_max_(threads_max),
      thread_([this] { work(); }) {}

SdDrawing::~SdDrawing() {
  {
    std::lock_guard lock(jobs_mutex_);
    ending_ = true;
    waiting_.clear();
    changed_.notify_all();
  }
  log_.expect_errors(true);
  gate_.stop();
  gate_.close();
  thread_.join();
}

wire::Loaded SdDrawing::facts() const {
  wire::Loaded facts;
  facts.architecture = sd_family_name(files_.family);
  facts.memory_bytes = resident_bytes();
  return facts;
}

void SdDrawing::set_threads(std::int32_t threads) { gate_.grant(threads); }

void SdDrawing::pause() { gate_.grant(0); }

Status SdDrawing::start_draw(wire::Draw request) {
  Job job;
  if (!request.image.empty()) {
    if (!files_.encodes) {
      return Error{Code::invalid_input,
                   "image: these weights cannot begin from a picture: they hold no encoder"};
    }
    SEL_TRY(image, decode_picture(request.image, PictureUse::colours, "image"));
    job.image = std::move(image);
  }
  if (!request.mask.empty()) {
    if (!job.image) return Error{Code::invalid_input, "mask: needs an image that it covers"};
    SEL_TRY(mask, decode_picture(request.mask, PictureUse::mask, "mask"));
    job.mask = std::move(mask);
  }
  SEL_TRY(references, read_references(request));
  job.references = std::move(references);
  request.image.clear();
  request.mask.clear();
  request.references.clear();
  std::int32_t width = native_side(files_.family);
  std::int32_t height = width;
  if (job.image) fit_size(*job.image, width, height);
  if (request.width > 0) width = request.width;
  if (request.height > 0) height = request.height;
  job.width = std::clamp(width, kSideMin, kSideMax);
  job.height = std::clamp(height, kSideMin, kSideMax);
  request.steps = std::clamp(request.steps, 1, kStepsMax);
  request.strength = std::clamp(request.strength, 0.0, 1.0);
  if (!request.has_seed) request.seed = drawn_seed();
  const bool no_sampler = !request.sampler.empty() &&
                          str_to_sample_method(request.sampler.c_str()) == SAMPLE_METHOD_COUNT;
  const bool no_scheduler =
      !request.scheduler.empty() && str_to_scheduler(request.scheduler.c_str()) == SCHEDULER_COUNT;
  if (no_sampler || no_scheduler) {
    return Error{Code::invalid_input, "there is no such sampler or scheduler"};
  }
  job.steps = steps_computed(request, job.image.has_value());
  job.request = std::move(request);
  std::lock_guard lock(jobs_mutex_);
  waiting_.push_back(std::move(job));
  changed_.notify_all();
  return ok_status();
}

Result<std::vector<InputPicture>> SdDrawing::read_references(const wire::Draw& request) const {
  std::vector<InputPicture> references;
  for (const std::string& bytes : request.references) {
    const std::string name = "input_image_" + std::to_string(references.size());
    if (files_.family != SdFamily::flux2 || !files_.encodes) {
      return Error{Code::invalid_input, name + ": these weights take up no pictures"};
    }
    SEL_TRY(reference, decode_picture(bytes, PictureUse::colours, name));
    const auto [narrow, wide] = std::minmax(reference.width, reference.height);
    if (wide > kReferenceSidesMost * narrow) {
      return Error{Code::invalid_input, name + ": one side is more than " +
                                            std::to_string(kReferenceSidesMost) +
                                            " times as long as the other"};
    }
    references.push_back(std::move(reference));
  }
  return references;
}

void SdDrawing::cancel(wire::TaskId task, std::vector<wire::Message>& events) {
  std::lock_guard lock(jobs_mutex_);
  const auto waits = [task](const Job& job) { return job.request.task == task; };
  const auto erased = std::erase_if(waiting_, waits);
  if (erased == 0 && drawing_ != task) return;
  if (drawing_ == task) {
    drawing_.reset();
    log_.expect_errors(true);
    gate_.stop();
  }
  events.push_back(wire::Failed{task, Code::cancelled, "cancelled"});
}

Status SdDrawing::step(std::vector<wire::Message>& events) {
  std::unique_lock lock(jobs_mutex_);
  changed_.wait_for(lock, kNap, [this] { return !ready_.empty(); });
  for (wire::Message& message : ready_) events.push_back(std::move(message));
  ready_.clear();
  return ok_status();
}

bool SdDrawing::has_work() const {
  std::lock_guard lock(jobs_mutex_);
  return !waiting_.empty() || drawing_.has_value() || !ready_.empty();
}

void SdDrawing::work() {
  GraphTurns turns(gate_, threads_max_);
  while (true) {
    Job job;
    {
      std::unique_lock lock(jobs_mutex_);
      changed_.wait(lock, [this] { return ending_ || !waiting_.empty(); });
      if (ending_) return;
      job = std::move(waiting_.front());
      waiting_.pop_front();
      drawing_ = job.request.task;
      log_.expect_errors(false);
      gate_.reset();
    }
    bool sampling = false;
    turns.set_may_end(false);
    const ProgressWatch watch([&](int step, int steps) {
      // Tiles are told in the same way; a drawing tells that it begins, and its own number of
      // steps.
      if (steps != job.steps) return;
      sampling = sampling || step == 0;
      turns.set_may_end(sampling);
      if (sampling) note_progress(step, steps);
    });
    auto picture = draw(job);
    std::lock_guard lock(jobs_mutex_);
    if (drawing_ != job.request.task) continue;  // Cancelled, and answered.
    drawing_.reset();
    if (picture.ok()) {
      ready_.emplace_back(std::move(*picture));
    } else {
      ready_.emplace_back(
          wire::Failed{job.request.task, picture.error().code, picture.error().message});
    }
    changed_.notify_all();
  }
}

void SdDrawing::note_progress(int step, int steps) {
  std::lock_guard lock(jobs_mutex_);
  if (drawing_) ready_.emplace_back(wire::Progress{*drawing_, step, steps});
  changed_.notify_all();
}

Result<wire::Picture> SdDrawing::draw(const Job& job) {
  const wire::Draw& request = job.request;
  sd_img_gen_params_t parameters;
  sd_img_gen_params_init(&parameters);
  parameters.prompt = request.prompt.c_str();
  parameters.negative_prompt = request.negative_prompt.c_str();
  parameters.width = job.width;
  parameters.height = job.height;
  parameters.seed = static_cast<std::int64_t>(request.seed & ~(std::uint64_t{1} << 63));
  parameters.strength = static_cast<float>(request.strength);
  parameters.init_image = view_of(job.image);
  parameters.mask_image = view_of(job.mask);
  sd_sample_params_t& sampling = parameters.sample_params;
  sampling.sample_steps = request.steps;
  std::vector<sd_image_t> references;
  for (const InputPicture& each : job.references) references.push_back(view_of(each));
  parameters.ref_images = references.data();
  parameters.ref_images_count = static_cast<int>(references.size());
  // The encoder aborts the process where a side is no multiple of 16.
  parameters.auto_resize_ref_image = true;
  if (files_.family == SdFamily::flux || files_.family == SdFamily::flux2) {
    // FLUX knows no negative side: the strength of guidance is one of its inputs.
    sampling.guidance.txt_cfg = 1;
    sampling.guidance.distilled_guidance = static_cast<float>(request.guidance);
  } else {
    sampling.guidance.txt_cfg = static_cast<float>(request.guidance);
  }
  if (!request.sampler.empty()) {
    sampling.sample_method = str_to_sample_method(request.sampler.c_str());
  }
  if (!request.scheduler.empty()) {
    sampling.scheduler = str_to_scheduler(request.scheduler.c_str());
  }
  const std::int64_t pixels = std::int64_t{job.width} * job.height;
  parameters.vae_tiling_params.enabled =
      pixels > (files_.taesd.empty() ? kWholePixelsMax : kWholePixelsTinyMax);
  log_.take_first_error();
  try {
    return to_picture(job, generate_image(context_.get(), &parameters));
  } catch (const std::exception& caught) {
    log::error("engine failed in draw: {}", caught.what());
    return Error{Code::internal, "the engine failed in draw"};
  }
}

Result<wire::Picture> SdDrawing::to_picture(const Job& job, sd_image_t* images) const {
  const std::unique_ptr<sd_image_t, FreeImages> owned(images);
  if (owned == nullptr || owned->data == nullptr || owned->channel != 3) {
    const std::string reason = log_.take_first_error();
    return Error{Code::internal,
                 "the picture could not be drawn" + (reason.empty() ? "" : ": " + reason)};
  }
  const auto own_width = static_cast<std::int32_t>(owned->width);
  const auto own_height = static_cast<std::int32_t>(owned->height);
  wire::Picture picture;
  picture.task = job.request.task;
  picture.width = std::min(job.width, own_width);
  picture.height = std::min(job.height, own_height);
  picture.seed = job.request.seed;
  for (const InputPicture& each : job.references) {
    picture.reference_sides.insert(picture.reference_sides.end(), {each.width, each.height});
  }
  const std::int32_t left = (own_width - picture.width) / 2;
  const std::int32_t top = (own_height - picture.height) / 2;
  const auto row_bytes = static_cast<std::size_t>(picture.width) * 3;
  picture.pixels.reserve(row_bytes * static_cast<std::size_t>(picture.height));
  for (std::int32_t row = 0; row < picture.height; ++row) {
    const auto at = (std::int64_t{top + row} * own_width + left) * 3;
    picture.pixels.append(reinterpret_cast<const char*>(owned->data) + at, row_bytes);
  }
  return picture;
}

}  // namespace selvedge::engines
