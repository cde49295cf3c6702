// Task names: one table.
#include "catalog/task_names.h"

#include <string>
#include <utility>

namespace selvedge::catalog {

namespace {

constexpr std::pair<Task, std::string_view> kNames[] = {
    {Task::text_generation, "Text Generation"},
    {Task::text_embeddings, "Text Embeddings"},
    {Task::text_classification, "Text Classification"},
    {Task::automatic_speech_recognition, "Automatic Speech Recognition"},
    {Task::text_to_speech, "Text-to-Speech"},
    {Task::text_to_image, "Text-to-Image"},
    {Task::image_to_text, "Image-to-Text"},
    {Task::image_classification, "Image Classification"},
    {Task::object_detection, "Object Detection"},
    {Task::translation, "Translation"},
    {Task::summarization, "Summarization"},
    {Task::voice_activity_detection, "Voice Activity Detection"},
    {Task::other, "Other"},
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
  for (const auto& [known, name] : kNames) {
    if (known == task) return name;
  }
  return "Other";
}

std::optional<Task> task_from_name(std::string_view name) {
  const std::string wanted = folded(name);
  for (const auto& [task, known] : kNames) {
    if (folded(known) == wanted) return task;
  }
  return std::nullopt;
}

bool task_is_served(Task task) {
  return task == Task::text_generation || task == Task::text_embeddings;
}

}  // namespace selvedge::catalog
