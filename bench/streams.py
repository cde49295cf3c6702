#!/usr/bin/env python3
# Streams benchmark: thousands of event streams held open, and what a short request costs meanwhile.
"""Usage: bench/streams.py [--streams N] [--slow N] [--asks N] [--peer PROGRAM] [--json]

Needs a release build (SELVEDGE_BIN, default build/release/bin). Opens N streams of completions, each
a real task: 8 generate a word a second, the others wait in the model's queue (`--queue`), their
heads sent and a comment line every 15 s. Then asks /health one by one over a kept connection and
over new ones, and reads memory and threads of the server from /proc. `--slow N` adds as many
clients that stop in the middle of a head. `--peer` does the same with llama.cpp's own llama-server
and the small model.
"""
import argparse
import json
import os
import pathlib
import resource
import selectors
import socket
import statistics
import subprocess
import sys
import time
import urllib.request

ROOT = pathlib.Path(__file__).resolve().parent.parent
os.environ.setdefault("SELVEDGE_BIN", str(ROOT / "build/release/bin"))
sys.path.insert(0, str(ROOT / "tests"))
from scripted_models import import_models  # noqa: E402
from server_process import CACHE, ServerProcess, TemporaryHome, cli  # noqa: E402

MODEL = "@cf/meta/llama-3-8b-instruct"
TEXT_MODEL = CACHE / "models/SmolLM2-135M-Instruct.Q4_1.gguf"
HEALTH = b"GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n"


def memory_mb(pid):
    text = pathlib.Path(f"/proc/{pid}/status").read_text()
    return int(text.split("VmRSS:")[1].split()[0]) / 1024


def threads(pid):
    return len(list(pathlib.Path(f"/proc/{pid}/task").iterdir()))


def descriptors(pid):
    return len(list(pathlib.Path(f"/proc/{pid}/fd").iterdir()))


class Streams:
    """Open streams, read without blocking so that the server never waits for us."""

    def __init__(self):
        self.selector = selectors.DefaultSelector()
        self.heads = 0

    def open(self, port, payload, count, wait_s=60):
        """Opens `count`; returns how many answered with 200 within the wait."""
        for _ in range(count):
            connection = socket.create_connection(("127.0.0.1", port))
            connection.setblocking(False)
            connection.send(payload)
            self.selector.register(connection, selectors.EVENT_READ, bytearray())
            self.read(0)
        ended = time.monotonic() + wait_s
        while self.heads < count and time.monotonic() < ended:
            self.read(0.2)
        return self.heads

    def read(self, wait_s):
        for key, _ in self.selector.select(wait_s):
            data = key.fileobj.recv(65536)
            if not data:
                self.selector.unregister(key.fileobj)
                continue
            if not key.data:
                self.heads += data.startswith(b"HTTP/1.1 200")
                key.data.append(1)

    def close(self):
        for key in list(self.selector.get_map().values()):
            key.fileobj.close()
        self.selector.close()


def asked(port, count, streams, kept):
    """Milliseconds of `count` requests to /health, sorted."""
    times, connection = [], None
    for _ in range(count):
        streams.read(0)
        started = time.perf_counter()
        if connection is None:
            connection = socket.create_connection(("127.0.0.1", port))
        connection.sendall(HEALTH)
        answer = b""
        while b"\r\n\r\n" not in answer or not answer.rstrip().endswith(b"}"):
            piece = connection.recv(4096)
            if not piece:  # It does not keep connections for long.
                connection = socket.create_connection(("127.0.0.1", port))
                connection.sendall(HEALTH)
            answer += piece
        times.append((time.perf_counter() - started) * 1000)
        if not kept:
            connection.close()
            connection = None
        time.sleep(0.002)
    return sorted(times)


def summary(times):
    return {"p50_ms": round(statistics.median(times), 3), "p99_ms": round(times[int(len(times) * 0.99)], 3),
            "max_ms": round(times[-1], 3)}


def open_slow(port, count):
    """Clients whose heads never end."""
    found = []
    for _ in range(count):
        connection = socket.create_connection(("127.0.0.1", port))
        connection.send(b"GET /health HTTP/1.1\r\nHost: local")
        found.append(connection)
    return found


def measure(port, pid, payload, options):
    figures = {"idle_mb": round(memory_mb(pid), 1), "idle_threads": threads(pid)}
    first = Streams()
    first.open(port, payload, 1)  # From here on the model is loaded.
    first.close()
    time.sleep(0.5)
    base = descriptors(pid)
    streams = Streams()
    figures["without_streams"] = summary(asked(port, options.asks, streams, kept=True))
    before = memory_mb(pid)
    started = time.monotonic()
    figures["streams"] = streams.open(port, payload, options.streams)
    figures["opened_s"] = round(time.monotonic() - started, 1)
    slow = open_slow(port, options.slow)
    figures["kept_connection"] = summary(asked(port, options.asks, streams, kept=True))
    figures["new_connections"] = summary(asked(port, options.asks, streams, kept=False))
    figures["mb"] = round(memory_mb(pid), 1)
    figures["kb_a_stream"] = round((memory_mb(pid) - before) * 1024 / max(figures["streams"], 1), 1)
    figures["threads"] = threads(pid)
    for connection in slow:
        connection.close()
    streams.close()
    ended = time.monotonic() + 30
    while descriptors(pid) > base and time.monotonic() < ended:
        time.sleep(0.1)
    figures["descriptors_left"] = descriptors(pid) - base
    return figures


def post(path, body):
    text = json.dumps(body).encode()
    return (f"POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
            f"Content-Length: {len(text)}\r\n\r\n").encode() + text


def ours(options):
    with TemporaryHome() as home:
        import_models(home.path, cli)
        payload = post(f"/client/v4/accounts/bench/ai/run/{MODEL}",
                       {"prompt": "[[tokens 4000]] [[delay 1000]]", "stream": True, "max_tokens": 4000})
        with ServerProcess(home.path, options=["--queue", str(options.streams)]) as server:
            return measure(int(server.url.rsplit(":", 1)[1]), server.process.pid, payload, options)


def theirs(options):
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    # A stream takes one of its threads for as long as it lasts.
    command = [options.peer, "-m", TEXT_MODEL, "--port", port, "-np", 8, "-c", 8 * 2048, "--no-warmup",
               "--threads-http", options.streams + 16]
    process = subprocess.Popen([str(part) for part in command], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        for _ in range(600):
            try:
                urllib.request.urlopen(f"http://127.0.0.1:{port}/health", timeout=1).close()
                break
            except OSError:
                time.sleep(0.1)
        payload = post("/completion", {"prompt": "Tell a long story.", "stream": True, "n_predict": 100000})
        return measure(port, process.pid, payload, options)
    finally:
        process.kill()
        process.wait()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--streams", type=int, default=5000)
    parser.add_argument("--slow", type=int, default=0)
    parser.add_argument("--asks", type=int, default=2000)
    parser.add_argument("--peer", type=pathlib.Path)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    figures = {"selvedge": ours(options)}
    if options.peer:
        figures["llama-server"] = theirs(options)
    if options.json:
        print(json.dumps(figures, indent=2))
        return 0
    for name, found in figures.items():
        print(name)
        for key, value in found.items():
            print(f"  {key}: {value if not isinstance(value, dict) else ', '.join(f'{k} {v}' for k, v in value.items())}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
