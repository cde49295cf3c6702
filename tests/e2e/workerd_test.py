#!/usr/bin/env python3
# Workerd test: a real workerd, whose own bindings for AI and Vectorize talk to a real server.
"""Usage: workerd_test.py

Installs workerd (pinned in workerd/package.json) into the cache folder, starts `selvedge serve`
with the scripted runner, and runs the checks of workerd/probe.js inside a Worker. They run twice:
the second time after the server was restarted, on connections that workerd had kept.
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
from scripted_models import import_models  # noqa: E402
from server_process import ServerProcess, TemporaryHome, cli, request  # noqa: E402
from tool_folders import node_folder_of  # noqa: E402

SOURCES = HERE / "workerd"
ACCOUNT = "worker"


def wire(folder, modules, server):
    """Writes the configuration and what it embeds into `folder`."""
    config = (SOURCES / "config.capnp").read_text()
    config = config.replace("@SERVER@", server).replace("@ACCOUNT@", ACCOUNT)
    (folder / "config.capnp").write_text(config)
    shutil.copy(SOURCES / "probe.js", folder)
    shutil.copy(modules / "node_modules/@cloudflare/ai/dist/index.js", folder / "cloudflare-ai-1.1.js")


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


def ask(url, when):
    with urllib.request.urlopen(url, timeout=120) as answer:
        return [(f"{when}: {result['name']}", result["wrong"]) for result in json.load(answer)]


def main():
    modules = node_folder_of(SOURCES / "package.json")
    with TemporaryHome() as home, TemporaryHome() as folder:
        import_models(home.path, cli)
        results = []
        with ServerProcess(home.path) as server:
            address, port = server.url.split("//")[1], server.url.rsplit(":", 1)[1]
            renew_index(server)
            wire(folder.path, modules, address)
            with Workerd(modules, folder.path) as workerd:
                results += ask(workerd.url, "at first")
                server.stop()
                with ServerProcess(home.path, port=port) as restarted:
                    renew_index(restarted)
                    results += ask(workerd.url, "after a restart")
    failures = [(name, wrong) for name, wrong in results if wrong is not None]
    for name, wrong in failures:
        print(f"FAILED {name}: {wrong}")
    print(f"{len(results) - len(failures)} passed, {len(failures)} failed")
    return 1 if failures or not results else 0


if __name__ == "__main__":
    sys.exit(main())
