// Durable file: write, sync, rename, sync the folders.
#include "catalog/durable_file.h"

#include <fcntl.h>
#include <unistd.h>

#include "catalog/open_file.h"

namespace selvedge::catalog {

namespace fs = std::filesystem;

Status write_durably(const fs::path& file, std::string_view content) {
  const OpenFile out(file, O_WRONLY | O_CREAT | O_TRUNC);
  if (!out.ok()) return io_error("create", file);
  if (write_all(out.number(), content) && ::fsync(out.number()) == 0) return ok_status();
  return io_error("write", file);
}

Status rename_durably(const fs::path& from, const fs::path& to) {
  if (::rename(from.c_str(), to.c_str()) != 0) return io_error("rename", from);
  SEL_CHECK_OK(sync(to.parent_path(), O_RDONLY | O_DIRECTORY));
  return sync(to.parent_path().parent_path(), O_RDONLY | O_DIRECTORY);
}

}  // namespace selvedge::catalog
