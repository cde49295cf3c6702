# Vector search beside its peers: builds each index once, sweeps all engines turn by turn, writes one table.
"""Usage: bench/ann/run --base BASE.npy --queries QUERIES.npy [options]

BASE and QUERIES are float32 [n x d]. Every engine runs in a process of its own on one core, one thread, one query at a
time; in each round every engine has one turn. Of the rounds the best figure of each setting counts. QPS at a recall is
interpolated (log QPS over recall) on the settings that no other beats in both; '>' before a figure: even the fastest
setting has that recall.

  --truth T.npy        int32 [queries x >= topk], the exact nearest; computed and kept when left out
  --metric M           cosine (default: rows and queries are scaled to unit length) or dot-product (taken as they are;
                       only sensible for unit rows, since peers run in their faster mode)
  --topk K             10
  --peers a,b,…        which; default all; `none` for no peer
  --ours 'COMMAND'     a command that prints what `engine.py sweep` prints and build_cpu_s, given --base, --queries,
                       --truth, --metric, --topk, --json (repeatable as NAME=COMMAND); default `selvedge bench vectors`
                       of $SELVEDGE_BIN or build/release/bin, when it is there
  --rounds N           3
  --filtered           the filtered sweeps (filtered.py) instead
  --core C             the core (default: the last one)
  --json OUT           everything as JSON
  --table OUT.md       the table (always printed, too)
  --only-build         builds what is missing and stops
  --build-again        builds what is there again, too (its figures of a busy hour are too high)
"""
import argparse
import hashlib
import importlib.metadata
import json
import os
import pathlib
import shlex
import shutil
import subprocess
import sys
import time

import numpy as np

from peers import PEERS

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
sys.path.insert(0, str(ROOT / "tests"))
from server_process import CACHE  # noqa: E402

PLACE = CACHE / "bench-ann"
RECALLS = (0.90, 0.95, 0.99)
OUR_RECALLS = "0.7,0.8,0.85,0.9,0.93,0.95,0.97,0.98,0.985,0.99,0.993,0.995"
SINGLE = {name: "1" for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "OMP_WAIT_POLICY")}
SINGLE["OMP_WAIT_POLICY"] = "passive"


def digest_of(*files):
    digest = hashlib.sha256()
    for name in files:
        with open(name, "rb") as file:
            while piece := file.read(1 << 24):
                digest.update(piece)
    return digest.hexdigest()[:16]


def unit(rows):
    return np.ascontiguousarray(rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-30), np.float32)


def is_unit(rows):
    return all(np.abs(np.linalg.norm(rows[at:at + 65536], axis=1) - 1).max() < 1e-4
               for at in range(0, len(rows), 65536))


def exact(base, queries, k, allowed=None):
    """The row numbers of the k nearest by inner product, of the allowed rows (default: all)."""
    best = np.full((len(queries), k), -np.inf, np.float32)
    rows = np.full((len(queries), k), -1, np.int32)
    for first in range(0, len(base), 65536):
        numbers = np.arange(first, min(first + 65536, len(base)), dtype=np.int32)
        if allowed is not None:
            numbers = numbers[allowed[numbers]]
        scores = np.concatenate([best, queries @ np.asarray(base[numbers]).T], axis=1)
        numbers = np.concatenate([rows, np.broadcast_to(numbers, (len(queries), len(numbers)))], axis=1)
        kept = np.argpartition(-scores, k - 1, axis=1)[:, :k]
        best, rows = np.take_along_axis(scores, kept, 1), np.take_along_axis(numbers, kept, 1)
    order = np.argsort(-best, axis=1, kind="stable")
    return np.take_along_axis(rows, order, 1)


class Data:
    """The files that every engine reads, in a folder of their own where they had to be made."""

    def __init__(self, arguments):
        base = np.load(arguments.base, mmap_mode="r")
        self.rows, self.dimensions = base.shape
        self.key = digest_of(arguments.base)
        folder = PLACE / f"data-{digest_of(arguments.base, arguments.queries)}-{arguments.metric}"
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        self.base = self.scaled(arguments.base, base, folder / "base.npy", arguments.metric)
        queries = np.load(arguments.queries)
        self.queries = self.scaled(arguments.queries, queries, folder / "queries.npy", arguments.metric)
        self.topk = arguments.topk
        if arguments.truth:
            self.truth = arguments.truth
        else:
            self.truth = str(folder / "truth.npy")
            if not pathlib.Path(self.truth).exists():
                np.save(self.truth, exact(np.load(self.base, mmap_mode="r"), np.load(self.queries), 100))

    @staticmethod
    def scaled(given, rows, made, metric):
        if metric != "cosine" or (rows.dtype == np.float32 and is_unit(rows)):
            return str(pathlib.Path(given).resolve())
        if not made.exists():
            np.save(made, unit(np.asarray(rows, np.float32)))
        return str(made)


def answered(command):
    """Runs `command` with one thread; gives the JSON object that it prints, alone or as its last line."""
    done = subprocess.run([*map(str, command)], text=True,
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          env=os.environ | SINGLE)
    if done.returncode != 0:
        raise RuntimeError(f"{shlex.join(map(str, command))}: exit {done.returncode}\n{done.stderr[-2000:]}")
    text = done.stdout.strip()
    return json.loads(text if text.startswith("{") else text.splitlines()[-1])


def on_core(core, command):
    return answered(["taskset", "-c", core, *command])


class PeerEngine:
    def __init__(self, name, data, core):
        peer = PEERS[name]
        self.name, self.data, self.core = name, data, core
        self.version = importlib.metadata.version(peer.package)
        what = json.dumps([name, peer.parameters, self.version, data.key], sort_keys=True)
        self.folder = PLACE / f"{name}-{hashlib.sha256(what.encode()).hexdigest()[:16]}"
        self.label = f"{name} {self.version}"

    def build(self, again=False):
        """What the build took; builds unless that has been done."""
        kept = self.folder / "built.json"
        if again or not kept.exists():
            shutil.rmtree(self.folder, ignore_errors=True)
            self.folder.mkdir(parents=True)
            print(f"building {self.label}", file=sys.stderr, flush=True)
            figures = answered(["nice", "-n", 10, sys.executable, HERE / "engine.py", "build", self.name, self.folder,
                                self.data.base])
            figures["disk_mb"] = sum(file.stat().st_size for file in self.folder.rglob("*") if file.is_file()) / 1e6
            kept.write_text(json.dumps(figures))
        return json.loads(kept.read_text())

    def sweep(self):
        return on_core(self.core, [sys.executable, HERE / "engine.py", "sweep", self.name, self.folder, self.data.base,
                                   self.data.queries, self.data.truth, self.data.topk])


class CommandEngine:
    """Any program that takes our verb's options. It makes its index in the first round, or each time."""

    kind = "plain"

    def __init__(self, name, command, data, core, metric):
        self.name = self.label = name
        self.core = core
        program, *options = shlex.split(command)
        self.command = [program, *options, "--base", data.base, "--queries", data.queries, "--truth", data.truth,
                        "--metric", metric, "--topk", data.topk, "--json"]
        if pathlib.Path(program).name == "selvedge":  # Its index is kept as long as the program is the same.
            what = f"{digest_of(program)} {options} {data.key} {metric}"
            self.folder = PLACE / f"{name}-{self.kind}-{hashlib.sha256(what.encode()).hexdigest()[:16]}"
            for other in PLACE.glob(f"{name}-{self.kind}-*"):
                if other != self.folder:
                    shutil.rmtree(other)
            self.command += ["--folder", self.folder]

    def build(self, _again=False):
        return {}

    def sweep(self):
        return on_core(self.core, self.command)


def merged(sweeps):
    """One sweep: of each setting the best figures of all rounds."""
    best = {}
    for rows in sweeps:
        for row in rows:
            kept = best.setdefault(row["setting"], dict(row))
            for figure in ("qps_cpu", "qps_wall"):
                kept[figure] = max(kept[figure], row[figure])
            for figure in ("p50_us", "p99_us"):
                kept[figure] = min(kept[figure], row[figure])
    return sorted(best.values(), key=lambda row: row["recall"])


def front(rows):
    """The rows that no other beats in recall and speed, by rising recall."""
    kept, fastest = [], 0
    for row in sorted(rows, key=lambda row: (-row["recall"], -row["qps_cpu"])):
        if row["qps_cpu"] > fastest:
            kept.append(row)
            fastest = row["qps_cpu"]
    return kept[::-1]


def at_recall(rows, wanted):
    """The figures at a recall, or None; `beyond` when already the fastest row has it."""
    rows = front(rows)
    above = next((at for at, row in enumerate(rows) if row["recall"] >= wanted), None)
    if above is None:
        return None
    figures = ("qps_cpu", "qps_wall", "p50_us", "p99_us")
    if above == 0:
        return {name: rows[0][name] for name in figures} | {"beyond": True}
    low, high = rows[above - 1], rows[above]
    share = (wanted - low["recall"]) / (high["recall"] - low["recall"])
    return {name: float(low[name] ** (1 - share) * high[name] ** share) for name in figures} | {"beyond": False}


def summary(label, built, rounds):
    rows = merged(one["sweep"] for one in rounds)
    cpu = [one["build_cpu_s"] for one in rounds if "build_cpu_s" in one]
    return {"engine": label, "build_cpu_s": built.get("build_cpu_s", min(cpu) if cpu else None),
            "memory_mb": min(one["memory_mb"] for one in rounds), "best_recall": max(row["recall"] for row in rows),
            "at": {f"{recall:.2f}": at_recall(rows, recall) for recall in RECALLS}, "sweep": rows}


def number(figure, digits=0):
    return "-" if figure is None else f"{figure:,.{digits}f}"


def table(results):
    """Markdown: a row an engine, by the QPS at the middle recall."""
    head = ["engine", "build CPU-s", "memory MB", *(f"QPS at {recall:.2f}" for recall in RECALLS),
            *(f"wall QPS at {recall:.2f}" for recall in RECALLS[1:]),
            *(f"p50 / p99 us at {recall:.2f}" for recall in RECALLS[1:]), "best recall"]
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]

    def speed(point, name="qps_cpu"):
        return "-" if point is None else ("> " if point["beyond"] else "") + number(point[name])

    for one in sorted(results, key=lambda one: -((one["at"]["0.95"] or {}).get("qps_cpu", 0))):
        points = [one["at"][f"{recall:.2f}"] for recall in RECALLS]
        lines.append("| " + " | ".join([
            one["engine"], number(one["build_cpu_s"], 1), number(one["memory_mb"]), *map(speed, points),
            *(speed(point, "qps_wall") for point in points[1:]),
            *("-" if point is None else f"{point['p50_us']:.0f} / {point['p99_us']:.0f}" for point in points[1:]),
            f"{one['best_recall']:.4f}"]) + " |")
    return "\n".join(lines) + "\n"


def machine():
    model = next((line.split(":")[1].strip() for line in pathlib.Path("/proc/cpuinfo").read_text().splitlines()
                  if line.startswith("model name")), "?")
    return f"{model}, {os.cpu_count()} cores"


def ours(arguments, data, kind=CommandEngine):
    commands = arguments.ours
    if commands is None:
        bin_folder = pathlib.Path(os.environ.get("SELVEDGE_BIN", ROOT / "build/release/bin"))
        program = bin_folder / "selvedge"
        # Recall 1 is the exact scan: it would take longer than all others together.
        commands = [f"{program} bench vectors --recall {OUR_RECALLS}"] if program.exists() else []
    for command in commands:
        name, _, rest = command.partition("=")
        if not rest or " " in name or "/" in name:
            name, rest = "selvedge", command
        yield kind(name, rest, data, arguments.core, arguments.metric)


def turns(engines, count):
    """What each engine, by its name, gave in each of `count` rounds; every round starts with another one."""
    rounds = {}
    for turn in range(count):
        first = turn % max(1, len(engines))
        for engine in engines[first:] + engines[:first]:
            started = time.perf_counter()
            try:
                swept = engine.sweep()
                rounds.setdefault(engine.name, []).append(swept)
            except (RuntimeError, ValueError) as error:
                print(f"{engine.name}: {error}", file=sys.stderr, flush=True)
            print(f"round {turn + 1} {engine.name} {time.perf_counter() - started:.1f} s", file=sys.stderr, flush=True)
    return rounds


def compare(arguments, data):
    names = [] if arguments.peers == "none" else arguments.peers.split(",") if arguments.peers else list(PEERS)
    for name in names:
        if name not in PEERS:
            raise SystemExit(f"--peers {name}: no such peer; there are {', '.join(PEERS)}")
    engines = [*ours(arguments, data), *(PeerEngine(name, data, arguments.core) for name in names)]
    built = {}
    for engine in list(engines):
        try:
            built[engine.name] = engine.build(arguments.build_again)
        except (RuntimeError, ValueError) as error:
            print(f"{engine.name}: {error}", file=sys.stderr, flush=True)
            engines.remove(engine)
    if arguments.only_build:
        return []
    rounds = turns(engines, arguments.rounds)
    return [summary(engine.label, built[engine.name], rounds[engine.name]) for engine in engines
            if engine.name in rounds]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name in ("--base", "--queries"):
        parser.add_argument(name, required=True)
    for name in ("--truth", "--peers", "--json", "--table"):
        parser.add_argument(name)
    parser.add_argument("--ours", action="append")
    parser.add_argument("--metric", default="cosine", choices=("cosine", "dot-product"))
    parser.add_argument("--topk", type=int, default=10)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--core", type=int, default=max(os.sched_getaffinity(0)))
    parser.add_argument("--filtered", action="store_true")
    parser.add_argument("--only-build", action="store_true")
    parser.add_argument("--build-again", action="store_true")
    arguments = parser.parse_args()
    data = Data(arguments)
    if arguments.filtered:
        import filtered
        results, written = filtered.compare(arguments, data)
    else:
        results = compare(arguments, data)
        written = table(results)
    written = f"{data.rows:,} x {data.dimensions}, {len(np.load(data.queries, mmap_mode='r')):,} queries, " \
              f"k = {data.topk}; {machine()}\n\n{written}"
    print(written)
    if arguments.table:
        pathlib.Path(arguments.table).write_text(written)
    if arguments.json:
        pathlib.Path(arguments.json).write_text(json.dumps({"machine": machine(), "results": results}, indent=1))


if __name__ == "__main__":
    main()
