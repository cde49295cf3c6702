#!/usr/bin/env python3
# Vite test: the dev server of @cloudflare/vite-plugin, whose Worker uses both bindings against a real server.
"""Usage: vite_test.py

Installs the plugin, Vite and a Node 22 (pinned in vite/package.json and ../node22) into the cache folder, copies the
project in vite/ beside them, starts `vite dev` there with nothing but the launcher's variables set, and asks its Worker to
check itself; then the Worker is edited, and the one that was reloaded is asked again.
"""
import json
import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))
from client_rows import record  # noqa: E402
from scripted_models import import_models  # noqa: E402
from server_process import BIN, ServerProcess, TemporaryHome, cli, request  # noqa: E402
from tool_folders import node_22, node_folder_of, node_version_of  # noqa: E402

SOURCES = HERE / "vite"
EMBEDDING = "@cf/baai/bge-base-en-v1.5"
READY_S_MAX = 90


class ViteDev:
    """A running `vite dev` in a copy of the project; `url` is where it listens."""

    def __init__(self, modules, folder, server_url):
        self.folder = folder / "project"
        shutil.copytree(SOURCES, self.folder)
        (self.folder / "node_modules").symlink_to(modules / "node_modules")
        home = folder / "user"
        home.mkdir()
        environment = {name: value for name, value in os.environ.items()
                       if not name.startswith(("CLOUDFLARE_", "CF_", "WRANGLER_"))}
        environment.update(HOME=str(home), XDG_CONFIG_HOME=str(home), NO_COLOR="1",
                           MINIFLARE_WORKERD_PATH=str(BIN / "selvedge-workerd"), SELVEDGE_URL=server_url,
                           CLOUDFLARE_API_BASE_URL=server_url + "/client/v4", CLOUDFLARE_API_TOKEN="any",
                           CLOUDFLARE_ACCOUNT_ID="local", WRANGLER_SEND_METRICS="false",
                           CLOUDFLARE_CF_FETCH_ENABLED="false")
        self.log = open(folder / "vite.log", "w+b")
        self.process = subprocess.Popen(
            [node_22(), modules / "node_modules/vite/bin/vite.js", "dev", "--host", "127.0.0.1", "--port", "0"], cwd=self.folder,
            env=environment, stdin=subprocess.DEVNULL, stdout=self.log, stderr=subprocess.STDOUT, start_new_session=True)
        self.url = self.wait_for_url()

    def text(self):
        return pathlib.Path(self.log.name).read_text(errors="replace")

    def wait_for_url(self):
        until = time.monotonic() + READY_S_MAX
        while time.monotonic() < until and self.process.poll() is None:
            found = re.search(r"http://127\.0\.0\.1:\d+", self.text())
            if found:
                return found.group()
            time.sleep(0.1)
        raise RuntimeError(f"vite did not start\n{self.text()[-3000:]}")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        os.killpg(self.process.pid, signal.SIGTERM)
        try:
            self.process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()
        self.log.close()


def ask(vite, when):
    """[(claim, what is wrong or None)]"""
    try:
        with urllib.request.urlopen(vite.url, timeout=90) as answer:
            return [(f"{when}: {result['name']}", result["wrong"]) for result in json.load(answer)]
    except (urllib.error.HTTPError, ValueError) as failure:
        return [(when, f"{failure}\n{vite.text()[-3000:]}")]


def edited(vite):
    """Changes the Worker's source as an editor does, and waits until the Worker is the new one."""
    source = vite.folder / "worker.js"
    source.write_text(source.read_text().replace('"AI.run answers"', '"AI.run answers after an edit"'))
    until = time.monotonic() + 30
    results = []
    while time.monotonic() < until:
        results = ask(vite, "edited")
        if any("after an edit" in name for name, _ in results):
            return results
        time.sleep(0.3)
    return [*results, ("edited", "the Worker was not reloaded")]


def main():
    modules = node_folder_of(SOURCES / "package.json")
    with TemporaryHome() as home, TemporaryHome() as place:
        import_models(home.path, cli)
        with ServerProcess(home.path) as server:
            indexes = f"{server.url}/client/v4/accounts/local/vectorize/v2/indexes"
            request("POST", indexes, {"name": "docs", "config": {"preset": EMBEDDING}})
            with ViteDev(modules, place.path, server.url) as vite:
                results = ask(vite, "at first") + edited(vite)
    failures = [(name, wrong) for name, wrong in results if wrong is not None]
    for name, wrong in failures:
        print(f"FAILED {name}: {wrong}")
    record("@cloudflare/vite-plugin", node_version_of(modules, "@cloudflare/vite-plugin"),
           "`vite dev` with both bindings, and `workers-ai-provider` by the binding, before and after an edit",
           len(results) - len(failures), len(failures))
    print(f"{len(results) - len(failures)} passed, {len(failures)} failed")
    return 1 if failures or not results else 0


if __name__ == "__main__":
    sys.exit(main())
