# A million vectors like some real ones: mixtures of neighbours, with noise of the local shape; and the exact truth.
"""Usage: make_million.py --base BASE.npy --queries QUERIES.npy --rows N --out MADE.npy [--truth TRUTH.npy] [--seed S]
          (with the Python that bench/ann/run made, or any that has numpy and faiss)

BASE is float32 [n x d] of unit length, n < N. The first n rows of MADE are BASE's; every other one is made from a real
row p, each taken equally often, and j, one of its 20 nearest neighbours, drawn at random:

    a ~ uniform(0.5, 1)
    x = a p + (1 - a) j + 1.1 sqrt(1 - a^2 - (1 - a)^2) e,    scaled to unit length

e is a random combination, with normal weights that sum to zero, of 40 of p's 100 nearest neighbours: noise with the
local covariance. Its size gives back what mixing takes from a row's own part, so that made rows are neither nearer to
each other nor to the middle than real ones. How far that holds is printed: a random n of the made rows beside the n
real ones (both as seen from the real queries and from rows of their own), then all N. LID is the maximum-likelihood
estimate of the local intrinsic dimension over the 100 nearest.
"""
import argparse
import os
import time

import numpy as np

NEIGHBOURS_MIXED, NEIGHBOURS_OF_NOISE, NEIGHBOURS = 20, 40, 100
NOISE = 1.1
BLOCK = 2000
PROBES = 500


def neighbours_of(base):
    """int32 [n x 100], nearly the nearest: an inverted file is right enough here, and quick."""
    import faiss
    lists = int(4 * np.sqrt(len(base)))
    quantizer = faiss.IndexFlatIP(base.shape[1])
    index = faiss.IndexIVFFlat(quantizer, base.shape[1], lists, faiss.METRIC_INNER_PRODUCT)
    index.cp.niter = 8
    index.train(base[::max(1, len(base) // (40 * lists))])
    index.add(base)
    index.nprobe = 24
    return index.search(base, NEIGHBOURS + 1)[1][:, 1:].astype(np.int32)


def made_from(base, near, parents, random):
    """One row for each of `parents`."""
    count = len(parents)
    share = random.uniform(0.5, 1, (count, 1)).astype(np.float32)
    mixed = share * base[parents] + (1 - share) * base[near[parents, random.integers(NEIGHBOURS_MIXED, size=count)]]
    weights = random.standard_normal((count, NEIGHBOURS_OF_NOISE)).astype(np.float32)
    weights -= weights.mean(axis=1, keepdims=True)
    around = near[parents][:, random.permutation(NEIGHBOURS)[:NEIGHBOURS_OF_NOISE]]
    noise = np.matmul(weights[:, None, :], base[around])[:, 0] / np.sqrt(NEIGHBOURS_OF_NOISE)
    rows = mixed + NOISE * np.sqrt(np.maximum(1 - share**2 - (1 - share)**2, 0)) * noise
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


def make(base, near, count, out, seed):
    random = np.random.default_rng(seed)
    rows = np.lib.format.open_memmap(out, mode="w+", dtype=np.float32, shape=(count, base.shape[1]))
    rows[:len(base)] = base
    parents = np.concatenate([random.permutation(len(base)) for _ in range(-(-count // len(base)))])
    for first in range(len(base), count, BLOCK):
        last = min(first + BLOCK, count)
        rows[first:last] = made_from(base, near, parents[first - len(base):last - len(base)], random)
    rows.flush()
    return rows


def nearest(rows, queries, k):
    """Row numbers [q x k] and their inner products, nearest first."""
    scores = np.full((len(queries), k), -np.inf, np.float32)
    numbers = np.zeros((len(queries), k), np.int32)
    for first in range(0, len(rows), 20_000):
        block = queries @ rows[first:first + 20_000].T
        best = np.argpartition(-block, min(k, block.shape[1]) - 1, axis=1)[:, :k]
        scores = np.concatenate([scores, np.take_along_axis(block, best, 1)], axis=1)
        numbers = np.concatenate([numbers, (best + first).astype(np.int32)], axis=1)
        kept = np.argsort(-scores, axis=1, kind="stable")[:, :k]
        scores, numbers = np.take_along_axis(scores, kept, 1), np.take_along_axis(numbers, kept, 1)
    return numbers, scores


def profile(cosines):
    """How near the 1st, 10th and 100th neighbours are, and the local intrinsic dimension."""
    distances = np.sqrt(np.maximum(2 - 2 * cosines[:, :100], 1e-6))
    lid = np.mean(-1 / np.mean(np.log(distances[:, :-1] / distances[:, -1:]), axis=1))
    return "/".join(f"{cosines[:, at].mean():.3f}" for at in (0, 9, 99)) + f" LID {lid:.1f}"


def describe(name, rows, queries, random, asked=None):
    probes = random.choice(len(rows), PROBES, replace=False)
    own = nearest(rows, rows[np.sort(probes)], 101)[1][:, 1:]
    asked = nearest(rows, queries, 100)[1] if asked is None else asked
    pairs = random.integers(len(rows), size=(2, 20_000))
    pairs.sort()
    apart = (rows[pairs[0]] * rows[pairs[1]]).sum(axis=1).mean()
    print(f"{name}: cosine of the 1st/10th/100th from queries {profile(asked)}, from own rows {profile(own)}, "
          f"of any two {apart:.3f}", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name in ("--base", "--queries", "--out"):
        parser.add_argument(name, required=True)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--truth")
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    started = time.perf_counter()

    def told(what):
        print(f"[{time.perf_counter() - started:.0f} s] {what}", flush=True)

    base, queries = np.load(arguments.base), np.load(arguments.queries)
    told("neighbours")
    near = neighbours_of(base)
    told("rows")
    rows = make(base, near, arguments.rows, arguments.out, arguments.seed)
    told("profiles")
    random = np.random.default_rng(arguments.seed)
    describe(f"real, {len(base):,}", base, queries, random)
    of_made = np.sort(random.choice(np.arange(len(base), len(rows)), min(len(base), len(rows) - len(base)),
                                    replace=False))
    describe(f"made, {len(of_made):,} of them", np.ascontiguousarray(rows[of_made]), queries, random)
    numbers, cosines = nearest(rows, queries, 100)
    if arguments.truth:
        np.save(arguments.truth, numbers)
    describe(f"all {len(rows):,}", rows, queries, random, cosines)
    told("done")


if __name__ == "__main__":
    os.nice(10)
    main()
