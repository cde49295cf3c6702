// The snapshot is made beside the data and then moved, so that a half one never has its name.
#include "app/snapshot_verbs.h"

#include <memory>
#include <string>
#include <system_error>
#include <utility>

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>
#include <unistd.h>

#include "api/metadata_properties.h"
#include "catalog/database.h"
#include "cli/api_client.h"
#include "cli/output.h"
#include "vectors/folder_lock.h"
#include "vectors/store.h"

namespace selvedge::app {
namespace {

namespace fs = std::filesystem;

Error io_error(const fs::path& path, const std::error_code& reason) {
  return Error{Code::io, path.string() + ": " + reason.message()};
}

std::string own_name() { return "verb-" + std::to_string(::getpid()); }

// A server in this very folder makes it; the answer says where.
Result<fs::path> asked_of_server(const cli::Context& context) {
  const cli::ApiClient client(context.api_url, "server", context.token);
  auto answer = client.call("POST", "/snapshots/" + own_name());
  if (!answer.ok()) {
    return Error{answer.error().code,
                 "the data folder " + context.home.string() +
                     " is in use, and its server was not reached: " + answer.error().message};
  }
  const fs::path made = answer->value("folder", "");
  std::error_code failed;
  if (fs::exists(made, failed) &&
      fs::equivalent(made.parent_path().parent_path(), context.home, failed)) {
    return made;
  }
  return Error{Code::unavailable, "the server at " + context.api_url +
                                      " has another data folder; its snapshot is " + made.string() +
                                      " there"};
}

Result<fs::path> made_here(const vectors::Store& store, const fs::path& home) {
  std::error_code failed;
  fs::create_directories(home / "snapshots", failed);
  if (failed) return io_error(home / "snapshots", failed);
  fs::path made = home / "snapshots" / own_name();
  SEL_CHECK_OK(store.snapshot(made));
  return made;
}

// On one file system a rename, else a copy, which has its name when it is whole and on disk.
Status move_folder(const fs::path& from, const fs::path& to) {
  std::error_code failed;
  fs::rename(from, to, failed);
  if (!failed) return ok_status();
  fs::path part = to;
  part += ".part";
  fs::copy(from, part, fs::copy_options::recursive, failed);
  if (!failed) {
    ::sync();
    fs::rename(part, to, failed);
  }
  std::error_code ignored;
  fs::remove_all(from, ignored);
  if (!failed) return ok_status();
  fs::remove_all(part, ignored);
  return io_error(to, failed);
}

// SQLite's own copy of a database that others write to.
Status copy_catalog(const fs::path& from, const fs::path& to) {
  std::error_code failed;
  if (!fs::exists(from, failed)) return ok_status();
  SEL_TRY(database, catalog::Database::open(from));
  SEL_TRY(copy, database->prepare("VACUUM INTO ?1"));
  copy.bind(1, to.string());
  SEL_TRY(row, copy.step());
  return ok_status();
}

Status check_parent(const fs::path& folder) {
  std::error_code failed;
  if (fs::exists(folder, failed)) {
    return Error{Code::already_exists, folder.string() + " is there already"};
  }
  fs::create_directories(folder, failed);
  return failed ? Status(io_error(folder, failed)) : ok_status();
}

bool is_store(const fs::path& folder) {
  std::error_code failed;
  return fs::exists(folder / "CURRENT", failed);
}

// False for a folder with nothing but a lock in it. What is no whole store may be mended yet.
bool has_anything(const fs::path& folder) {
  std::error_code failed;
  fs::directory_iterator each(folder, failed);
  if (failed) return true;
  for (; each != fs::directory_iterator(); each.increment(failed)) {
    if (failed || each->path().filename() != vectors::FolderLock::kFile) return true;
  }
  return false;
}

Status replace_vectors(const fs::path& home, const fs::path& fresh, bool replace) {
  const fs::path place = home / "vectors";
  const fs::path before = home / "vectors.replaced";
  SEL_TRY(lock, vectors::FolderLock::take(place));  // Nobody has it, nor takes it meanwhile.
  std::error_code failed;
  // The copy is on disk before it has the place, which is empty for as short as can be.
  ::sync();
  const bool keeps = has_anything(place);
  if (keeps) {
    if (!replace) {
      return Error{Code::already_exists, place.string() +
                                             " holds vectors; --replace keeps them as " +
                                             before.string() + " and takes the snapshot instead"};
    }
    if (fs::exists(before, failed)) {
      return Error{Code::already_exists, before.string() + " is there from before; remove it"};
    }
    fs::rename(place, before, failed);
  } else {
    fs::remove_all(place, failed);
  }
  if (failed) return io_error(place, failed);
  fs::rename(fresh, place, failed);
  if (!failed) return ok_status();
  std::error_code ignored;
  if (keeps) fs::rename(before, place, ignored);
  return io_error(place, failed);
}

}  // namespace

Status create_snapshot(const cli::Context& context, const fs::path& folder) {
  SEL_CHECK_OK(check_parent(folder));
  auto store = vectors::Store::open(context.home / "vectors", api::read_metadata_properties);
  Result<fs::path> made = store.ok() ? made_here(**store, context.home)
                          : store.error().code == Code::unavailable
                              ? asked_of_server(context)
                              : Result<fs::path>(store.error());
  std::error_code ignored;
  if (!made.ok()) {
    fs::remove(folder, ignored);
    return made.error();
  }
  SEL_CHECK_OK(move_folder(*made, folder / "vectors"));
  return copy_catalog(context.home / "catalog.db", folder / "catalog.db");
}

Status restore_snapshot(const fs::path& home, const fs::path& folder, bool replace) {
  if (!is_store(folder / "vectors")) {
    return Error{Code::not_found, folder.string() + " holds no snapshot"};
  }
  std::error_code failed;
  fs::create_directories(home, failed);
  if (failed) return io_error(home, failed);
  const fs::path fresh = home / "vectors.restoring";
  fs::remove_all(fresh, failed);  // What a restore that was broken off left.
  fs::copy(folder / "vectors", fresh, fs::copy_options::recursive, failed);
  if (failed) return io_error(fresh, failed);
  Status done = [&]() -> Status {
    SEL_TRY(store, vectors::Store::open(fresh, api::read_metadata_properties));
    SEL_CHECK_OK(store->verify());
    store.reset();
    return replace_vectors(home, fresh, replace);
  }();
  fs::remove_all(fresh, failed);
  SEL_CHECK_OK(done);
  if (fs::exists(home / "catalog.db", failed) || !fs::exists(folder / "catalog.db", failed)) {
    return ok_status();
  }
  fs::copy_file(folder / "catalog.db", home / "catalog.db", failed);
  return failed ? Status(io_error(home / "catalog.db", failed)) : ok_status();
}

void add_snapshot_verbs(CLI::App& app, cli::Context& context) {
  struct Options {
    fs::path folder;
    bool replace = false;
  };
  auto options = std::make_shared<Options>();
  CLI::App* group = app.add_subcommand("snapshot", "All indexes as they are at one moment");
  group->require_subcommand(1);
  const auto tell = [&context, options](const Status& done, const char* what) {
    if (!done.ok()) return cli::fail(context, done.error());
    if (context.json) {
      return cli::print_line(nlohmann::json({{what, options->folder.string()}}).dump(2));
    }
    cli::print_line(std::string(what) + " " + options->folder.string());
  };
  CLI::App* create = group->add_subcommand("create", "Write one, while the server goes on");
  create->add_option("folder", options->folder, "A new folder")->required();
  create->callback(
      [options, tell, &context] { tell(create_snapshot(context, options->folder), "created"); });
  CLI::App* restore = group->add_subcommand("restore", "Take one; no server may run");
  restore->add_option("folder", options->folder, "The snapshot")->required();
  restore->add_flag("--replace", options->replace,
                    "Also where there are vectors: they are kept as vectors.replaced");
  restore->callback([options, tell, &context] {
    tell(restore_snapshot(context.home, options->folder, options->replace), "restored");
  });
}

}  // namespace selvedge::app
