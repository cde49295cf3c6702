#!/usr/bin/env python3
# Bot benchmark: time to the first token and the whole answer, second start, and resident memory.
"""Usage: bench/bot.py [--rounds N] [--json]; needs a release build and the small models (both made by ./run)."""
import argparse
import http.client
import json
import os
import pathlib
import statistics
import sys
import time
import urllib.parse

ROOT = pathlib.Path(__file__).resolve().parent.parent
os.environ.setdefault("SELVEDGE_BIN", str(ROOT / "build/release/bin"))
sys.path.insert(0, str(ROOT / "tests"))
from server_process import CACHE, ServerProcess, TemporaryHome, cli, request  # noqa: E402

TEXTS = [
    "Durable Objects provide strongly consistent state management. Each object has a unique name and runs in one place.",
    "Workers KV is a global, low-latency key-value store. It is eventually consistent: a write takes up to 60 seconds.",
    "R2 is object storage with an S3-compatible API. It charges nothing for data that leaves it.",
    "D1 is a serverless SQL database. It speaks the dialect of SQLite and replicates reads near the user.",
    "Queues deliver messages at least once. A consumer that fails gets the message again after a delay.",
    "Durable Objects 提供強一致性的狀態管理。每個物件有唯一的名稱,同一時間只在一個地方執行。",
]
QUESTIONS = ["What are Durable Objects?", "How long does a write to KV take?", "What does R2 charge for?",
             "Which dialect does D1 speak?", "What happens when a consumer fails?", "什麼是 Durable Objects?"]


def resident_mb(pid):
    for line in pathlib.Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) / 1024
    return 0.0


def runners(server):
    pids = []
    for task in pathlib.Path(f"/proc/{server.process.pid}/task").iterdir():
        pids += [int(pid) for pid in (task / "children").read_text().split()]
    return pids


def ask(url, question, mode):
    """(ms to the first piece of text, ms to the end)."""
    where = urllib.parse.urlparse(url)
    connection = http.client.HTTPConnection(where.hostname, where.port, timeout=300)
    started = time.perf_counter()
    connection.request("POST", f"/chat?answer={mode}", json.dumps({"question": question}))
    answer = connection.getresponse()
    first = None
    while line := answer.readline():
        if first is None and line.startswith(b'data: {"response":"') and not line.startswith(b'data: {"response":""'):
            first = time.perf_counter()
    connection.close()
    return (first - started) * 1000, (time.perf_counter() - started) * 1000


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=3, help="how often each question is asked again")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    figures = {}
    with TemporaryHome() as home:
        for name in ("SmolLM2-135M-Instruct.Q4_1.gguf", "multilingual-e5-small.q4_0.gguf"):
            cli(home.path, "import", CACHE / "models" / name)
        ServerProcess(home.path, "bot", runner="selvedge-runner").stop()
        with ServerProcess(home.path, "bot", runner="selvedge-runner") as server:
            request("GET", server.url + "/health")
            figures["second_start_health_ms"] = (time.monotonic() - server.started) * 1000
            figures["idle_server_mb"] = resident_mb(server.process.pid)
            for at, text in enumerate(TEXTS):
                request("POST", server.bot_url + "/knowledge/add", {"id": f"t{at}", "text": text})
            for mode in ("quote", "model"):
                ask(server.bot_url, "Is it warm?", mode)  # Loads the model.
                for when, rounds in (("new", 1), ("again", options.rounds)):
                    times = [ask(server.bot_url, question, mode) for _ in range(rounds) for question in QUESTIONS]
                    firsts, wholes = zip(*times)
                    figures[f"{mode}_{when}_first_ms_p50"] = statistics.median(firsts)
                    figures[f"{mode}_{when}_first_ms_max"] = max(firsts)
                    figures[f"{mode}_{when}_whole_ms_p50"] = statistics.median(wholes)
            figures["server_with_models_mb"] = resident_mb(server.process.pid)
            figures["runners_mb"] = sum(resident_mb(pid) for pid in runners(server))
            code, seconds = server.stop()
            figures["stop_ms"], figures["stop_exit_code"] = seconds * 1000, code
    figures = {name: round(value, 1) for name, value in figures.items()}
    if options.json:
        print(json.dumps(figures))
        return
    for name, value in figures.items():
        print(f"{name:26} {value:10.1f}")


if __name__ == "__main__":
    main()
