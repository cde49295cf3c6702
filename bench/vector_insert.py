#!/usr/bin/env python3
# Insert benchmark: NDJSON batches over loopback HTTP, each synced, beside a plain loop that parses and syncs the same.
"""Usage: bench/vector_insert.py [--connections 1,2,4] [--batches N] [--batch N] [--dimensions N] [--home DIR] [--json]

Needs a release build of `selvedge`, `selvedge-scripted-runner` and `plain_lines`. Every round writes all batches into
a new index; the plain loop and the server take turns. Vectors/s from the first byte sent to the last answer read.
"""
import argparse
import json
import os
import pathlib
import random
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
os.environ.setdefault("SELVEDGE_BIN", str(ROOT / "build/release/bin"))
sys.path.insert(0, str(ROOT / "tests"))
from server_process import BIN, ServerProcess, request  # noqa: E402

PREFIX = "/client/v4/accounts/bench/vectorize/v2/indexes"


def batch_text(number, count, dimensions):
    """Lines as clients write them: shortest decimals of doubles near those of an embedding of length 1."""
    draw = random.Random(number)
    pool = [repr(round(draw.gauss(0, 0.036), 8)) for _ in range(20_000)]
    lines = []
    for at in range(count):
        values = ",".join(draw.choices(pool, k=dimensions))
        lines.append(f'{{"id":"{number}-{at}","values":[{values}],"metadata":{{"title":"vector {at}","page":{at}}}}}\n')
    return "".join(lines).encode()


class Client:
    """One connection that is kept; a body goes out in one call."""

    def __init__(self, port):
        self.socket = socket.create_connection(("127.0.0.1", port))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # A body must not wait for its head.
        self.file = self.socket.makefile("rb")

    def post(self, path, body, content_type):
        head = (f"POST {path} HTTP/1.1\r\nhost: localhost\r\ncontent-type: {content_type}\r\n"
                f"content-length: {len(body)}\r\n\r\n")
        self.socket.sendall(head.encode())
        self.socket.sendall(body)
        status = int(self.file.readline().split()[1])
        length = 0
        while (line := self.file.readline()) != b"\r\n":
            if line.lower().startswith(b"content-length:"):
                length = int(line.split(b":")[1])
        answer = self.file.read(length)
        if status != 200:
            raise RuntimeError(f"{status}: {answer[:300]!r}")
        return answer


def insert(port, name, batches, connections, times):
    """All batches over so many connections; returns seconds."""
    left = list(enumerate(batches))
    lock = threading.Lock()
    faults = []

    def work(client):
        try:
            while True:
                with lock:
                    if not left:
                        return
                    _, body = left.pop(0)
                began = time.perf_counter()
                client.post(f"{PREFIX}/{name}/insert", body, "application/x-ndjson")
                times.append(time.perf_counter() - began)
        except Exception as fault:  # Shown by the caller.
            faults.append(fault)

    clients = [Client(port) for _ in range(connections)]
    threads = [threading.Thread(target=work, args=(client,)) for client in clients]
    began = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    took = time.perf_counter() - began
    if faults:
        raise faults[0]
    return took


def main():
    parse = argparse.ArgumentParser()
    parse.add_argument("--connections", default="1,2,4")
    parse.add_argument("--batches", type=int, default=12)
    parse.add_argument("--batch", type=int, default=5000)
    parse.add_argument("--dimensions", type=int, default=768)
    parse.add_argument("--rounds", type=int, default=3)
    parse.add_argument("--home", help="where to write; on the disk to be measured")
    parse.add_argument("--json", action="store_true")
    words = parse.parse_args()
    batches = [batch_text(number, words.batch, words.dimensions) for number in range(words.batches)]
    total = words.batches * words.batch
    rows = {int(count): {"rates": [], "times": []} for count in words.connections.split(",")}
    plain = []
    with tempfile.TemporaryDirectory(dir=words.home) as folder:
        files = []
        for number, body in enumerate(batches):
            files.append(pathlib.Path(folder) / f"{number}.ndjson")
            files[-1].write_bytes(body)
        out = pathlib.Path(folder) / "plain.out"
        with ServerProcess(pathlib.Path(folder) / "home") as server:
            port = int(server.url.rsplit(":", 1)[1].strip("/"))
            for turn in range(words.rounds):
                done = subprocess.run([BIN / "plain_lines", *files, "--out", out], check=True, capture_output=True)
                figures = json.loads(done.stdout)
                plain.append(figures["vectors"] / figures["seconds"])
                for connections, row in rows.items():
                    name = f"i{turn}-{connections}"
                    config = {"name": name, "config": {"dimensions": words.dimensions, "metric": "cosine"}}
                    Client(port).post(PREFIX, json.dumps(config).encode(), "application/json")
                    took = insert(port, name, batches, connections, row["times"])
                    row["rates"].append(total / took)
                    request("DELETE", f"{server.url}{PREFIX}/{name}")
    peer = statistics.median(plain)
    result = {"batch": words.batch, "dimensions": words.dimensions, "bytes_per_vector": len(batches[0]) // words.batch,
              "plain_per_s": round(peer), "rows": []}
    for connections, row in rows.items():
        times = sorted(row["times"])
        result["rows"].append({"connections": connections, "per_s": round(statistics.median(row["rates"])),
                               "of_plain": round(statistics.median(row["rates"]) / peer, 2),
                               "p50_ms": round(statistics.median(times) * 1000),
                               "p99_ms": round(times[int(len(times) * 0.99)] * 1000)})
    if words.json:
        print(json.dumps(result))
        return
    print(f"{words.batch} vectors of {words.dimensions} a batch, {result['bytes_per_vector']} bytes of text each; "
          f"plain loop {result['plain_per_s']}/s")
    for row in result["rows"]:
        print(f"  {row['connections']} connections: {row['per_s']}/s, {row['of_plain']} of the plain loop; "
              f"a batch p50 {row['p50_ms']} ms, p99 {row['p99_ms']} ms")


if __name__ == "__main__":
    main()
