# Filtered search beside its peers: hnswlib with a filter in C++, faiss with a bitmap, and our engine.
"""Row i is allowed when splitmix64(i ^ 7) / 2^64 is below the selectivity, so that all engines allow the same rows.

hnswlib's own Python binding calls back into Python for each candidate; so it is measured by hnsw_filtered.cpp, compiled
against the headers of the same version's source package, on the index that the unfiltered comparison built.
"""
import pathlib
import subprocess
import sys
import tarfile

import numpy as np

import compare as plain
from tool_folders import made

SELECTIVITIES = (0.001, 0.01, 0.1, 0.5, 0.9)
RECALLS = (0.95, 0.99)
SEED = 7
FEW, QUERIES_OF_FEW = 0.005, 200  # As in hnsw_filtered.cpp.
HERE = pathlib.Path(__file__).resolve().parent


def draws(count):
    """splitmix64(i ^ seed) / 2^64 of the first `count` rows; https://prng.di.unimi.it/splitmix64.c."""
    with np.errstate(over="ignore"):
        mixed = (np.arange(count, dtype=np.uint64) ^ np.uint64(SEED)) + np.uint64(0x9E3779B97F4A7C15)
        mixed = (mixed ^ (mixed >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        mixed ^= mixed >> np.uint64(31)
    return mixed.astype(np.float64) * 2.0**-64


def truth_file(data, k):
    """int32 [selectivities x queries x k]: the nearest allowed rows; -1 where there are fewer."""
    file = data.folder / f"filtered-truth-{k}.npy"
    if not file.exists():
        base, queries, drawn = np.load(data.base, mmap_mode="r"), np.load(data.queries), draws(data.rows)
        np.save(file, np.stack([plain.exact(base, queries, k, drawn < share) for share in SELECTIVITIES]))
    return file


def hnswlib_program(version):
    """hnsw_filtered, compiled once against the headers of hnswlib's source package."""
    source = HERE / "hnsw_filtered.cpp"
    place = plain.PLACE / f"hnsw-filtered-{version}-{plain.digest_of(source)}"

    headers = made(plain.PLACE / f"hnswlib-source-{version}", [
        [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps",
         "--no-binary", "hnswlib", f"hnswlib=={version}", "--dest", "."]])
    if not (headers / "hnswlib").exists():
        with tarfile.open(next(headers.glob("hnswlib-*.tar.gz"))) as archive:
            archive.extractall(headers, filter="data")
    include = next(headers.glob("hnswlib-*/hnswlib")).parent
    return made(place, [["g++", "-std=c++20", "-O3", "-march=native", "-DNDEBUG", f"-I{include}", source,
                         "-o", "hnsw_filtered"]]) / "hnsw_filtered"


class HnswlibFiltered(plain.PeerEngine):
    def __init__(self, data, core):
        super().__init__("hnswlib", data, core)

    def sweep(self):
        raw = self.data.folder / "filtered"
        raw.mkdir(exist_ok=True)
        np.load(self.data.queries).tofile(raw / "queries.f32")
        np.load(truth_file(self.data, self.data.topk)).tofile(raw / "truth.i32")
        return plain.on_core(self.core, [hnswlib_program(self.version), self.folder / "index", raw / "queries.f32",
                                         raw / "truth.i32", self.data.topk, self.data.rows, self.data.dimensions,
                                         *SELECTIVITIES])


class FaissFiltered(plain.PeerEngine):
    def __init__(self, data, core):
        super().__init__("faiss-hnsw", data, core)

    def sweep(self):
        return plain.on_core(self.core, [sys.executable, HERE / "filtered.py", self.folder, self.data.queries,
                                         truth_file(self.data, self.data.topk), self.data.topk, self.data.rows])


class OursFiltered(plain.CommandEngine):
    kind = "filtered"

    def sweep(self):
        return plain.on_core(self.core, [*self.command, "--filter-selectivity", ",".join(map(str, SELECTIVITIES))])


def faiss_sweeps(folder, queries_file, truth, k, rows):
    import faiss

    import engine
    from peers import FaissHnsw
    peer = FaissHnsw(folder)
    queries, truth = np.load(queries_file), np.load(truth)
    peer.open(queries.shape[1])
    drawn, sweeps = draws(rows), []
    all_queries = queries
    for share, right in zip(SELECTIVITIES, truth):
        asked_for = QUERIES_OF_FEW if share < FEW else len(all_queries)
        queries, right = all_queries[:asked_for], right[:asked_for]
        bits = np.packbits(drawn < share, bitorder="little")
        selector = faiss.IDSelectorBitmap(rows, faiss.swig_ptr(bits))
        sweep = []
        for ef in (10, 20, 40, 80, 160, 320, 640, 1280, 2560):
            peer.asked = lambda _setting: faiss.SearchParametersHNSW(efSearch=ef, sel=selector)  # noqa: B023
            cpu, wall, found = engine.passes(lambda: peer.search(queries, k, None))
            taken, _ = engine.single_calls(peer.alone(queries, k, None), len(queries), k)
            hits = ((found[:, :, None] == right[:, None, :]) & (right[:, None, :] >= 0)).any(axis=1).sum()
            p50, p99 = np.percentile(taken, (50, 99))
            sweep.append({"setting": f"ef {ef}", "recall": float(hits / (right >= 0).sum()),
                          "qps_cpu": len(queries) / cpu, "qps_wall": len(queries) / wall,
                          "p50_us": float(p50), "p99_us": float(p99)})
            if sweep[-1]["recall"] > 0.995 or wall > 8:
                break
        sweeps.append({"selectivity": share, "sweep": sweep})
    return {"memory_mb": 0, "filtered": sweeps}


def compare(arguments, data):
    engines = list(plain.ours(arguments, data, OursFiltered))
    wanted = arguments.peers.split(",") if arguments.peers else ["hnswlib", "faiss-hnsw"]
    engines += [made_by(data, arguments.core) for name, made_by in
                (("hnswlib", HnswlibFiltered), ("faiss-hnsw", FaissFiltered)) if name in wanted]
    for one in engines:
        one.build()
    truth_file(data, data.topk)
    rounds = plain.turns(engines, arguments.rounds)
    results = []
    for one in engines:
        if one.name in rounds:
            by_share = [plain.merged(turn["filtered"][at]["sweep"] for turn in rounds[one.name])
                        for at in range(len(SELECTIVITIES))]
            results.append({"engine": one.label, "filtered": [
                {"selectivity": share, "sweep": rows, "best_recall": max(row["recall"] for row in rows),
                 "at": {f"{recall:.2f}": plain.at_recall(rows, recall) for recall in RECALLS}}
                for share, rows in zip(SELECTIVITIES, by_share)]})
    return results, table(results)


def table(results):
    head = ["engine", *(f"{share:.1%} at {recall:.2f}" for share in SELECTIVITIES for recall in RECALLS)]
    lines = ["QPS (CPU) at a selectivity and recall.", "", "| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    for one in results:
        cells = []
        for each in one["filtered"]:
            for recall in RECALLS:
                point = each["at"][f"{recall:.2f}"]
                cells.append(f"- (best recall {each['best_recall']:.3f})" if point is None else
                             ("> " if point["beyond"] else "") + plain.number(point["qps_cpu"]))
        lines.append("| " + " | ".join([one["engine"], *cells]) + " |")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    import json
    print(json.dumps(faiss_sweeps(*sys.argv[1:4], int(sys.argv[4]), int(sys.argv[5]))))
