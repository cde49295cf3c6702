#!/usr/bin/env python3
# Snapshots: made while a server is written to, restored elsewhere and in place.
"""Prints what failed and `N passed, M failed`."""
import json
import pathlib
import shutil
import sys
import threading

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))
from server_process import ServerProcess, TemporaryHome, cli, request  # noqa: E402

INDEXES = "/client/v4/accounts/local/vectorize/v2/indexes"
FAILURES, PASSED = [], 0


def claim(name, holds, detail=""):
    global PASSED
    if holds:
        PASSED += 1
    else:
        FAILURES.append(name)
        print(f"FAILED: {name} {detail}")


def write(url, number):
    """One call of four vectors, whose ids sort by the call."""
    lines = "".join(json.dumps({"id": f"{number:06}-{at}", "values": [number, at, 1]}) + "\n" for at in range(4))
    status, _, body = request("POST", f"{url}{INDEXES}/docs/insert", lines.encode(), {"content-type": "application/x-ndjson"})
    assert status == 200, body


def ids(url):
    found, cursor = [], ""
    while True:
        _, _, body = request("GET", f"{url}{INDEXES}/docs/list?count=1000{cursor}")
        page = json.loads(body)["result"]
        found += [vector["id"] for vector in page["vectors"]]
        if not page["nextCursor"]:
            return found
        cursor = f"&cursor={page['nextCursor']}"


class Writer:
    """Calls in order until it is left; `acknowledged` of them were answered."""

    def __init__(self, url):
        self.url, self.acknowledged, self.ended = url, 0, threading.Event()
        self.thread = threading.Thread(target=self.work)

    def work(self):
        while not self.ended.is_set():
            write(self.url, self.acknowledged)
            self.acknowledged += 1

    def __enter__(self):
        self.thread.start()
        while self.acknowledged < 20:
            self.ended.wait(0.01)
        return self

    def __exit__(self, *_):
        self.ended.set()
        self.thread.join()


def is_prefix(found, least, most):
    """All four vectors of the calls 0, 1, 2, … up to one between the two."""
    calls, rest = divmod(len(found), 4)
    return rest == 0 and least <= calls <= most and found == [f"{call:06}-{at}" for call in range(calls) for at in range(4)]


def snapshots_beside_writes(folder, home):
    bounds = {}
    with ServerProcess(home) as server:
        request("POST", server.url + INDEXES, {"name": "docs", "config": {"dimensions": 3, "metric": "cosine"}})
        with Writer(server.url) as writer:
            for name in ("one", "two", "three"):
                least = writer.acknowledged
                done = cli(home, "--url", server.url, "snapshot", "create", folder / name, check=False)
                bounds[name] = (least, writer.acknowledged + 1)
                claim(f"snapshot {name} is made while the server runs", done.returncode == 0, done.stderr)
        written = writer.acknowledged
        claim("the server goes on, all writes in", is_prefix(ids(server.url), written, written))
        claim("nothing of it stays beside the data", not any((home / "snapshots").iterdir()))
        again = cli(home, "--url", server.url, "snapshot", "create", folder / "one", check=False)
        claim("a folder that is there is not touched", again.returncode == 1 and "already" in again.stderr, again.stderr)
        busy = cli(home, "snapshot", "restore", folder / "one", "--replace", check=False)
        claim("a folder in use is not restored into", busy.returncode == 1 and "in use" in busy.stderr, busy.stderr)
        for name in ("..%2Fx", "a.b", "x" * 65):
            status, _, _ = request("POST", f"{server.url}/snapshots/{name}", b"")
            claim(f"the name {name[:8]} is refused", status in (400, 404), status)
    for name, (least, most) in bounds.items():
        other = folder / f"home-{name}"
        done = cli(other, "snapshot", "restore", folder / name, check=False)
        claim(f"snapshot {name} is restored", done.returncode == 0, done.stderr)
        with ServerProcess(other) as server:
            found = ids(server.url)
            claim(f"snapshot {name} is an exact prefix of the writes", is_prefix(found, least, most),
                  f"{len(found)} of {least}..{most}")
            write(server.url, 999_999)
            claim(f"what was restored from {name} takes writes", len(ids(server.url)) == len(found) + 4)
    return written


def in_place(folder, home, written):
    cli(home, "snapshot", "create", folder / "quiet")
    with ServerProcess(home) as server:
        write(server.url, written)
    kept = cli(home, "snapshot", "restore", folder / "quiet", check=False)
    claim("vectors that are there stay unasked", kept.returncode == 1 and "--replace" in kept.stderr, kept.stderr)
    with ServerProcess(home) as server:
        claim("and nothing has changed", is_prefix(ids(server.url), written + 1, written + 1))
    done = cli(home, "snapshot", "restore", folder / "quiet", "--replace", check=False)
    claim("they are replaced on demand", done.returncode == 0, done.stderr)
    with ServerProcess(home) as server:
        claim("a snapshot without a server is whole", is_prefix(ids(server.url), written, written))
    shutil.rmtree(home / "vectors")
    (home / "vectors.replaced").rename(home / "vectors")
    with ServerProcess(home) as server:
        claim("what was replaced is kept", is_prefix(ids(server.url), written + 1, written + 1))
    none = cli(home, "snapshot", "restore", folder, check=False)
    claim("a folder that is no snapshot is told", none.returncode == 1 and "no snapshot" in none.stderr, none.stderr)
    current = home / "vectors" / "CURRENT"
    current.rename(home / "CURRENT.aside")
    broken = cli(home, "snapshot", "restore", folder / "quiet", check=False)
    claim("a store that is no whole one is not thrown away", broken.returncode == 1 and "--replace" in broken.stderr,
          broken.stderr)
    (home / "CURRENT.aside").rename(current)
    damaged = folder / "quiet" / "vectors"
    table = next(damaged.glob("*.sst"))
    whole = table.read_bytes()
    table.write_bytes(bytes([whole[0] ^ 1]) + whole[1:])
    broken = cli(home, "snapshot", "restore", folder / "quiet", "--replace", check=False)
    claim("one whose tables are damaged is refused", broken.returncode == 1 and "orrupt" in broken.stderr, broken.stderr)
    table.write_bytes(whole)
    (damaged / (damaged / "CURRENT").read_text().strip()).write_bytes(b"damage")
    broken = cli(home, "snapshot", "restore", folder / "quiet", "--replace", check=False)
    claim("a damaged snapshot is refused", broken.returncode == 1, broken.stdout)
    with ServerProcess(home) as server:
        claim("and the vectors are as they were", is_prefix(ids(server.url), written + 1, written + 1))


def main():
    with TemporaryHome() as made:
        folder = pathlib.Path(made.folder)
        written = snapshots_beside_writes(folder, made.path)
        in_place(folder, made.path, written)
    print(f"{PASSED} passed, {len(FAILURES)} failed")
    return 1 if FAILURES else 0


if __name__ == "__main__":
    sys.exit(main())
