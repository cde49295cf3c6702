#!/usr/bin/env python3
# Wrangler test: unmodified `wrangler dev`, old and new, whose Workers reach a real server through selvedge-workerd.
"""Usage: wrangler_dev_test.py [PART OF A VERSION…]

Installs each wrangler of wrangler/*/package.json into the cache folder and runs the same cases with each, at the same time:
    the schema       src/launcher/workerd_config.capnp lies where the workerd.capnp of its workerd lies
    the launcher     alone: what it passes on unchanged, and what it says when it cannot
    --local          begun while no server runs: every call says so; then a server with a token starts, is killed
                     in a stream, starts again; the Worker changes
    the probe        workerd/probe.js as the project's Worker, under plain `wrangler dev`
    two Workers      with one binding name for two indexes, in one `wrangler dev -c -c`
    getPlatformProxy in a Node program
Nothing but the environment tells wrangler about Selvedge.
"""
import concurrent.futures
import http.client
import http.server
import json
import os
import pathlib
import random
import re
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.request

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))
from client_rows import record  # noqa: E402
from cloudflare_ai import write_bundles  # noqa: E402
from scripted_models import import_models  # noqa: E402
from server_process import BIN, ROOT, ServerProcess, TemporaryHome, cli, request  # noqa: E402
from tool_folders import node_20, node_22, node_folder_of, node_version_of  # noqa: E402

SOURCES = HERE / "wrangler"
ACCOUNT = "worker"
NEED_NODE_22 = ("4.164",)
START_S = 60
INDEXES = {"docs": 3, "five": 5}
CALLS = ("run", "stream", "models", "getUrl", "list", "describe", "query", "insert", "upsert", "getByIds", "deleteByIds")


class Wrangler:
    """One installed version, and the Node that it runs on."""

    def __init__(self, package):
        self.version = package.parent.name
        self.folder = node_folder_of(package)
        self.node = node_22() if self.version in NEED_NODE_22 else node_20()

    def command(self, *arguments):
        return [str(self.node), str(self.folder / "node_modules/wrangler/bin/wrangler.js"), *map(str, arguments)]


class Dev:
    """A running `wrangler dev` in `project`; `url` is where its Worker listens."""

    def __init__(self, wrangler, project, environment, *arguments):
        command = wrangler.command("dev", "--ip", "127.0.0.1", "--port", "0", "--inspector-port", "0", *arguments)
        self.process = subprocess.Popen(command, cwd=project, env=environment, text=True, stdin=subprocess.DEVNULL,
                                        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, start_new_session=True)
        self.lines, self.url, self.ready = [], None, threading.Event()
        threading.Thread(target=self.read, daemon=True).start()
        if not self.ready.wait(START_S) or self.url is None:
            self.stop()
            raise RuntimeError("wrangler dev did not start:\n" + "".join(self.lines)[-4000:])

    def read(self):
        for line in self.process.stdout:
            self.lines.append(line)
            found = re.search(r"Ready on (http://\S+)", line)
            if found:
                self.url = found.group(1)
                self.ready.set()
        self.ready.set()

    def get(self, path, timeout=60):
        with urllib.request.urlopen(f"{self.url}/{path}", timeout=timeout) as answer:
            return answer.read()

    def call(self, name, timeout=60):
        return json.loads(self.get(name, timeout))

    def call_while_reloading(self, name):
        """None when there is no answer: wrangler may lose a request while it puts another runtime in place."""
        try:
            return self.call(name, timeout=5)
        except (OSError, http.client.HTTPException):
            return None

    def stop(self):
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGTERM)
        try:
            self.process.wait(timeout=15)
        except subprocess.TimeoutExpired:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()


def free_port():
    """A port that stays free until it is used: below those that the system gives to whoever asks for any."""
    while True:
        port = random.randrange(20000, 30000)
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) != 0:
                return port


def environment_for(url, home):
    kept = {name: value for name, value in os.environ.items() if not re.match("CLOUDFLARE|WRANGLER|CF_|SELVEDGE|MINIFLARE|NODE_OPTIONS", name)}
    return dict(kept, MINIFLARE_WORKERD_PATH=str(BIN / "selvedge-workerd"), SELVEDGE_URL=url,
                CLOUDFLARE_API_BASE_URL=url + "/client/v4", CLOUDFLARE_API_TOKEN="any", CLOUDFLARE_ACCOUNT_ID=ACCOUNT,
                WRANGLER_SEND_METRICS="false", CLOUDFLARE_CF_FETCH_ENABLED="false", WRANGLER_HIDE_BANNER="true",
                XDG_CONFIG_HOME=str(home), CI="1", NO_COLOR="1")


def project_in(folder, wrangler, main, config):
    folder.mkdir(parents=True)
    (folder / "node_modules").symlink_to(wrangler.folder / "node_modules")
    (folder / "wrangler.toml").write_text(
        f'name = "{folder.name}"\nmain = "{main}"\ncompatibility_date = "2026-01-01"\n{config}')
    return folder


def index_binding(name, index):
    return f'[[vectorize]]\nbinding = "{name}"\nindex_name = "{index}"\n'


AI_BINDING = '[ai]\nbinding = "AI"\n'


def calls_project(folder, wrangler, config, answer="first"):
    project_in(folder, wrangler, "calls.js", config)
    shutil.copy(SOURCES / "calls.js", folder)
    (folder / "answer.js").write_text(f'export const ANSWER = "{answer}";\n')
    return folder


def make_indexes(url, token=None):
    headers = {"authorization": f"Bearer {token}"} if token else {}
    for name, dimensions in INDEXES.items():
        indexes = f"{url}/client/v4/accounts/{ACCOUNT}/vectorize/v2/indexes"
        request("DELETE", f"{indexes}/{name}", headers=headers)
        index = {"name": name, "config": {"dimensions": dimensions, "metric": "cosine"}}
        status, _, body = request("POST", indexes, index, headers)
        if status != 200:
            raise RuntimeError(f"no index: {status} {body!r}")


class Cases:
    """Counts what held; `expect` is the only place that decides."""

    def __init__(self, version):
        self.version, self.passed, self.failed, self.last = version, 0, 0, "the beginning"

    def expect(self, name, actual, expected):
        self.last = name
        good = expected(actual) if callable(expected) else actual == expected
        self.passed, self.failed = self.passed + good, self.failed + (not good)
        if not good:
            told = "" if callable(expected) else f", expected {expected!r}"
            print(f"FAILED wrangler {self.version}: {name}: {str(actual)[:600]}{told}", flush=True)


def places_of(schema):
    """{(struct path, field): place}: where each field of a schema lies, as capnp tells it."""
    done = subprocess.run(["capnp", "compile", "-ocapnp", schema.name], cwd=schema.parent, capture_output=True, text=True)
    if not done.stdout:
        raise RuntimeError(done.stderr)
    path, places = [], {}
    for line in done.stdout.splitlines():
        words = line.split()
        if line.rstrip().split("#")[0].rstrip().endswith("{"):
            path.append(words[1] if words[0] == "struct" else words[0])
        elif line.strip() == "}":
            path.pop()
        elif "@" in line and "#" in line:
            places[(".".join(path), words[0])] = line.split("#")[1].strip()
    return places


def check_schema(cases, wrangler, folder):
    real = (wrangler.folder / "node_modules/workerd/workerd.capnp").read_text()
    # Two lines that the capnp of Debian 12 does not know yet; neither moves a field.
    real = re.sub(r"\n\$Cxx.allowCancellation;", "", real)
    real = re.sub(r'(globalOutbound @6 :ServiceDesignator) = "internet"', r"\1", real)
    (folder / "real.capnp").write_text(real)
    shutil.copy(ROOT / "src/launcher/workerd_config.capnp", folder / "ours.capnp")
    ours, theirs = places_of(folder / "ours.capnp"), places_of(folder / "real.capnp")
    # A field that is obsolete may have got another name.
    wrong = {key: (place, theirs.get(key)) for key, place in ours.items() if theirs.get(key) != place and key[1] != "r2Admin"}
    cases.expect("the schema lies where workerd's lies", wrong, {})
    cases.expect("the schema was compared", len(ours), lambda count: count > 30)


def check_launcher(cases, wrangler, folder):
    """What needs no wrangler: both programs are called alike and must answer alike."""
    real = next((wrangler.folder / "node_modules/@cloudflare").glob("workerd-linux-*/bin/workerd"))
    bare = {name: value for name, value in os.environ.items() if not name.startswith("SELVEDGE_")}

    def run(program, arguments, sent=b"", **variables):
        done = subprocess.run([str(program), *arguments], input=sent, capture_output=True, cwd=folder, timeout=30,
                              env=dict(bare, **variables))
        # Told times and numbers of places in the program differ.
        return done.returncode, done.stdout, re.sub(rb"stack: .*|\d+", b"", done.stderr)

    launcher, serve = BIN / "selvedge-workerd", ["serve", "--binary", "-"]
    for what, arguments, sent in (("--version", ["--version"], b""), ("no arguments", [], b""),
                                  ("an unknown option", ["serve", "--none"], b""), ("an empty config", serve, b""),
                                  ("no config", serve, b"no config\n" * 100), ("half a config", serve, bytes([0, 0, 0, 0, 99, 0, 0, 0]))):
        cases.expect(f"{what} is workerd's to answer", run(launcher, arguments, sent, SELVEDGE_WORKERD=str(real)),
                     run(real, arguments, sent))
    for what, variables, sentence in (
            ("no workerd", {}, b"set SELVEDGE_WORKERD"), ("no program", {"SELVEDGE_WORKERD": "/none"}, b'is "/none", which is no program'),
            ("itself", {"SELVEDGE_WORKERD": str(launcher)}, b"names selvedge-workerd itself"),
            ("no URL", {"SELVEDGE_WORKERD": str(real), "SELVEDGE_URL": "localhost"}, b'SELVEDGE_URL is "localhost"')):
        code, _, told = run(launcher, serve, **variables)
        cases.expect(f"{what} is told", (code, told.count(b"\n"), sentence in told), (1, 1, True))


class Faint(http.server.BaseHTTPRequestHandler):
    """Answers GET, and hangs up on POST."""

    def do_GET(self):
        self.send_response(200)
        self.send_header("content-length", "0")
        self.end_headers()

    def do_POST(self):
        self.close_connection = True

    def log_message(self, *_):
        pass


def check_lost_connection(cases, dev, port):
    """Of a server that is there but hangs up, nobody is told that it is not running."""
    with http.server.ThreadingHTTPServer(("127.0.0.1", port), Faint) as faint:
        threading.Thread(target=faint.serve_forever, daemon=True).start()
        for name in ("run", "query"):
            cases.expect(f"{name} of a server that hangs up", dev.call(name).get("error"),
                         lambda error: error and error.endswith("was lost before it answered"))
        faint.shutdown()


def check_killed_stream(cases, dev, started):
    with urllib.request.urlopen(f"{dev.url}/slow", timeout=60) as stream:
        stream.readline()
        started.kill()
        killed = time.monotonic()
        try:
            rest = stream.read()
        except (http.client.HTTPException, OSError):
            rest = b""
    cases.expect("a stream of a killed server ends at once", time.monotonic() - killed, lambda seconds: seconds < 5)
    cases.expect("and not as if it were whole", b"[DONE]" in rest, False)


def check_local(cases, wrangler, folder, home, server_home):
    port, token = free_port(), "let-me-in"
    url = f"http://127.0.0.1:{port}"
    sentence = f'Selvedge is not running at {url}; start it with "selvedge serve"'
    project = calls_project(folder / "local", wrangler, AI_BINDING + index_binding("DOCS", "docs"))
    environment = dict(environment_for(url, home), SELVEDGE_TOKEN=token)

    def server():
        return ServerProcess(server_home, port=port, options=["--token", token])

    with Dev(wrangler, project, environment, "--local") as dev:
        for name in CALLS:
            cases.expect(f"{name} without a server says so", dev.call(name).get("error"),
                         lambda error: error is not None and error.endswith(sentence) and error.count("Selvedge") == 1)
        cases.expect("the Response of a call without a server", dev.call("raw").get("value", {}).get("status"), 503)
        check_lost_connection(cases, dev, port)
        with server() as started:
            make_indexes(url, token)
            cases.expect("a server started later is used", dev.call("run").get("value", {}).get("response"), "here")
            cases.expect("its index, too", dev.call("ours"), {"value": 3})
            cases.expect("a stream", dev.get("stream"), lambda body: body.rstrip().endswith(b"data: [DONE]"))
            check_killed_stream(cases, dev, started)
        cases.expect("a server that has gone", dev.call("describe").get("error"), lambda error: error and sentence in error)
        with server():
            cases.expect("a restarted server", dev.call("run").get("value", {}).get("response"), "here")
            cases.expect("before the change", dev.call("hello"), {"value": "first"})
            (project / "answer.js").write_text('export const ANSWER = "second";\n')
            until = time.monotonic() + 20
            while dev.call_while_reloading("hello") != {"value": "second"} and time.monotonic() < until:
                time.sleep(0.2)
            cases.expect("after the change", dev.call("hello"), {"value": "second"})
            cases.expect("the bindings of a reloaded Worker", dev.call("run").get("value", {}).get("response"), "here")
            cases.expect("its index", dev.call("ours"), {"value": 3})


def check_probe(cases, wrangler, folder, home, server):
    make_indexes(server.url)
    config = AI_BINDING + index_binding("DOCS", "docs") + index_binding("NONE", "none") + '[vars]\nLAUNCHER = "1"\n'
    project = project_in(folder / "probe", wrangler, "probe.js", config)
    shutil.copy(HERE / "workerd/probe.js", project)
    write_bundles(project)
    with Dev(wrangler, project, environment_for(server.url, home)) as dev:
        for result in json.loads(dev.get("", timeout=120)):
            cases.expect(result["name"], result["wrong"], None)


def check_two_workers(cases, wrangler, folder, home, server):
    make_indexes(server.url)
    other = '[[services]]\nbinding = "OTHER"\nservice = "second"\n'
    first = calls_project(folder / "first", wrangler, AI_BINDING + other + index_binding("DOCS", "docs"))
    second = calls_project(folder / "second", wrangler, AI_BINDING + index_binding("DOCS", "five"))
    with Dev(wrangler, first, environment_for(server.url, home), "-c", first / "wrangler.toml", "-c",
             second / "wrangler.toml") as dev:
        cases.expect("the index of the first Worker", dev.call("ours"), {"value": 3})
        cases.expect("the index of the second Worker", dev.call("theirs"), {"value": 5})
        cases.expect("AI of the first Worker", dev.call("run").get("value", {}).get("response"), "here")


def check_platform_proxy(cases, wrangler, folder, home, server):
    make_indexes(server.url)
    project = project_in(folder / "proxy", wrangler, "worker.js", AI_BINDING + index_binding("DOCS", "docs"))
    (project / "worker.js").write_text("export default { fetch: () => new Response() };\n")
    shutil.copy(SOURCES / "proxy.mjs", project)
    done = subprocess.run([str(wrangler.node), "proxy.mjs"], cwd=project, env=environment_for(server.url, home), text=True,
                          stdin=subprocess.DEVNULL, capture_output=True, timeout=90)
    answer = json.loads(done.stdout.splitlines()[-1]) if done.returncode == 0 else done.stderr[-2000:]
    cases.expect("getPlatformProxy", answer,
                 {"run": "by proxy", "stream": True, "dimensions": 3, "values": [0.5, 0, 0],
                  "error": "5007: No such model @cf/none/such or task"})


def run_version(wrangler, cases):
    with TemporaryHome() as home:
        folder = pathlib.Path(home.folder)
        import_models(home.path, cli)
        check_schema(cases, wrangler, folder)
        check_launcher(cases, wrangler, folder)
        check_local(cases, wrangler, folder, folder / "config", home.path)
        with ServerProcess(home.path) as server:
            for check in (check_probe, check_two_workers, check_platform_proxy):
                check(cases, wrangler, folder, folder / "config", server)


def run_and_tell(package):
    """(passed, failed) of one version."""
    started = time.monotonic()
    wrangler = Wrangler(package)
    cases = Cases(wrangler.version)
    try:
        run_version(wrangler, cases)
    except (RuntimeError, OSError, ValueError, subprocess.TimeoutExpired) as error:
        print(f"FAILED {package.parent.name}, after \"{cases.last}\": {error}", flush=True)
        return cases.passed, cases.failed + 1
    record("wrangler", node_version_of(node_folder_of(package), "wrangler"),
           "`wrangler dev`, also with `--local`, two Workers, a server that comes and goes; `getPlatformProxy`",
           cases.passed, cases.failed)
    print(f"wrangler {cases.version}: {time.monotonic() - started:.0f} s", flush=True)
    return cases.passed, cases.failed


def main(arguments):
    packages = [package for package in sorted(SOURCES.glob("*/package.json"))
                if not arguments or any(part in package.parent.name for part in arguments)]
    with concurrent.futures.ThreadPoolExecutor() as pool:
        counts = list(pool.map(run_and_tell, packages))
    passed, failed = (sum(count) for count in zip(*counts)) if counts else (0, 0)
    print(f"{passed} passed, {failed} failed")
    return 1 if failed or not passed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
