// Task names: one table.
#include "catalog/task_names.h"

#include <algorithm>
#include <iterator>
#include <string>

namespace selvedge::catalog {

namespace {

struct TaskName {
  Task task;
  std::string_view name;
  std::string_view description;
};

constexpr TaskName kNames[] = {
    {Task::text_generation, "Text Generation",
     "Writes text that goes on from a prompt or a conversation."},
    {Task::text_embeddings, "Text Embeddings",
     "Turns texts into vectors that are near where the meanings are."},
    {Task::text_classification, "Text Classification",
     "Sorts texts, or pairs of texts, by given labels."},
    {Task::automatic_speech_recognition, "Automatic Speech Recognition",
     "Writes down what is said in a recording."},
    {Task::text_to_speech, "Text-to-Speech", "Speaks a text."},
    {Task::text_to_image, "Text-to-Image", "Draws a picture from its description."},
    {Task::image_to_text, "Image-to-Text", "Says what is in a picture."},
    {Task::image_classification, "Image Classification", "Labels a picture."},
    {Task::object_detection, "Object Detection", "Finds things in a picture, and where they are."},
    {Task::translation, "Translation", "Says a text in another language."},
    {Task::summarization, "Summarization", "Says a long text shortly."},
    {Task::voice_activity_detection, "Voice Activity Detection",
     "Tells whether somebody has ended speaking."},
    {Task::other, "Other", ""},
};

std::string folded(std::string_view name) {
  std::string text;
  for (const char c : name) {
    if (c == ' ' || c == '-' || c == '_') continue;
    text += c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  }
  return text;
}

}  // namespace

std::string_view task_name(Task task) {
  for (const TaskName& known : kNames) {
    if (known.task == task) return known.name;
  }
  return "Other";
}

std::string_view task_description(Task task) {
  for (const TaskName& known : kNames) {
    if (known.task == task) return known.description;
  }
  return {};
}

std::optional<Task> task_from_name(std::string_view name) {
  const std::string wanted = folded(name);
  for (const TaskName& known : kNames) {
    if (folded(known.name) == wanted) return known.task;
  }
  return std::nullopt;
}

bool task_is_served(Task task) {
  return task == Task::text_generation || task == Task::text_embeddings ||
         task == Task::text_classification || task == Task::automatic_speech_recognition ||
         task == Task::text_to_image || task == Task::image_to_text ||
         task == Task::image_classification || task == Task::translation ||
         task == Task::summarization;
}

bool task_is_about_pictures(Task task) {
  return task == Task::image_to_text || task == Task::image_classification;
}

bool may_be_emulated(const ModelEntry& entry) {
  return entry.task == Task::translation || entry.task == Task::summarization ||
         (entry.task == Task::text_classification && !is_reranker(entry));
}

bool task_has_part(Task task, std::string_view part) {
  if (task == Task::automatic_speech_recognition) return part == "voice_activity";
  if (task == Task::text_generation || task_is_about_pictures(task)) return part == kProjectorPart;
  if (task != Task::text_to_image) return false;
  constexpr std::string_view kParts[] = {"clip_l", "clip_g", "t5xxl", "llm", "vae", "taesd"};
  return std::find(std::begin(kParts), std::end(kParts), part) != std::end(kParts);
}

bool part_is_served(std::string_view part) {
  return task_has_part(Task::automatic_speech_recognition, part) ||
         task_has_part(Task::text_to_image, part) || part == kProjectorPart;
}

}  // namespace selvedge::catalog
