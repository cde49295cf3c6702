// WhisperEngine: a queue, and one step at a time.
#include "engines/whisper_engine.h"

#include <algorithm>
#include <chrono>
#include <exception>
#include <utility>

#include "base/log.h"

namespace selvedge::engines {
namespace {

// Frames that arrive meanwhile are answered after it.
constexpr std::chrono::milliseconds kStepWait{25};

}  // namespace

Result<LoadedEngine> WhisperEngine::open(const wire::Load& load, const LoadProgress& progress) {
  std::string detector;
  for (const wire::ModelPart& part : load.parts) {
    if (part.role == "voice_activity") detector = part.path;
  }
  SEL_TRY(model, WhisperModel::open(load.model_path, progress));
  wire::Loaded facts = model->facts();
  return LoadedEngine{std::make_unique<WhisperEngine>(std::move(model), std::move(detector)),
                      std::move(facts)};
}

WhisperEngine::WhisperEngine(std::unique_ptr<WhisperModel> model, std::string detector)
    : model_(std::move(model)), detector_(std::move(detector)) {}

WhisperEngine::~WhisperEngine() {
  if (under_way_) under_way_->stop();
}

Status WhisperEngine::start_transcribe(wire::Transcribe task) {
  if (!task.language.empty() && whisper_lang_id(task.language.c_str()) < 0) {
    return Error{Code::invalid_input, "language: none that the model knows by this code"};
  }
  if (task.translate && !model_->multilingual()) {
    return Error{Code::invalid_input, "translate: the model knows English only"};
  }
  tasks_.push_back(std::make_shared<Transcription>(*model_, detector_, std::move(task)));
  return ok_status();
}

void WhisperEngine::cancel(wire::TaskId task, std::vector<wire::Message>& events) {
  const auto found = std::find_if(tasks_.begin(), tasks_.end(),
                                  [task](const auto& one) { return one->task() == task; });
  if (found == tasks_.end()) return;
  (*found)->stop();
  tasks_.erase(found);
  events.push_back(wire::Failed{task, Code::cancelled, "cancelled"});
}

Status WhisperEngine::step(std::vector<wire::Message>& events) {
  if (!under_way_) begin_step();
  if (side_.idle(kStepWait)) end_step(events);
  if (!tasks_.empty()) tell_progress(*tasks_.front(), events);
  return ok_status();
}

void WhisperEngine::tell_progress(const Transcription& task, std::vector<wire::Message>& events) {
  const wire::Progress progress = task.progress();
  const bool known = told_.task == progress.task && told_.done == progress.done;
  if (progress.total == 0 || (known && told_.total == progress.total)) return;
  told_ = progress;
  events.push_back(progress);
}

void WhisperEngine::begin_step() {
  under_way_ = tasks_.front();
  side_.start([this, threads = threads_] {
    try {
      outcome_ = under_way_->advance(threads);
    } catch (const std::exception& caught) {
      log::error("engine failed in a transcription: {}", caught.what());
      outcome_ = Error{Code::internal, "the engine failed in a transcription"};
    }
  });
}

void WhisperEngine::end_step(std::vector<wire::Message>& events) {
  const std::shared_ptr<Transcription> task = std::exchange(under_way_, nullptr);
  if (tasks_.empty() || tasks_.front() != task) return;
  if (outcome_.ok() && !*outcome_) return;
  tasks_.pop_front();
  if (outcome_.ok()) {
    events.push_back(task->take_transcript());
  } else {
    events.push_back(
        wire::Failed{task->task(), outcome_.error().code, std::move(outcome_.error().message)});
  }
}

Loader whisper_loader() {
  return [](const wire::Load& load, const LoadProgress& progress) {
    return WhisperEngine::open(load, progress);
  };
}

}  // namespace selvedge::engines
