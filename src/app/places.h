// Places: where a user's files and our own programs lie.
#pragma once

#include <filesystem>

namespace selvedge::app {

// $SELVEDGE_HOME, else $XDG_DATA_HOME/selvedge, else ~/.local/share/selvedge.
std::filesystem::path default_home();

// The folder of the running program.
std::filesystem::path executable_folder();

// `selvedge-runner` beside the running program; may not exist.
std::filesystem::path default_runner();

// `selvedge-converter` there; may not exist.
std::filesystem::path default_converter();

}  // namespace selvedge::app
