// Task names: how Cloudflare spells a task, and how people may.
#pragma once

#include <optional>
#include <string_view>

#include "catalog/catalog.h"

namespace selvedge::catalog {

// "Text Generation". Names of Cloudflare's that have no Task of ours ("Decision") are Task::other.
std::string_view task_name(Task task);

// One sentence for people.
std::string_view task_description(Task task);

// By Cloudflare's name; case, spaces, '-' and '_' do not matter ("text-generation").
std::optional<Task> task_from_name(std::string_view name);

// Whether an engine of this build serves it.
bool task_is_served(Task task);

// A picture in, text out: served by text models that have a projector.
bool task_is_about_pictures(Task task);

// The part that reads pictures for a text model.
inline constexpr std::string_view kProjectorPart = "projector";

// Whether a text model can be told to do what the model does.
bool may_be_emulated(const ModelEntry& entry);

// task_is_served() of a part of models: Artifact::part.
bool part_is_served(std::string_view part);
// Whether models of the task may need a further file of this role.
bool task_has_part(Task task, std::string_view part);

}  // namespace selvedge::catalog
