// Context: what every verb of the command line knows.
#pragma once

#include <filesystem>
#include <string>

namespace selvedge::cli {

struct Context {
  std::filesystem::path home;      // Models, vectors and settings of this user.
  std::string profile;             // exact, small or auto.
  std::string api_url;             // "http://127.0.0.1:7358", no slash at the end.
  std::string bot_url;             // "http://127.0.0.1:8787"
  std::string account;             // Account id used by the verbs that need one.
  std::string token;               // Bearer token of the server; empty: it asks for none.
  std::filesystem::path programs;  // Folder of this program and of those that belong to it.
  bool json = false;               // Readable by programs instead of people.
  int exit_code = 0;               // Set by the verb: 0 done, 1 failed.
};

}  // namespace selvedge::cli
