# ServerProcess: starts the real program in a folder of its own, for the tests written in Python.
import json
import os
import pathlib
import shutil
import signal
import subprocess
import tempfile
import time
import urllib.error
import urllib.request

ROOT = pathlib.Path(__file__).resolve().parent.parent
BIN = pathlib.Path(os.environ.get("SELVEDGE_BIN", ROOT / "build/dev/bin"))
CACHE = pathlib.Path(os.environ.get("SELVEDGE_CACHE") or
                     pathlib.Path(os.environ.get("XDG_CACHE_HOME") or pathlib.Path.home() / ".cache") / "selvedge")


class ServerProcess:
    """`selvedge <verb> …` until `stop` or `kill`; `url` and `bot_url` are where it listens."""

    def __init__(self, home, verb="serve", options=(), runner="selvedge-scripted-runner", wait_s=60,
                 port=0):
        self.home = pathlib.Path(home)
        command = [BIN / "selvedge", verb, "--home", self.home, "--port", port, "--runner", BIN / runner,
                   "--log", "warn"]
        if verb == "bot":
            command += ["--bot-port", "0"]
        self.log = open(self.home.parent / (self.home.name + ".log"), "ab")
        self.process = subprocess.Popen([str(part) for part in [*command, *options]], stdout=subprocess.PIPE,
                                        stderr=self.log, text=True)
        self.url = self.bot_url = None
        self.started = time.monotonic()
        wanted = 2 if verb == "bot" else 1
        for _ in range(64):
            line = self.process.stdout.readline()
            if not line:
                break
            if line.startswith("listening on "):
                self.url = line.split()[2]
                wanted -= 1
            elif line.startswith("bot on "):
                self.bot_url = line.split()[2]
                wanted -= 1
            if wanted == 0:
                break
        if wanted != 0:
            self.process.wait(timeout=wait_s)
            raise RuntimeError(f"the server did not start: exit {self.process.returncode}\n{self.log_text()}")
        self.ready_s = time.monotonic() - self.started

    def log_text(self):
        self.log.flush()
        return pathlib.Path(self.log.name).read_text(errors="replace")[-4000:]

    def kill(self):
        """SIGKILL: nothing is flushed, nothing is closed."""
        self.process.kill()
        self.process.wait()
        self.process.stdout.close()
        self.log.close()

    def stop(self, signal_number=signal.SIGTERM, wait_s=15):
        """Ends it as a person would; returns (exit code, seconds)."""
        started = time.monotonic()
        self.process.send_signal(signal_number)
        try:
            self.process.wait(timeout=wait_s)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.process.stdout.close()
        self.log.close()
        return self.process.returncode, time.monotonic() - started

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.stop()


class TemporaryHome:
    """A folder that goes away at the end; `path` is the server's home in it."""

    def __enter__(self):
        self.folder = tempfile.mkdtemp(prefix="selvedge-test-")
        self.path = pathlib.Path(self.folder) / "home"
        self.path.mkdir()
        return self

    def __exit__(self, *_):
        shutil.rmtree(self.folder, ignore_errors=True)


def cli(home, *arguments, check=True):
    """Runs a verb; returns the finished process with its text output."""
    done = subprocess.run([str(BIN / "selvedge"), "--home", str(home), *map(str, arguments)], capture_output=True,
                          text=True, timeout=300)
    if check and done.returncode != 0:
        raise RuntimeError(f"selvedge {' '.join(map(str, arguments))}: exit {done.returncode}\n{done.stdout}{done.stderr}")
    return done


def request(method, url, body=None, headers=None, timeout=60):
    """(status, headers, bytes) of one request; any status is an answer."""
    data = json.dumps(body).encode() if isinstance(body, (dict, list)) else body
    sent = {"content-type": "application/json"} if isinstance(body, (dict, list)) else {}
    sent.update(headers or {})
    asked = urllib.request.Request(url, data=data, method=method, headers=sent)
    try:
        with urllib.request.urlopen(asked, timeout=timeout) as answer:
            return answer.status, answer.headers, answer.read()
    except urllib.error.HTTPError as error:
        return error.code, error.headers, error.read()


def events(body):
    """The server-sent events of a whole stream: [(event, data)], data parsed where it is JSON."""
    found = []
    for block in body.decode("utf-8").split("\n\n"):
        name, lines = "", []
        for line in block.split("\n"):
            if line.startswith("event: "):
                name = line[7:]
            elif line.startswith("data: "):
                lines.append(line[6:])
        if lines:
            text = "\n".join(lines)
            found.append((name, text if text == "[DONE]" else json.loads(text)))
    return found
