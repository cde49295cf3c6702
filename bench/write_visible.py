#!/usr/bin/env python3
# Write-visible benchmark: one vector upserted, synced, then queried for; the time until the answer shows it.
"""Usage: bench/write_visible.py [--writes N] [--dimensions N] [--stored N] [--home DIR] [--json]

Needs a release build. Each round trip is an upsert and then a query over loopback HTTP; the query must return the
vector just written. Beside it: appending and syncing the same bytes to a file.
"""
import argparse
import json
import os
import pathlib
import random
import statistics
import sys
import tempfile
import time

from vector_insert import PREFIX, Client, batch_text

ROOT = pathlib.Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tests"))
from server_process import ServerProcess  # noqa: E402


def quantiles(times):
    times = sorted(times)
    return {"p50_ms": round(statistics.median(times) * 1000, 2),
            "p99_ms": round(times[int(len(times) * 0.99)] * 1000, 2)}


def main():
    parse = argparse.ArgumentParser()
    parse.add_argument("--writes", type=int, default=500)
    parse.add_argument("--dimensions", type=int, default=768)
    parse.add_argument("--stored", type=int, default=10_000)
    parse.add_argument("--home", help="where to write; on the disk to be measured")
    parse.add_argument("--json", action="store_true")
    words = parse.parse_args()
    write_times, both_times, sync_times = [], [], []
    draw = random.Random(1)
    with tempfile.TemporaryDirectory(dir=words.home) as folder:
        plain = os.open(pathlib.Path(folder) / "plain", os.O_CREAT | os.O_WRONLY, 0o600)
        with ServerProcess(pathlib.Path(folder) / "home") as server:
            client = Client(int(server.url.rsplit(":", 1)[1].strip("/")))
            config = {"name": "docs", "config": {"dimensions": words.dimensions, "metric": "cosine"}}
            client.post(PREFIX, json.dumps(config).encode(), "application/json")
            for first in range(0, words.stored, 5000):
                count = min(5000, words.stored - first)
                client.post(f"{PREFIX}/docs/insert", batch_text(first, count, words.dimensions), "application/x-ndjson")
            for number in range(words.writes):
                values = [round(draw.gauss(0, 1), 6) for _ in range(words.dimensions)]
                line = json.dumps({"id": f"new-{number % 50}", "values": values}).encode()
                query = json.dumps({"vector": values, "topK": 1}).encode()
                began = time.perf_counter()
                client.post(f"{PREFIX}/docs/upsert", line, "application/x-ndjson")
                write_times.append(time.perf_counter() - began)
                answer = json.loads(client.post(f"{PREFIX}/docs/query", query, "application/json"))
                both_times.append(time.perf_counter() - began)
                match = answer["result"]["matches"][0]
                if match["id"] != f"new-{number % 50}" or match["score"] < 0.9999:
                    raise RuntimeError(f"the write is not visible: {match}")
                began = time.perf_counter()
                os.write(plain, bytes(4 * words.dimensions))
                os.fdatasync(plain)
                sync_times.append(time.perf_counter() - began)
    result = {"stored": words.stored, "dimensions": words.dimensions, "write": quantiles(write_times),
              "write_and_query": quantiles(both_times), "plain_sync": quantiles(sync_times)}
    if words.json:
        print(json.dumps(result))
        return
    print(f"{words.stored} vectors of {words.dimensions} stored")
    for name in ("write", "write_and_query", "plain_sync"):
        print(f"  {name}: p50 {result[name]['p50_ms']} ms, p99 {result[name]['p99_ms']} ms")


if __name__ == "__main__":
    main()
