# One peer in a process of its own: builds its index, or runs one sweep over its settings; prints one JSON object.
"""Usage: engine.py build NAME FOLDER BASE.npy
          engine.py sweep NAME FOLDER BASE.npy QUERIES.npy TRUTH.npy K

What `sweep` prints has the shape that `selvedge bench vectors --json` has, too: memory_mb, and a list `sweep` of
recall, qps_cpu, qps_wall, p50_us, p99_us (CPU time, single calls), setting.
"""
import json
import os
import pathlib
import sys
import time

import numpy as np

from peers import PEERS

PASS_SECONDS = 0.2    # A setting's queries are asked again until so much time has gone; the fastest pass counts.
SETTING_SECONDS = 4   # A setting that takes longer is the last one.
RECALL_ENOUGH = 0.998


def resident_mb():
    return int(pathlib.Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1e6


def recall(found, truth):
    k = truth.shape[1]
    hits = (found[:, :k, None] == truth[:, None, :]).any(axis=1).sum()
    return hits / truth.size


def build(name, folder, base_file):
    base = np.load(base_file)
    cpu, wall = time.process_time(), time.perf_counter()
    PEERS[name](folder).build(base)
    return {"build_cpu_s": time.process_time() - cpu, "build_wall_s": time.perf_counter() - wall}


def passes(once):
    """The fastest CPU and wall seconds of some passes, and what the last one gave."""
    cpu_best = wall_best = float("inf")
    started = time.perf_counter()
    while True:
        cpu, wall = time.process_time(), time.perf_counter()
        given = once()
        cpu_best = min(cpu_best, time.process_time() - cpu)
        wall_best = min(wall_best, time.perf_counter() - wall)
        if time.perf_counter() - started > PASS_SECONDS:
            return cpu_best, wall_best, given


def single_calls(one, count, k):
    """CPU microseconds of each query asked alone, and the ids."""
    taken, found = np.empty(count), np.empty((count, k), np.int64)
    clock = time.thread_time_ns
    for at in range(count):
        started = clock()
        ids = one(at)
        taken[at] = clock() - started
        found[at] = ids[:k] if ids.ndim == 1 else ids[0]
    return taken / 1000, found


def sweep(name, folder, base_file, queries_file, truth_file, k):
    queries = np.load(queries_file)
    truth = np.load(truth_file)[:, :k]
    peer = PEERS[name](folder)
    before = resident_mb()
    peer.open(queries.shape[1])
    rows, stopped = [], set()
    single_calls(peer.alone(queries, k, peer.settings[0]), min(200, len(queries)), k)
    for setting in peer.settings:
        group = setting.get("rerank", setting.get("kept"))
        if group in stopped:
            continue
        one = peer.alone(queries, k, setting)
        if peer.batch:
            cpu, wall, found = passes(lambda: peer.search(queries, k, setting))
            taken, _ = single_calls(one, len(queries), k)
        else:
            cpu, wall, (taken, found) = passes(lambda: single_calls(one, len(queries), k))
        if hasattr(peer, "rows_of"):
            found = peer.rows_of(found)
        p50, p99 = np.percentile(taken, (50, 99))
        rows.append({"setting": " ".join(f"{key} {value}" for key, value in setting.items()),
                     "recall": float(recall(np.asarray(found).astype(np.int64), truth)),
                     "qps_cpu": len(queries) / cpu, "qps_wall": len(queries) / wall,
                     "p50_us": float(p50), "p99_us": float(p99)})
        if rows[-1]["recall"] > RECALL_ENOUGH or wall > SETTING_SECONDS:
            stopped.add(group)
    return {"memory_mb": resident_mb() - before, "sweep": rows}


if __name__ == "__main__":
    verb, *rest = sys.argv[1:]
    if verb == "build":
        result = build(*rest)
    else:
        result = sweep(*rest[:-1], int(rest[-1]))
    sys.stdout.flush()
    print(json.dumps(result))
