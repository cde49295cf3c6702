#!/usr/bin/env python3
# Kills the server with SIGKILL while clients write, again and again: no acknowledged write may be lost.
"""Usage: tests/crash/server_kill.py [--cycles N] [--seed S]

Writers insert, upsert and delete over REST; what was acknowledged is remembered here, outside the server, and compared
after each restart. A write without an answer may have happened or not, but not half.
"""
import argparse
import json
import pathlib
import random
import sys
import threading
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))
from server_process import ServerProcess, TemporaryHome, request  # noqa: E402

BASE = "/client/v4/accounts/local/vectorize/v2/indexes"
DIMENSIONS = 32
BATCH = 5


class Writer(threading.Thread):
    """Owns the ids that start with its letter: {id: version or None}; `unsure` holds the batch that got no answer."""

    def __init__(self, url, letter, truth, seed):
        super().__init__()
        self.url, self.letter, self.truth = url + BASE + "/kb", letter, truth
        self.random = random.Random(seed)
        self.unsure = {}
        self.acknowledged = 0
        self.problem = None

    def run(self):
        while True:
            version = self.random.randrange(1, 1_000_000)
            ids = [f"{self.letter}{self.random.randrange(400)}" for _ in range(BATCH)]
            ids = sorted(set(ids))
            if self.random.random() < 0.2:
                self.unsure = {name: None for name in ids}
                path, body, kind = "/delete_by_ids", json.dumps({"ids": ids}), "application/json"
            else:
                self.unsure = {name: version for name in ids}
                path, kind = "/upsert", "application/x-ndjson"
                body = "\n".join(json.dumps({"id": name, "values": [float(version)] + [1.0] * (DIMENSIONS - 1),
                                             "metadata": {"version": version}}) for name in ids)
            try:
                status, _, text = request("POST", self.url + path, body.encode(), {"content-type": kind}, timeout=10)
            except OSError:
                return
            except Exception as error:  # A connection that breaks in the middle of an answer.
                if type(error).__module__ not in ("http.client", "urllib.error"):
                    self.problem = repr(error)
                return
            if status != 200:
                self.problem = f"status {status}: {text[:200]}"
                return
            self.truth.update(self.unsure)
            self.unsure = {}
            self.acknowledged += 1


def check(url, truth, unsure):
    """Compares the server with what was acknowledged; resolves the unsure batches. Returns the number of losses."""
    wanted = sorted(set(truth) | {name for batch in unsure for name in batch})
    found = {}
    for at in range(0, len(wanted), 500):
        _, _, text = request("POST", url + BASE + "/kb/get_by_ids", {"ids": wanted[at:at + 500]})
        for vector in json.loads(text)["result"]:
            found[vector["id"]] = vector["metadata"]["version"]
            if vector["values"][0] != float(vector["metadata"]["version"]):
                print(f"LOST: {vector['id']} has values of one version and metadata of another")
                return 1
    lost = 0
    for batch in unsure:
        after = all(found.get(name) == version for name, version in batch.items())
        before = all(found.get(name) == truth.get(name) for name in batch)
        if not after and not before:
            print(f"LOST: a batch of {len(batch)} is there by half")
            lost += 1
        for name in batch:
            truth[name] = found.get(name)
    for name, version in truth.items():
        if found.get(name) != version:
            print(f"LOST: {name} should be {version}, is {found.get(name)}")
            lost += 1
    _, _, text = request("GET", url + BASE + "/kb/info")
    count = json.loads(text)["result"]["vectorCount"]
    if count != sum(1 for version in truth.values() if version is not None):
        print(f"LOST: vectorCount {count}")
        lost += 1
    return lost


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--cycles", type=int, default=100)
    parser.add_argument("--seed", type=int, default=20261123)
    options = parser.parse_args()
    chance = random.Random(options.seed)
    truth, unsure = {}, []
    acknowledged = lost = 0
    slowest = 0.0
    with TemporaryHome() as home:
        with ServerProcess(home.path) as server:
            request("POST", server.url + BASE, {"name": "kb", "config": {"dimensions": DIMENSIONS, "metric": "cosine"}})
        for cycle in range(options.cycles):
            server = ServerProcess(home.path)
            slowest = max(slowest, server.ready_s)
            lost += check(server.url, truth, unsure)
            writers = [Writer(server.url, letter, truth, chance.random()) for letter in "abc"]
            for writer in writers:
                writer.start()
            time.sleep(chance.uniform(0.05, 0.4))
            server.kill()
            for writer in writers:
                writer.join()
                acknowledged += writer.acknowledged
                if writer.problem:
                    print(f"cycle {cycle}: {writer.problem}")
                    lost += 1
            unsure = [writer.unsure for writer in writers if writer.unsure]
        with ServerProcess(home.path) as server:
            lost += check(server.url, truth, unsure)
    print(f"{options.cycles} kills, {acknowledged} acknowledged writes, {lost} lost or half, slowest start {slowest:.2f} s")
    enough = acknowledged >= options.cycles
    print(f"{options.cycles if not lost and enough else 0} passed, {0 if not lost and enough else max(lost, 1)} failed")
    return 0 if not lost and enough else 1


if __name__ == "__main__":
    sys.exit(main())
