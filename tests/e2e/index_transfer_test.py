#!/usr/bin/env python3
# Index transfer: import, export and copy as people type them, against real servers.
"""Prints what failed and `N passed, M failed`."""
import json
import os
import pathlib
import random
import struct
import subprocess
import sys
import threading
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))
from server_process import BIN, ServerProcess, TemporaryHome, request  # noqa: E402

DIMENSIONS = 32
FAILURES, PASSED = [], 0


def claim(name, holds, detail=""):
    global PASSED
    if holds:
        PASSED += 1
    else:
        FAILURES.append(name)
        print(f"FAILED: {name} {detail}")


def selvedge(url, *arguments, environment=None, text_in=None):
    kept = {name: value for name, value in os.environ.items()
            if not name.startswith(("CLOUDFLARE_", "SELVEDGE_TOKEN", "SELVEDGE_URL"))}
    return subprocess.run([str(BIN / "selvedge"), "--url", url, *map(str, arguments)], capture_output=True, text=True,
                          timeout=300, env={**kept, **(environment or {})}, input=text_in)


def single(number):
    """The float32 nearest to it."""
    return struct.unpack("f", struct.pack("f", number))[0]


def vectors(count, seed=1):
    draw = random.Random(seed)
    made = []
    for at in range(count):
        vector = {"id": f"v{at:05}", "values": [single(draw.gauss(0, 1)) for _ in range(DIMENSIONS)]}
        if at % 3 == 0:
            vector["namespace"] = f"space {at % 2}"
        if at % 2 == 0:
            vector["metadata"] = {"n": at, "big": 12345678901234567, "text": f"強 \"{at}\"", "deep": {"list": ["a", None]}}
        made.append(vector)
    return made


def lines(made):
    return "".join(json.dumps(vector) + "\n" for vector in made)


def exported(url, name, *more):
    done = selvedge(url, "index", "export", name, *more)
    assert done.returncode == 0, done.stderr
    back = [json.loads(line) for line in done.stdout.splitlines()]
    for vector in back:
        vector["values"] = [single(value) for value in vector["values"]]
    return sorted(back, key=lambda vector: vector["id"])


def npy(path, rows):
    header = f"{{'descr': '<f4', 'fortran_order': False, 'shape': ({len(rows)}, {len(rows[0])}), }}"
    header += " " * (-(len(header) + 11) % 64) + "\n"
    data = b"".join(struct.pack(f"<{len(row)}f", *row) for row in rows)
    path.write_bytes(b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header.encode() + data)


def lines_come_back(folder, url):
    made = vectors(2500)
    file = folder / "made.ndjson"
    file.write_text(lines(made[:1200]) + "\n  \n" + lines(made[1200:]))
    done = selvedge(url, "index", "import", "lines", file)
    claim("an index that is missing is not made unasked", done.returncode == 1 and "--create" in done.stderr, done.stderr)
    done = selvedge(url, "index", "import", "lines", file, "--create", "--json")
    told = json.loads(done.stdout)
    claim("import tells what it sent and what there is", (told["sent"], told["vectorCount"]) == (2500, 2500), done.stdout)
    back = exported(url, "lines")
    claim("export gives every vector as it was written", back == made,
          next((pair for pair in zip(back, made) if pair[0] != pair[1]), ""))
    again = folder / "again.ndjson"
    done = selvedge(url, "index", "export", "lines", "-o", again)
    claim("an export to a file leaves nothing beside it", done.returncode == 0 and
          sorted(path.name for path in folder.glob("again*")) == ["again.ndjson"], done.stderr)
    done = selvedge(url, "index", "import", "copy", "-", "--create", "--batch", 7, text_in=again.read_text())
    claim("what was exported can be imported from stdin", exported(url, "copy") == made, done.stderr)
    changed = [{**made[0], "values": [1.0] * DIMENSIONS}]
    selvedge(url, "index", "import", "copy", "-", text_in=lines(changed))
    claim("known vectors stay", exported(url, "copy")[0] == made[0])
    selvedge(url, "index", "import", "copy", "-", "--upsert", text_in=lines(changed))
    claim("known vectors are replaced by --upsert", exported(url, "copy")[0] == changed[0])


def tables_come_back(folder, url):
    rows = [vector["values"] for vector in vectors(50, seed=2)]
    npy(folder / "rows.npy", rows)
    npy(folder / "more.npy", rows[:10])
    selvedge(url, "index", "import", "rows", folder / "rows.npy", folder / "more.npy", "--create", "--metric", "euclidean",
             "--id-prefix", "p")
    back = exported(url, "rows")
    claim("ids are row numbers that count on from file to file",
          {vector["id"] for vector in back} == {f"p{at}" for at in range(60)})
    by_id = {vector["id"]: vector["values"] for vector in back}
    claim("rows come back exactly", [by_id[f"p{at}"] for at in range(60)] == rows + rows[:10])
    metric = json.loads(selvedge(url, "index", "get", "rows", "--json").stdout)["config"]["metric"]
    claim("--create heeds the metric", metric == "euclidean", metric)
    for form in ("npy", "fvecs"):
        file = folder / f"out.{form}"
        done = selvedge(url, "index", "export", "rows", "--format", form, "-o", file)
        claim(f"export to {form} works", done.returncode == 0, done.stderr)
        done = selvedge(url, "index", "import", f"from-{form}", file, "--ids", f"{file}.ids", "--create")
        claim(f"{form} and its ids come back whole", exported(url, f"from-{form}") == back, done.stderr)
    done = selvedge(url, "index", "export", "rows", "--format", "npy")
    claim("a table does not go to stdout", done.returncode == 1 and "-o FILE" in done.stderr, done.stderr)


def faults_are_placed(folder, url):
    made = vectors(1000, seed=3)
    broken = lines(made).splitlines()
    broken[777] = '{"id":"bad","values":[1,2]}'
    file = folder / "broken.ndjson"
    file.write_text("\n".join(broken))
    done = selvedge(url, "index", "import", "broken", file, "--create", "--dimensions", DIMENSIONS)
    claim("a bad line is named by file and line", done.returncode == 1 and f"{file}:778: " in done.stderr, done.stderr)
    claim("the lines before it are written", len(exported(url, "broken")) == 777 and "777 vectors before it" in done.stderr,
          done.stderr)
    file.write_text("nothing\n")
    done = selvedge(url, "index", "import", "broken", file)
    claim("a line that is no JSON is named as well", f"{file}:1: " in done.stderr and "(line 1)" not in done.stderr,
          done.stderr)
    npy(folder / "narrow.npy", [[1.0, 2.0]])
    done = selvedge(url, "index", "import", "broken", folder / "narrow.npy")
    claim("a table of other dimensions is refused at once", "has 2 numbers a vector, the index broken 32" in done.stderr,
          done.stderr)
    (folder / "x.parquet").write_bytes(b"PAR1")
    done = selvedge(url, "index", "import", "broken", folder / "x.parquet")
    claim("Parquet is refused with what converts it", "pandas.read_parquet" in done.stderr, done.stderr)
    done = selvedge("http://127.0.0.1:9", "index", "import", "broken", folder / "narrow.npy")
    claim("a server that does not run is told at once", 'selvedge serve' in done.stderr, done.stderr)


def a_broken_connection_is_taken_up(folder):
    """The server is killed and started again while an import runs."""
    made = vectors(6000, seed=4)
    file = folder / "many.ndjson"
    file.write_text(lines(made))
    home = folder / "killed"
    server = ServerProcess(home)
    port = server.url.rsplit(":", 1)[1]
    outcome = []
    work = threading.Thread(target=lambda: outcome.append(
        selvedge(server.url, "index", "import", "many", file, "--create", "--batch", 50, "--json")))
    work.start()
    path = f"{server.url}/client/v4/accounts/local/vectorize/v2/indexes/many/info"
    while True:
        status, _, body = request("GET", path)
        if status == 200 and json.loads(body)["result"]["vectorCount"] >= 300:
            break
        time.sleep(0.01)
    server.kill()
    time.sleep(0.7)
    with ServerProcess(home, port=port) as again:
        work.join()
        claim("an import survives a server that is killed and comes back", outcome[0].returncode == 0,
              outcome[0].stdout + outcome[0].stderr)
        claim("nothing is lost or doubled by it", exported(again.url, "many") == made)


def copies(folder, url):
    """A second server, strict and with a token, stands for Cloudflare."""
    with ServerProcess(folder / "hosted", options=("--strict", "--token", "hidden-word")) as hosted:
        far = {"CLOUDFLARE_API_BASE_URL": f"{hosted.url}/client/v4", "CLOUDFLARE_API_TOKEN": "hidden-word",
               "CLOUDFLARE_ACCOUNT_ID": "0123456789abcdef0123456789abcdef"}
        accounts = f"{url}/client/v4/accounts/{far['CLOUDFLARE_ACCOUNT_ID']}/vectorize/v2/indexes"
        made = vectors(150, seed=5)
        request("POST", accounts, {"name": "docs", "description": "some words",
                                   "config": {"dimensions": DIMENSIONS, "metric": "dot-product"}})
        for name, kind in (("n", "number"), ("text", "string")):
            request("POST", f"{accounts}/docs/metadata_index/create", {"propertyName": name, "indexType": kind})
        request("POST", f"{accounts}/docs/insert", lines(made).encode(), {"content-type": "application/x-ndjson"})
        done = selvedge(url, "index", "copy", "docs", "--to", "cloudflare", environment=far)
        claim("an index is copied to an account", done.returncode == 0 and "copied 150 vectors" in done.stdout,
              done.stdout + done.stderr)
        done = selvedge(url, "index", "copy", "docs", "--from", "cloudflare", "--to-account", "local", "--to-name", "back",
                        "--json", environment=far)
        claim("and back under another name", done.returncode == 0 and json.loads(done.stdout)["vectors"] == 150,
              done.stdout + done.stderr)
        claim("vectors, namespaces and metadata are the same", exported(url, "back") == made)
        index = json.loads(selvedge(url, "index", "get", "back", "--json").stdout)
        claim("dimensions, metric and description came along",
              index["config"] == {"dimensions": DIMENSIONS, "metric": "dot-product"} and
              index["description"] == "some words", index)
        _, _, body = request("GET", f"{url}/client/v4/accounts/local/vectorize/v2/indexes/back/metadata_index/list")
        kinds = {each["propertyName"]: each["indexType"].lower() for each in json.loads(body)["result"]["metadataIndexes"]}
        claim("metadata indexes came along", kinds == {"n": "number", "text": "string"}, kinds)
        _, _, body = request("POST", f"{url}/client/v4/accounts/local/vectorize/v2/indexes/back/query",
                             {"vector": made[0]["values"], "topK": 100, "filter": {"n": {"$lt": 10}}})
        found = {match["id"] for match in json.loads(body)["result"]["matches"]}
        claim("filters find what was copied", found == {f"v{at:05}" for at in range(0, 10, 2)}, found)
        wrong = selvedge(url, "index", "copy", "docs", "--from", "cloudflare", "--to-name", "x",
                         environment={**far, "CLOUDFLARE_API_TOKEN": "other-word"})
        claim("a wrong token is told and not shown", wrong.returncode == 1 and "word" not in wrong.stderr + wrong.stdout,
              wrong.stderr)
        missing = selvedge(url, "index", "copy", "docs", "--from", "cloudflare")
        claim("without a token the variable is named", "CLOUDFLARE_API_TOKEN" in missing.stderr, missing.stderr)
        request("POST", accounts, {"name": "other", "config": {"dimensions": 64, "metric": "cosine"}})
        clash = selvedge(url, "index", "copy", "docs", "--from", "cloudflare", "--to-name", "other", environment=far)
        claim("an index of another kind is not written to", "other dimensions or metric" in clash.stderr, clash.stderr)
        claim("no token is in the log", "word" not in hosted.log_text())


def main():
    with TemporaryHome() as home:
        folder = pathlib.Path(home.folder)
        with ServerProcess(home.path) as server:
            lines_come_back(folder, server.url)
            tables_come_back(folder, server.url)
            faults_are_placed(folder, server.url)
            copies(folder, server.url)
        a_broken_connection_is_taken_up(folder)
    print(f"{PASSED} passed, {len(FAILURES)} failed")
    return 1 if FAILURES else 0


if __name__ == "__main__":
    sys.exit(main())
