// Confinement: prctl and rlimits.
#include "base/confinement.h"

#include <cerrno>
#include <csignal>
#include <string>
#include <system_error>

#include <sys/prctl.h>
#include <sys/resource.h>

namespace selvedge {
namespace {

Status failed(const char* what) {
  return Error{Code::io, std::string(what) + ": " + std::generic_category().message(errno)};
}

}  // namespace

Status confine_this_process() {
  const rlimit none{0, 0};
  if (::setrlimit(RLIMIT_CORE, &none) != 0) return failed("setrlimit(core)");
  if (::prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0) return failed("prctl(dumpable)");
  if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) return failed("prctl(no_new_privs)");
  if (::prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) != 0) return failed("prctl(pdeathsig)");
  return ok_status();
}

}  // namespace selvedge
