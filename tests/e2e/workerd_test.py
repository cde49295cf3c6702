#!/usr/bin/env python3
# Workerd test: a real workerd, whose own bindings for AI and Vectorize talk to a real server.
"""Usage: workerd_test.py

Installs workerd (pinned in workerd/package.json) into the cache folder, starts `selvedge serve`
with the scripted runner, and runs the checks of workerd/probe.js inside a Worker. They run twice:
the second time after the server was restarted, on connections that workerd had kept. A few more run with real small
models of speech and of pictures (tools/models/fetch --speech).
"""
import json
import os
import pathlib
import shutil
import subprocess
import sys
import urllib.request

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))
from client_rows import record  # noqa: E402
from cloudflare_ai import modules_folder, write_bundles  # noqa: E402
from scripted_models import import_models  # noqa: E402
from server_process import ServerProcess, TemporaryHome, cli, request  # noqa: E402
from small_models import MODELS, XL, import_miniature, import_miniature_flux_2, recording  # noqa: E402
from tool_folders import node_version_of  # noqa: E402

SOURCES = HERE / "workerd"
ACCOUNT = "worker"
PACKAGES = {"1.0": "tensors: refused with 5019, as hosted",  # Lines of @cloudflare/ai, and what is run of each.
            "1.1": "in a Worker: text, stream, embeddings, errors",
            "1.2": "in a Worker: text, stream, embeddings, errors"}


def wire(folder, server):
    """Writes the configuration and what it embeds into `folder`."""
    config = (SOURCES / "config.capnp").read_text()
    config = config.replace("@SERVER@", server).replace("@ACCOUNT@", ACCOUNT)
    (folder / "config.capnp").write_text(config)
    shutil.copy(SOURCES / "probe.js", folder)
    write_bundles(folder)


class Workerd:
    """A running workerd; `url` is where its Worker listens."""

    def __init__(self, modules, folder):
        program = next((modules / "node_modules/@cloudflare").glob("workerd-*/bin/workerd"))
        told, tell = os.pipe()
        self.process = subprocess.Popen([program, "serve", "--experimental", f"--control-fd={tell}",
                                         folder / "config.capnp"], pass_fds=[tell])
        os.close(tell)
        with os.fdopen(told) as events:
            line = events.readline()
        if not line:
            raise RuntimeError(f"workerd did not start: exit {self.process.wait()}")
        self.url = f"http://127.0.0.1:{json.loads(line)['port']}"

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait()


def renew_index(server):
    indexes = f"{server.url}/client/v4/accounts/{ACCOUNT}/vectorize/v2/indexes"
    request("DELETE", f"{indexes}/docs")
    status, _, body = request("POST", indexes, {"name": "docs", "config": {"dimensions": 3, "metric": "cosine"}})
    if status != 200:
        raise RuntimeError(f"no index: {status} {body!r}")


def ask_weights(modules):
    """The checks that need what a model says, with the real runner."""
    with TemporaryHome() as home, TemporaryHome() as folder:
        cli(home.path, "import", MODELS / "ggml-tiny.en-ct2.bin")
        import_miniature(home.path, ids=(XL,))
        import_miniature_flux_2(home.path)
        with ServerProcess(home.path, runner="selvedge-runner") as server:
            wire(folder.path, server.url.split("//")[1])
            with Workerd(modules, folder.path) as workerd:
                return ask(workerd.url, "with weights", recording().read_bytes())


def ask(url, when, body=None):
    with urllib.request.urlopen(urllib.request.Request(url, data=body), timeout=120) as answer:
        return [(f"{when}: {result['name']}", result["wrong"]) for result in json.load(answer)]


def record_rows(modules, results):
    """A row for each line of @cloudflare/ai, and one for workerd with all the rest."""
    rest = results
    for line, what in PACKAGES.items():
        version = node_version_of(modules, f"cloudflare-ai-{line}")
        of_line = [result for result in rest if f"@cloudflare/ai {version}" in result[0]]
        rest = [result for result in rest if result not in of_line]
        record_row("@cloudflare/ai", version, what, of_line)
    record_row("workerd", node_version_of(modules, "workerd"), "its own `env.AI` and `env.VECTORIZE`, before and after a restart "
               "of the server", rest)


def record_row(client, version, what, results):
    failed = len([name for name, wrong in results if wrong is not None])
    record(client, version, what, len(results) - failed, failed)


def main():
    modules = modules_folder()
    with TemporaryHome() as home, TemporaryHome() as folder:
        import_models(home.path, cli)
        results = []
        with ServerProcess(home.path) as server:
            address, port = server.url.split("//")[1], server.url.rsplit(":", 1)[1]
            renew_index(server)
            wire(folder.path, address)
            with Workerd(modules, folder.path) as workerd:
                results += ask(workerd.url, "at first")
                server.stop()
                with ServerProcess(home.path, port=port) as restarted:
                    renew_index(restarted)
                    results += ask(workerd.url, "after a restart")
    results += ask_weights(modules)
    record_rows(modules, results)
    failures = [(name, wrong) for name, wrong in results if wrong is not None]
    for name, wrong in failures:
        print(f"FAILED {name}: {wrong}")
    print(f"{len(results) - len(failures)} passed, {len(failures)} failed")
    return 1 if failures or not results else 0


if __name__ == "__main__":
    sys.exit(main())
