#!/usr/bin/env python3
# Kills the server with SIGKILL while clients write and ask, again and again: no acknowledged write may be lost.
"""Usage: tests/crash/server_kill.py [--cycles N] [--seed S]

Writers insert, upsert and delete over REST in one index that they share, and each makes, fills and deletes an index and
metadata indexes of its own; askers query meanwhile. What was acknowledged is remembered here, outside the server, and
compared after each restart. A write without an answer may have happened or not, but not half. The shared index is
large enough for a graph, and every tenth end is a clean one, which saves the graph: kills after it open that.
"""
import argparse
import http.client
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
IDS = 2_000  # Of a writer, in the shared index.
OWN_IDS = 400
LINKED_LEAST = 5_000  # From so many vectors on there is a graph (docs/ARCHITECTURE.md).
GROUPS = 16
SHARED = "shared"
LETTERS = "abc"


def vector(name, version):
    """Values and metadata tell the version, so that a vector that is half of each is seen."""
    return {"id": name, "values": [float(version)] + [1.0] * (DIMENSIONS - 1),
            "metadata": {"version": version, "group": version % GROUPS}}


def call(url, path, body=None, method="POST"):
    """(status, result) of a call; OSError or HTTPException when the server is gone."""
    if isinstance(body, list):
        body, sent = "\n".join(json.dumps(each) for each in body).encode(), {"content-type": "application/x-ndjson"}
        status, _, text = request(method, url + BASE + path, body, sent, timeout=20)
    else:
        status, _, text = request(method, url + BASE + path, body, timeout=20)
    return status, json.loads(text)["result"]


class State:
    """What one writer has done: {id: version} of its vectors in the shared index, and its own index, None or
    {"vectors": {id: version}, "groups": whether `group` has a metadata index}."""

    def __init__(self):
        self.shared, self.own = {}, None

    def after(self, operation):
        """The state after it, and whether it must succeed."""
        kind, argument = operation
        state = State()
        state.shared = dict(self.shared)
        state.own = self.own and {"vectors": dict(self.own["vectors"]), "groups": self.own["groups"]}
        if kind == "create":
            if self.own is not None:
                return state, False
            state.own = {"vectors": {}, "groups": False}
            return state, True
        if kind in ("insert", "upsert", "delete"):
            vectors = state.shared
        else:
            if self.own is None:
                return state, False
            vectors = state.own["vectors"]
        if kind == "drop":
            state.own = None
        elif kind in ("own groups", "own no groups"):
            if kind == "own no groups" and not self.own["groups"]:
                return state, False
            state.own["groups"] = kind == "own groups"
        elif kind.endswith("delete"):
            for name in argument:
                vectors.pop(name, None)
        else:
            for name, version in argument.items():
                if not kind.endswith("insert") or name not in vectors:
                    vectors[name] = version
        return state, True


def perform(url, letter, operation):
    """The status of the answer."""
    kind, argument = operation
    own = f"own-{letter}"
    if kind == "create":
        return call(url, "", {"name": own, "config": {"dimensions": DIMENSIONS, "metric": "euclidean"}})[0]
    if kind == "drop":
        return call(url, "/" + own, method="DELETE")[0]
    if kind == "own groups":
        return call(url, f"/{own}/metadata_index/create", {"propertyName": "group", "indexType": "number"})[0]
    if kind == "own no groups":
        return call(url, f"/{own}/metadata_index/delete", {"propertyName": "group"})[0]
    index = own if kind.startswith("own ") else SHARED
    if kind.endswith("delete"):
        return call(url, f"/{index}/delete_by_ids", {"ids": argument})[0]
    return call(url, f"/{index}/{kind.split()[-1]}", [vector(*each) for each in argument.items()])[0]


class Client(threading.Thread):
    """Goes on until the server is gone or something is wrong, which `problem` then says."""

    def __init__(self, url, seed):
        super().__init__()
        self.url, self.random, self.problem, self.count = url, random.Random(seed), None, 0

    def run(self):
        try:
            while self.problem is None:
                self.problem = self.once()
                self.count += 1
        except (OSError, http.client.HTTPException):
            return


class Writer(Client):
    """Owns the ids that start with its letter; `unsure` is the operation that got no answer."""

    KINDS = ["insert"] * 4 + ["upsert"] * 6 + ["delete"] * 3 + ["own insert"] * 2 + ["own upsert"] * 4 + [
        "own delete"] * 2 + ["own groups", "own groups", "own no groups", "create", "create", "drop"]

    def __init__(self, url, seed, letter, state):
        super().__init__(url, seed)
        self.letter, self.state, self.unsure = letter, state, None

    def once(self):
        kind = self.random.choice(self.KINDS)
        ids = OWN_IDS if kind.startswith("own ") else IDS
        names = sorted({f"{self.letter}{self.random.randrange(ids)}" for _ in range(BATCH)})
        version = self.random.randrange(1, 1_000_000)
        self.unsure = (kind, names if kind.endswith("delete") else dict.fromkeys(names, version))
        after, succeeds = self.state.after(self.unsure)
        status = perform(self.url, self.letter, self.unsure)
        if (status == 200) != succeeds or status >= 500:
            return f"{kind}: status {status}"
        self.state, self.unsure = after, None
        return None


class Asker(Client):
    """Queries: every match must be whole, once, and of the group that was asked for."""

    def once(self):
        group = self.random.randrange(GROUPS)
        body = {"vector": [float(self.random.randrange(1_000_000))] + [1.0] * (DIMENSIONS - 1), "topK": 50,
                "returnValues": True, "returnMetadata": "all"}
        filtered = self.random.random() < 0.5
        if filtered:
            body["filter"] = {"group": group}
        status, result = call(self.url, f"/{SHARED}/query", body)
        if status != 200:
            return f"query: status {status}"
        matches = result["matches"]
        if len({match["id"] for match in matches}) != len(matches):
            return "a match twice"
        for match in matches:
            if match["values"][0] != float(match["metadata"]["version"]):
                return "a match that is half of each"
            if filtered and match["metadata"]["group"] != group:
                return "a match of another group"
        return None


def contents(url, index):
    """{id: version} by listing and get_by_ids, or what is wrong; None when there is no such index."""
    status, result = call(url, f"/{index}/info", method="GET")
    if status != 200:
        return None
    count, names, cursor = result["vectorCount"], [], ""
    while cursor is not None:
        _, page = call(url, f"/{index}/list?count=500" + (f"&cursor={cursor}" if cursor else ""), method="GET")
        names += [each["id"] for each in page["vectors"]]
        cursor = page["nextCursor"]
    found = {}
    for at in range(0, len(names), 500):
        for each in call(url, f"/{index}/get_by_ids", {"ids": names[at:at + 500]})[1]:
            found[each["id"]] = each["metadata"]["version"]
            if each["values"][0] != float(each["metadata"]["version"]):
                return f"{each['id']} has values of one version and metadata of another"
    if not count == len(names) == len(found):
        return f"count {count}, {len(names)} listed, {len(found)} got"
    return found


def by_groups(url, index, vectors):
    """Whether filtered queries find exactly these; None when all is well."""
    for group in range(GROUPS):
        body = {"vector": [1.0] * DIMENSIONS, "topK": 1000, "recall": 1.0, "filter": {"group": group}}
        status, result = call(url, f"/{index}/query", body)
        wanted = {name for name, version in vectors.items() if version % GROUPS == group}
        if status != 200 or {match["id"] for match in result["matches"]} != wanted:
            return f"{index}: status {status}, not the {len(wanted)} vectors of group {group}"
    return None


def observe(url):
    """The state of each writer as the server has it, or what is wrong."""
    shared = contents(url, SHARED)
    if not isinstance(shared, dict):
        return shared or "the shared index is gone"
    wrong = by_groups(url, SHARED, shared)
    states = {}
    for letter in LETTERS:
        state = states[letter] = State()
        state.shared = {name: version for name, version in shared.items() if name[0] == letter}
        own = contents(url, f"own-{letter}")
        if isinstance(own, str):
            return own
        if own is not None:
            listed = call(url, f"/own-{letter}/metadata_index/list", method="GET")[1]["metadataIndexes"]
            state.own = {"vectors": own, "groups": [each["propertyName"] for each in listed] == ["group"]}
            if state.own["groups"]:
                wrong = wrong or by_groups(url, f"own-{letter}", own)
    return wrong or states


def check(url, states, unsure):
    """Compares the server with what was acknowledged; takes over what it decided. Returns the number of losses."""
    seen = observe(url)
    if isinstance(seen, str):
        print("LOST: " + seen)
        return 1
    lost = 0
    for letter in LETTERS:
        allowed = [states[letter]] + ([states[letter].after(unsure[letter])[0]] if unsure[letter] else [])
        if not any(vars(seen[letter]) == vars(state) for state in allowed):
            print(f"LOST: writer {letter}: what is there was not acknowledged, nor the write under way "
                  f"({unsure[letter] and unsure[letter][0]})")
            lost += 1
        states[letter] = seen[letter]
    return lost


def fill_shared(url, states):
    """All ids of all writers, and waits until they are linked."""
    call(url, "", {"name": SHARED, "config": {"dimensions": DIMENSIONS, "metric": "euclidean"}})
    call(url, f"/{SHARED}/metadata_index/create", {"propertyName": "group", "indexType": "number"})
    for letter, state in states.items():
        state.shared = {f"{letter}{number}": number + 1 for number in range(IDS)}
        call(url, f"/{SHARED}/upsert", [vector(*each) for each in state.shared.items()])
    for _ in range(600):
        if linked_count(url) >= IDS * len(LETTERS):
            return
        time.sleep(0.1)


def linked_count(url):
    # A listing brings the index into memory; asking for its memory does not.
    call(url, f"/{SHARED}/list?count=1", method="GET")
    return call(url, f"/{SHARED}/memory", method="GET")[1]["linkedCount"]


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--cycles", type=int, default=50)
    parser.add_argument("--seed", type=int, default=20261123)
    options = parser.parse_args()
    chance = random.Random(options.seed)
    states, unsure = {letter: State() for letter in LETTERS}, dict.fromkeys(LETTERS)
    acknowledged = queries = lost = linked = kills = 0
    slowest = 0.0
    with TemporaryHome() as home:
        with ServerProcess(home.path) as server:
            fill_shared(server.url, states)
        for cycle in range(options.cycles):
            server = ServerProcess(home.path)
            slowest = max(slowest, server.ready_s)
            linked += linked_count(server.url) >= LINKED_LEAST
            lost += check(server.url, states, unsure)
            writers = {letter: Writer(server.url, chance.random(), letter, states[letter]) for letter in LETTERS}
            askers = [Asker(server.url, chance.random())]
            for client in [*writers.values(), *askers]:
                client.start()
            time.sleep(chance.uniform(0.05, 0.4))
            if cycle % 10 == 9:
                server.stop()
            else:
                server.kill()
                kills += 1
            for client in [*writers.values(), *askers]:
                client.join()
                if client.problem:
                    print(f"cycle {cycle}: {client.problem}")
                    lost += 1
            for letter, writer in writers.items():
                states[letter], unsure[letter] = writer.state, writer.unsure
                acknowledged += writer.count
            queries += sum(asker.count for asker in askers)
        with ServerProcess(home.path) as server:
            lost += check(server.url, states, unsure)
    print(f"{kills} kills and {options.cycles - kills} clean ends, {acknowledged} acknowledged writes, {queries} queries, "
          f"{lost} lost or half, slowest start {slowest:.2f} s, {linked} starts with a saved graph")
    enough = acknowledged >= options.cycles and linked >= options.cycles // 2
    print(f"{options.cycles if not lost and enough else 0} passed, {0 if not lost and enough else max(lost, 1)} failed")
    return 0 if not lost and enough else 1


if __name__ == "__main__":
    sys.exit(main())
