#!/usr/bin/env python3
# Serving benchmark: completions and embeddings over HTTP, beside llama.cpp's own server and beside the bare engine.
"""Usage: bench/serving.py --peers DIR [--only streams|first|embeddings] [--rounds N] [--threads N] [--json]

Needs a release build with `-DSELVEDGE_ENGINES_PEERS=ON` and the small models; DIR is the `peers` folder of the
engines' prefix (build/release/engines-prefix.txt). The two servers take turns, with the same prompts, slots and
threads; a ratio is the median over the turns of ours by theirs.

  streams 1, 8     tokens/s that clients read, of 128-token completions; "decode" without the time to the first token
  first token      milliseconds over HTTP, of a prompt that is kept, less those of the engine alone (engine_alone)
  embeddings       texts/s over HTTP, as a share of the engine's own
"""
import argparse
import http.client
import json
import os
import pathlib
import statistics
import subprocess
import sys
import threading
import time
import urllib.parse
import urllib.request

ROOT = pathlib.Path(__file__).resolve().parent.parent
os.environ.setdefault("SELVEDGE_BIN", str(ROOT / "build/release/bin"))
sys.path.insert(0, str(ROOT / "tests"))
from server_process import BIN, CACHE, ServerProcess, TemporaryHome, cli, request  # noqa: E402

TEXT_MODEL = CACHE / "models/SmolLM2-135M-Instruct.Q4_1.gguf"
EMBEDDING_MODEL = CACHE / "models/multilingual-e5-small.q4_0.gguf"
TOKENS = 128
SLOTS = 8
WORDS = "time people way water day part work place river stone light paper music garden engine market".split()


def words(count, salt):
    """A text of `count` words, different for every salt, so that no cache knows it."""
    state, text = salt * 2654435761 % 2**32, [str(salt)]
    for _ in range(count):
        state = (state * 1664525 + 1013904223) % 2**32
        text.append(WORDS[state >> 28])
    return " ".join(text)


def free_port():
    import socket
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Peer:
    """llama-server with the same model, slots and threads."""

    def __init__(self, folder, threads):
        self.port = free_port()
        command = [folder / "llama-server", "-m", TEXT_MODEL, "--port", self.port, "-t", threads, "-tb", threads,
                   "-np", SLOTS, "-c", 2048 * SLOTS, "--no-warmup", "--threads-http", 16]
        self.process = subprocess.Popen([str(part) for part in command], stdout=subprocess.DEVNULL,
                                        stderr=subprocess.DEVNULL)
        for _ in range(600):
            try:
                urllib.request.urlopen(f"http://127.0.0.1:{self.port}/health", timeout=1)
                return
            except OSError:
                time.sleep(0.1)
        raise RuntimeError("llama-server did not start")

    def stop(self):
        self.process.terminate()
        self.process.wait()


def stream(port, path, body, times):
    """Reads one stream; appends (first token, end, tokens) to `times`."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=600)
    connection.request("POST", path, json.dumps(body), {"content-type": "application/json"})
    answer = connection.getresponse()
    if answer.status != 200:
        raise RuntimeError(f"{path}: {answer.status} {answer.read()[:300]}")
    first, tokens = None, None
    while line := answer.readline():
        if not line.startswith(b"data: {"):
            continue
        event = json.loads(line[6:])
        if event.get("usage"):
            tokens = event["usage"]["completion_tokens"]
        delta = event["choices"][0].get("delta", {}) if event.get("choices") else event
        if first is None and (delta.get("content") or delta.get("response")):
            first = time.perf_counter()
    times.append((first, time.perf_counter(), tokens))
    connection.close()


def body_for(ours, prompt, tokens, temperature):
    body = {"messages": [{"role": "user", "content": prompt}], "max_tokens": tokens, "stream": True,
            "temperature": temperature}
    if not ours:
        body |= {"stream_options": {"include_usage": True}, "cache_prompt": False}
    return body


def turn(port, path, ours, prompts, tokens=TOKENS, temperature=0):
    """(all tokens/s, decode tokens/s, first ms) of as many streams at once as there are prompts."""
    times = []
    readers = [threading.Thread(target=stream, args=(port, path, body_for(ours, prompt, tokens, temperature), times))
               for prompt in prompts]
    started = time.perf_counter()
    for reader in readers:
        reader.start()
    for reader in readers:
        reader.join()
    if len(times) != len(prompts):
        raise RuntimeError("a stream failed")
    all_tokens = sum(tokens for _, _, tokens in times)
    ended = max(end for _, end, _ in times)
    first = max(first for first, _, _ in times)
    return all_tokens / (ended - started), (all_tokens - len(times)) / (ended - first), (first - started) * 1000


class EngineAlone:
    def __init__(self, model, kind, threads):
        self.process = subprocess.Popen([str(BIN / "engine_alone"), str(model), kind, "--threads", str(threads)],
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        while (line := self.process.stdout.readline()) != "ready\n":  # What the library has to say comes before.
            if not line:
                raise RuntimeError("engine_alone did not start")

    def order(self, line):
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()
        milliseconds = float(self.process.stdout.readline())
        if milliseconds < 0:
            raise RuntimeError("engine_alone failed an order")
        return milliseconds

    def stop(self):
        self.process.stdin.close()
        self.process.wait()


def measure_streams(server, peer, run_path, rounds, figures):
    ours_port = urllib.parse.urlparse(server.url).port
    salt = 1
    for count in (1, SLOTS):
        ours, theirs = [], []
        for at in range(rounds + 1):
            prompts = [words(24, salt + n) for n in range(count)]
            salt += count
            pair = [(ours, ours_port, run_path, True), (theirs, peer.port, "/v1/chat/completions", False)]
            for kept, port, path, is_ours in pair if at % 2 == 0 else reversed(pair):
                kept.append(turn(port, path, is_ours, prompts))
        ours, theirs = ours[1:], theirs[1:]  # The first turn loads and warms.
        for number, name in enumerate(("all", "decode")):
            figures[f"streams_{count}_{name}_tokens_s"] = statistics.median(one[number] for one in ours)
            figures[f"streams_{count}_{name}_ratio"] = statistics.median(
                one[number] / other[number] for one, other in zip(ours, theirs))
        figures[f"streams_{count}_first_ms"] = statistics.median(one[2] for one in ours)
        figures[f"streams_{count}_first_ms_peer"] = statistics.median(one[2] for one in theirs)


def measure_first_token(server, run_path, rounds, threads, figures):
    port = urllib.parse.urlparse(server.url).port
    alone = EngineAlone(TEXT_MODEL, "text", threads)
    ours, bare = [], []
    # The same prompt each time: both sides keep it where the draw is free, and compute one token. Reading a new one takes hundreds of
    # milliseconds, and differs between two processes by more than what is looked for here.
    prompt = words(24, 100_000)
    for at in range(rounds * 20 + 3):
        pair = [lambda: ours.append(turn(port, run_path, True, [prompt], 1, 0.6)[2]),
                lambda: bare.append(alone.order("generate " + prompt))]
        for one in pair if at % 2 == 0 else reversed(pair):
            one()
    alone.stop()
    figures["first_token_ms"] = statistics.median(ours[3:])
    figures["first_token_engine_ms"] = statistics.median(bare[3:])
    figures["first_token_added_ms"] = statistics.median(a - b for a, b in zip(ours[3:], bare[3:]))


def measure_embeddings(server, run_path, rounds, threads, figures):
    alone = EngineAlone(EMBEDDING_MODEL, "embedding", threads)
    shares, rates = [], []
    for at in range(rounds + 1):
        texts = [words(60, 200_000 + at * 100 + n) for n in range(100)]
        seconds = {}

        def over_http():
            started = time.perf_counter()
            status, _, answer = request("POST", server.url + run_path, {"text": texts}, timeout=600)
            seconds["http"] = time.perf_counter() - started
            if status != 200:
                raise RuntimeError(answer[:300])

        def bare():
            # The model sees the prefix that the server puts before each text.
            seconds["bare"] = alone.order("embed " + "\t".join("query: " + text for text in texts)) / 1000

        for one in (over_http, bare) if at % 2 == 0 else (bare, over_http):
            one()
        shares.append(seconds["bare"] / seconds["http"])
        rates.append(100 / seconds["http"])
    alone.stop()
    figures["embeddings_texts_s"] = statistics.median(rates[1:])
    figures["embeddings_share_of_engine"] = statistics.median(shares[1:])


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--peers", type=pathlib.Path, required=True, help="folder of llama-server")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--only", choices=("streams", "first", "embeddings"))
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    figures = {"threads": options.threads}
    account = "/client/v4/accounts/bench/ai/run/"
    with TemporaryHome() as home:
        for model in (TEXT_MODEL, EMBEDDING_MODEL):
            cli(home.path, "import", model)
        with ServerProcess(home.path, runner="selvedge-runner", options=["--threads", str(options.threads)]) as server:
            text_path = account + "@cf/meta/llama-3-8b-instruct"
            if options.only in (None, "streams"):
                peer = Peer(options.peers, options.threads)
                measure_streams(server, peer, text_path, options.rounds, figures)
                peer.stop()
            if options.only in (None, "first"):
                measure_first_token(server, text_path, options.rounds, options.threads, figures)
            if options.only in (None, "embeddings"):
                measure_embeddings(server, account + "@cf/baai/bge-base-en-v1.5", options.rounds, options.threads,
                                   figures)
    if options.json:
        print(json.dumps(figures))
        return
    for name, value in figures.items():
        print(f"{name:32} {value:10.3f}")


if __name__ == "__main__":
    main()
