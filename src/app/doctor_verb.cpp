// Looks at the folder, the runner, the models, the ports and the machine; changes nothing.
#include "app/doctor_verb.h"

#include <memory>
#include <thread>

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>
#include <unistd.h>

#include "app/places.h"
#include "catalog/catalog.h"
#include "cli/api_client.h"
#include "cli/child_process.h"
#include "cli/output.h"
#include "cli/worker_programs.h"

namespace selvedge::app {
namespace {

using nlohmann::json;

struct Finding {
  std::string what;
  bool good = true;
  bool needed = true;  // A bad finding that is not needed is only a hint.
  std::string detail;
};

Finding check_home(const cli::Context& context) {
  Finding finding{"data folder", true, true, context.home.string()};
  std::error_code error;
  std::filesystem::create_directories(context.home, error);
  if (error || ::access(context.home.c_str(), W_OK) != 0) {
    finding.good = false;
    finding.detail += " is not writable; choose another with --home";
    return finding;
  }
  const auto space = std::filesystem::space(context.home, error);
  if (!error) finding.detail += ", " + std::to_string(space.available >> 30) + " GB free";
  return finding;
}

Finding check_runner() {
  const auto runner = default_runner();
  Finding finding{"runner", false, true, runner.string()};
  const std::string version = cli::version_of(runner);
  finding.good = !version.empty();
  finding.detail =
      finding.good ? version : runner.string() + " does not start; build it, or reinstall";
  return finding;
}

// Files to Markdown alone need it.
Finding check_converter() {
  const auto converter = default_converter();
  const std::string version = cli::version_of(converter);
  return {
      "converter", !version.empty(), false,
      version.empty() ? converter.string() + " does not start; build it, or reinstall" : version};
}

// Workers need these three; the API and the bot need none of them.
void check_workers(const cli::Context& context, std::vector<Finding>& findings) {
  auto launcher = cli::check_launcher(context);
  findings.push_back({"launcher of Workers", launcher.ok(), false,
                      launcher.ok() ? (context.programs / "selvedge-workerd").string()
                                    : launcher.error().message});
  const auto node = cli::find_program("node");
  findings.push_back({"Node.js", node.has_value(), false,
                      node ? cli::version_of(*node) + ", " + node->string()
                           : "no program \"node\" in PATH; wrangler needs it"});
  const auto wrangler = cli::project_wrangler(".");
  findings.push_back(
      {"wrangler", wrangler.has_value(), false,
       wrangler ? wrangler->string() : "not installed in this folder; \"selvedge dev\" takes npx"});
}

void check_models(const cli::Context& context, std::vector<Finding>& findings) {
  auto catalog = catalog::Catalog::open(context.home, catalog::Profile::auto_);
  if (!catalog.ok()) {
    findings.push_back({"catalogue", false, true, catalog.error().message});
    return;
  }
  for (const char* id : {"@cf/baai/bge-base-en-v1.5", "@cf/meta/llama-3-8b-instruct"}) {
    auto resolved = (*catalog)->resolve(id);
    Finding finding{id, resolved.ok(), true, ""};
    if (!resolved.ok()) {
      finding.detail = resolved.error().message;
    } else {
      finding.detail = resolved->answered_by;
      if (resolved->stand_in) finding.detail += " (stand-in)";
    }
    findings.push_back(std::move(finding));
  }
}

Finding check_server(const std::string& what, const std::string& url) {
  const cli::ApiClient client(url, what);
  auto health = client.call("GET", "/health");
  return {what, health.ok(), false, health.ok() ? "runs at " + url : "does not run at " + url};
}

Finding check_machine() {
  const long pages = ::sysconf(_SC_PHYS_PAGES);
  const long page_bytes = ::sysconf(_SC_PAGE_SIZE);
  const auto memory_gb =
      static_cast<unsigned long long>(pages) * static_cast<unsigned long long>(page_bytes) >> 30;
  return {"machine", true, false,
          std::to_string(std::thread::hardware_concurrency()) + " cores, " +
              std::to_string(memory_gb) + " GB of memory"};
}

void print_findings(const std::vector<Finding>& findings) {
  std::size_t width = 0;
  for (const Finding& finding : findings) width = std::max(width, finding.what.size());
  for (const Finding& finding : findings) {
    const char* mark = finding.good ? "ok  " : (finding.needed ? "BAD " : "-   ");
    cli::print_line(mark + cli::padded(finding.what, width + 2) + finding.detail);
  }
}

}  // namespace

void add_doctor_verb(CLI::App& app, cli::Context& context) {
  CLI::App* verb = app.add_subcommand("doctor", "Check this machine and say what is missing");
  verb->callback([&context] {
    std::vector<Finding> findings = {check_machine(), check_home(context), check_runner(),
                                     check_converter()};
    check_models(context, findings);
    findings.push_back(check_server("server", context.api_url));
    findings.push_back(check_server("bot", context.bot_url));
    check_workers(context, findings);
    json report = json::array();
    for (const Finding& finding : findings) {
      if (!finding.good && finding.needed) context.exit_code = 1;
      report.push_back({{"what", finding.what},
                        {"ok", finding.good},
                        {"needed", finding.needed},
                        {"detail", finding.detail}});
    }
    if (context.json) return cli::print_line(report.dump(2));
    print_findings(findings);
  });
}

}  // namespace selvedge::app
