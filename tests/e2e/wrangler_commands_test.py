#!/usr/bin/env python3
# Wrangler commands test: `wrangler vectorize`, `wrangler ai` and `wrangler whoami` as people type them.
"""Usage: wrangler_commands_test.py [PART OF A LANE'S NAME…]

Installs two lines of wrangler (pinned in wrangler/) and a Node 22 into the cache folder, starts `selvedge serve` with
the scripted runner, and runs every command against it in a folder with a wrangler.toml: what is printed and the exit
code are those that a user of the hosted service sees. Two lanes of commands run at a time. No request leaves this machine.
"""
import concurrent.futures
import json
import os
import pathlib
import re
import shlex
import subprocess
import sys
import tempfile
import threading
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))
from adapter_files import write_adapter  # noqa: E402
from client_rows import record  # noqa: E402
from scripted_models import import_models  # noqa: E402
from server_process import ServerProcess, TemporaryHome, cli, request  # noqa: E402
from tool_folders import node_20, node_22, node_folder_of, node_version_of  # noqa: E402

COMMAND_S_MAX = 60
UUID = r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"
MISTRAL = "@cf/mistral/mistral-7b-instruct-v0.2-lora"


class Failed(Exception):
    """A command that did not do what is claimed."""


class Results:
    """Counts of all lanes together, a line of wrangler at a time."""

    def __init__(self):
        self.lock = threading.Lock()
        self.passed, self.failed = {}, {}

    def add(self, line, wrong):
        with self.lock:
            counts = self.failed if wrong else self.passed
            counts[line] = counts.get(line, 0) + 1
            if wrong:
                print(f"FAILED {line}: {wrong}", flush=True)


class Wrangler:
    """One line of wrangler in a project folder of its own, with the account `account` of the server at `url`."""

    def __init__(self, line, command, url, folder, results):
        self.line, self.command, self.results = line, command, results
        self.folder = folder
        self.folder.mkdir(parents=True)
        (self.folder / "wrangler.toml").write_text('name = "probe"\ncompatibility_date = "2026-01-01"\n')
        home = self.folder / "home"
        home.mkdir()
        self.environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith(("CLOUDFLARE_", "CF_", "WRANGLER_"))},
            "HOME": str(home), "XDG_CONFIG_HOME": str(home), "CI": "true", "NO_COLOR": "1", "COLUMNS": "250",
            "CLOUDFLARE_API_BASE_URL": url + "/client/v4", "CLOUDFLARE_API_TOKEN": "any",
            "CLOUDFLARE_ACCOUNT_ID": re.sub(r"\W", "-", f"{line}-{folder.name}")[:32],
            "WRANGLER_SEND_METRICS": "false", "WRANGLER_SEND_ERROR_REPORTS": "false", "WRANGLER_HIDE_BANNER": "true",
            "CLOUDFLARE_CF_FETCH_ENABLED": "false", "NODE_COMPILE_CACHE": str(folder.parent / "compiled"),
        }

    def run(self, arguments, environment=None):
        done = subprocess.run([*self.command, *shlex.split(arguments)], cwd=self.folder, text=True,
                              env={**self.environment, **(environment or {})}, stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=COMMAND_S_MAX)
        return done.returncode, done.stdout

    def says(self, arguments, *parts, code=0, environment=None):
        """Claims that the command ends with `code` and prints every one of `parts` (patterns); returns what it printed."""
        returned, output = self.run(arguments, environment)
        missing = [part for part in parts if not re.search(part, output)]
        wrong = None
        if returned != code:
            wrong = f"wrangler {arguments}: exit {returned}, expected {code}\n{output[-1500:]}"
        elif missing:
            wrong = f"wrangler {arguments}: does not print {missing}\n{output[-1500:]}"
        self.results.add(self.line, wrong)
        if wrong:
            raise Failed(arguments)
        return output

    def json(self, arguments, wanted=None):
        """Claims that the command prints JSON and nothing else, and that it equals `wanted`; returns it."""
        returned, output = self.run(arguments)
        try:
            value = json.loads(output)
        except ValueError:
            value = None
        wrong = None
        if returned != 0 or value is None or (wanted is not None and value != wanted):
            wrong = f"wrangler {arguments}: exit {returned}, printed\n{output[-1500:]}"
        self.results.add(self.line, wrong)
        if wrong:
            raise Failed(arguments)
        return value

    def write(self, name, vectors):
        lines = [vector if isinstance(vector, str) else json.dumps(vector, ensure_ascii=False) for vector in vectors]
        (self.folder / name).write_text("\n".join(lines) + "\n", encoding="utf-8")


def printed_json(output):
    """The JSON at the end of what a command printed."""
    return json.loads(output[re.search(r"^[\[{]", output, re.M).start():])


def claim(wrangler, holds, what):
    wrangler.results.add(wrangler.line, None if holds else what)


VECTORS = [
    {"id": "edge", "values": [1, 0, 0], "metadata": {"topic": "edge", "year": 1900, "open": True}, "namespace": "en"},
    {"id": "loom", "values": [0.9, 0.1, 0], "metadata": {"topic": "loom", "year": 1801}, "namespace": "en"},
    {"id": "布", "values": [0, 1, 0], "metadata": {"topic": "loom", "year": 2020}},
    {"id": "4", "values": [0, 0, 1]},
]


def lane_indexes(w):
    """create, list, get, delete; their JSON; wrong uses."""
    w.says("vectorize list", "You haven't created any indexes on this account")
    w.says('vectorize create docs --dimensions=3 --metric=cosine --description "a b"', "Creating index: 'docs'",
           "Successfully created a new Vectorize index: 'docs'", "index_name = \"docs\"")
    w.says("vectorize create docs --dimensions=3 --metric=cosine", 'vectorize.index.duplicate_name - Index name "docs"',
           r"\[code: 3002\]", code=1)
    w.says("vectorize create bge --preset=@cf/baai/bge-base-en-v1.5", "Configuring index based for the embedding model",
           "Successfully created a new Vectorize index: 'bge'")
    w.says("vectorize create none", "You must provide both dimensions and a metric", code=1)
    w.says("vectorize create big --dimensions=99999 --metric=cosine", r"Dimensions must be in range", r"\[code: 3003\]", code=1)
    w.says("vectorize get bge", r"bge\s*│\s*768\s*│\s*cosine")
    w.says("vectorize get docs", r"docs\s*│\s*3\s*│\s*cosine\s*│\s*a b")
    w.says("vectorize get nothing", r'vectorize.index.not_found - Index name "nothing"', r"\[code: 3000\]", code=1)
    listed = w.json("vectorize list --json")
    claim(w, [(index["name"], index["config"], index["description"]) for index in listed] ==
          [("bge", {"dimensions": 768, "metric": "cosine"}, ""), ("docs", {"dimensions": 3, "metric": "cosine"}, "a b")],
          f"list --json: {listed}")
    w.says("vectorize delete bge --force", "Deleted index bge")
    w.says("vectorize get bge", r"\[code: 3005\]", code=1)
    w.says("vectorize delete bge -y", r"\[code: 3005\]", code=1)


def lane_vectors(w):
    """insert, upsert, info, query, get, list and delete vectors; metadata indexes; wrong uses."""
    created = w.json("vectorize create docs --dimensions 3 --metric cosine --json")
    claim(w, created["config"] == {"dimensions": 3, "metric": "cosine"}, f"create --json: {created}")
    w.says("vectorize create-metadata-index docs --propertyName topic --type string", "Successfully enqueued metadata index creation",
           UUID)
    w.says("vectorize create-metadata-index docs --property-name year --type number", UUID)
    w.json("vectorize list-metadata-index docs --json",
           [{"propertyName": "topic", "indexType": "string"}, {"propertyName": "year", "indexType": "number"}])
    w.write("vectors.ndjson", VECTORS)
    w.says("vectorize insert docs --file=vectors.ndjson", "Enqueued 4 vectors into index 'docs' for insertion", UUID,
           "Successfully enqueued 4 vectors into index 'docs' for insertion")
    info = w.json("vectorize info docs --json")
    claim(w, (info["dimensions"], info["vectorCount"]) == (3, 4) and re.fullmatch(UUID, info["processedUpToMutation"]), str(info))
    found = printed_json(w.says("vectorize query docs --vector 1 0 0 --top-k 2", "Searching for relevant vectors"))
    claim(w, (found["count"], [match["id"] for match in found["matches"]]) == (2, ["edge", "loom"]), str(found))
    found = printed_json(w.says("""vectorize query docs --vector 1 0 0 --filter '{"topic": "loom", "year": {"$gt": 1899}}' """
                                "--return-metadata all --return-values"))
    claim(w, found["matches"][0]["metadata"] == {"topic": "loom", "year": 2020} and
          found["matches"][0]["values"] == [0, 1, 0] and found["count"] == 1, str(found))
    found = printed_json(w.says("vectorize query docs --vector-id loom --namespace en --return-metadata indexed"))
    claim(w, [(match["id"], match["metadata"]) for match in found["matches"]] ==
          [("loom", {"topic": "loom", "year": 1801}), ("edge", {"topic": "edge", "year": 1900})], str(found))
    w.says("vectorize query docs --vector 1 0 0 --namespace nowhere", "Could not find any relevant vectors")
    first = w.json("vectorize list-vectors docs --count 3 --json")
    claim(w, (first["count"], first["totalCount"], first["isTruncated"]) == (3, 4, True), str(first))
    w.says(f"vectorize list-vectors docs --cursor {first['nextCursor']}", r"1\s*│\s*布", "Showing 1 of 4 total vectors")
    vectors = printed_json(w.says("vectorize get-vectors docs --ids 4 布", "Fetching vectors"))
    claim(w, [(vector["id"], vector["values"]) for vector in vectors] == [("4", [0, 0, 1]), ("布", [0, 1, 0])], str(vectors))
    w.says("vectorize delete-vectors docs --ids edge 4", "Successfully enqueued 2 vectors into index 'docs' for deletion", UUID)
    w.says("vectorize get-vectors docs --ids edge", "does not contain vectors corresponding to the provided identifiers")
    w.says("vectorize delete-metadata-index docs --property-name year", "Successfully enqueued metadata index deletion", UUID)
    w.says("vectorize list-metadata-index docs", r"topic\s*│\s*string")


def lane_wrong_vectors(w):
    """Batches; files and queries that are wrong; what is printed then."""
    w.says("vectorize create docs --dimensions 3 --metric euclidean", "Successfully created")
    w.says("vectorize list-vectors docs", "No vectors found in this index")
    w.says("vectorize list-metadata-index docs", "You haven't created any metadata indexes")
    w.says("vectorize info docs", r"3\s*│\s*0\s*│")
    w.write("many.ndjson", [{"id": f"v{at}", "values": [at, 1, 0]} for at in range(25)])
    w.says("vectorize upsert docs --file many.ndjson --batch-size 10", "Enqueued 10 vectors", "Enqueued 5 vectors",
           "Successfully enqueued 25 vectors into index 'docs' for upsertion")
    w.json("vectorize insert docs --file many.ndjson --json", {"index": "docs", "count": 25})
    w.json("vectorize upsert docs --file many.ndjson --json", {"index": "docs", "count": 25})
    w.says("vectorize insert docs --file missing.ndjson", "Cannot read invalid or empty file: missing.ndjson", code=1)
    w.write("short.ndjson", [{"id": "a", "values": [1, 2]}])
    w.says("vectorize insert docs --file short.ndjson", 'invalid vector for id="a", expected 3 dimensions, and got 2 dimensions',
           r"\[code: 40012\]", code=1)
    w.write("broken.ndjson", [{"id": "a", "values": [1, 2, 3]}, '{"id": "b", "values": ['])
    w.says("vectorize upsert docs --file broken.ndjson", r"\[code: 40023\]", code=1)
    w.says("vectorize insert nothing --file many.ndjson", r"\[code: 3000\]", code=1)
    w.says("vectorize query docs --vector 1 2", "invalid query vector, expected 3 dimensions, and got 2 dimensions",
           r"\[code: 40006\]", code=1)
    w.says("vectorize query docs --vector-id nobody", r"\[code: 40024\]", code=1)
    w.says("vectorize query docs", "Either vector or vector-id parameter must be provided", code=1)
    w.says("vectorize query docs --vector 1 0 0 --top-k 5000", r"\[code: 40011\]", code=1)
    w.says("""vectorize query docs --vector 1 0 0 --filter '{"$topic": "loom"}'""", r"\[code: 40026\]", code=1)
    w.says("vectorize query docs --vector 1 0 0 --filter nonsense", "Invalid query filter")
    w.says("vectorize delete-metadata-index docs --property-name none", r"\[code: 40030\]", code=1)
    w.says("vectorize list-vectors docs --cursor none", r"\[code: 40028\]", code=1)


def lane_v1(w):
    """The deprecated v1 indexes, for the commands that have the option."""
    w.says("vectorize create old --dimensions=3 --metric=cosine --deprecated-v1", "Successfully created a new Vectorize index: 'old'",
           "VECTORIZE_INDEX")
    w.says("vectorize get old --deprecated-v1", r"old\s*│\s*3\s*│\s*cosine")
    w.write("vectors.ndjson", VECTORS)
    w.says("vectorize insert old --file vectors.ndjson --deprecated-v1", "Uploading vector batch",
           "Successfully inserted 4 vectors into index 'old'")
    listed = w.json("vectorize list --deprecated-v1 --json")
    claim(w, [index["name"] for index in listed] == ["old"], f"list --json: {listed}")
    w.says("vectorize delete old --deprecated-v1 --force", "Deleted index old")
    w.says("vectorize get old --deprecated-v1", r"\[code: 3005\]", code=1)


def lane_ai(w):
    """Models and fine-tunes."""
    older = w.line.startswith("4.86")
    listing = "ai models" if older else "ai models list"
    models = w.json(f"{listing} --json")
    names = [model["name"] for model in models]
    claim(w, len(names) > 50 and len(set(names)) == len(names) and "@cf/meta/llama-3-8b-instruct" in names, f"{len(names)} models")
    w.says(listing, "@cf/baai/bge-base-en-v1.5", "Text Embeddings")
    if not older:
        w.says("ai models", "@cf/meta/llama-3-8b-instruct")
        found = w.json("ai models list --json --search bge-base --task 'Text Embeddings' --author baai")
        claim(w, [model["name"] for model in found] == ["@cf/baai/bge-base-en-v1.5"], str(found)[:500])
        w.says("ai models list --search no-such-thing", "No models found")
        w.says("ai models schema @cf/baai/bge-base-en-v1.5", '"text"')
        w.says("ai models schema @cf/no/such", r"\[code: 5007\]", code=1)
    w.says("ai finetune list", "No finetune assets found")
    w.says(f"ai finetune create {MISTRAL} weaver missing", "Folder does not exist")
    (w.folder / "half").mkdir()
    (w.folder / "half/adapter_config.json").write_text("{}")
    w.says(f"ai finetune create {MISTRAL} weaver half", "Asset missing. Required assets: adapter_config.json, adapter_model.safetensors")
    write_adapter(w.folder / "adapter")
    w.says("ai finetune create @cf/no/such weaver adapter", "Finetune couldn't be created:", "No such model @cf/no/such or task")
    w.says(f"ai finetune create {MISTRAL} weaver ./adapter", f'Creating new finetune "weaver" for model "{MISTRAL}"',
           'Uploading file "adapter/adapter_config.json" to "weaver"', 'Uploading file "adapter/adapter_model.safetensors" to "weaver"',
           'Assets uploaded, finetune "weaver" is ready to use')
    status, _, body = request("POST", w.environment["CLOUDFLARE_API_BASE_URL"] + "/accounts/" +
                              w.environment["CLOUDFLARE_ACCOUNT_ID"] + f"/ai/run/{MISTRAL}",
                              {"prompt": "[[sampling]]", "lora": "weaver"})
    claim(w, status == 200 and json.loads(body)["result"]["response"].endswith(", lora"), f"a call with it: {body}")
    w.says(f"ai finetune create {MISTRAL} weaver ./adapter", 'Finetune couldn\'t be created:.*Finetune name "weaver" is already in use')
    write_adapter(w.folder / "noise")
    (w.folder / "noise/adapter_model.safetensors").write_bytes(b"\x7f" * 100)
    w.says(f"ai finetune create {MISTRAL} noise noise", "Couldn't upload file:.*adapter_model.safetensors has a header")
    listed = w.json("ai finetune list --json") if not older else printed_json(w.says("ai finetune list --json", "weaver"))
    claim(w, [(one["name"], one["model"]) for one in listed] == [("weaver", MISTRAL), ("noise", MISTRAL)], str(listed))
    w.says("ai finetune list", rf"{UUID}\s*│\s*weaver")


def lane_whoami(w):
    """Who one is, with and without an account id, with a token that the server does not know."""
    w.says("whoami", "You are logged in with an User API Token, associated with the email local@localhost", r"Selvedge\s*│\s*local")
    w.says("whoami --account local", "Super Administrator - All Privileges")
    if not w.line.startswith("4.86"):
        who = w.json("whoami --json")
        claim(w, (who["loggedIn"], who["accounts"]) == (True, [{"id": "local", "name": "Selvedge"}]) or
              [account["id"] for account in who["accounts"]] == ["local"], str(who))
    del w.environment["CLOUDFLARE_ACCOUNT_ID"]
    w.says("vectorize create mine --dimensions=3 --metric=cosine", "Successfully created")
    w.says("vectorize list", r"mine\s*│\s*3")
    w.says("vectorize delete mine --force", "Deleted index mine")


def lane_token(w):
    """Against a server with --token."""
    right = {"CLOUDFLARE_API_TOKEN": "sesame"}
    w.says("whoami", r"A request to the Cloudflare API \(/accounts\) failed", r"Invalid access token \[code: 9109\]", code=1)
    w.says("vectorize list", r"/vectorize/v2/indexes\) failed", r"Authentication error \[code: 10000\]",
           "It looks like you are authenticating Wrangler via a custom API token", code=1)
    w.says("whoami", "local@localhost", environment=right)
    w.says("vectorize list", "You haven't created any indexes", environment=right)


FULL = [lane_vectors, lane_wrong_vectors, lane_indexes, lane_ai, lane_whoami, lane_v1]
SMALLER = [lane_ai, lane_vectors, lane_whoami]


def run_lane(lane, wrangler):
    try:
        lane(wrangler)
    except Failed as stopped:
        wrangler.results.add(wrangler.line, f"{lane.__name__} ends at: {stopped}")
    except Exception as wrong:  # A command that hangs, or output of another shape: the finding.
        wrangler.results.add(wrangler.line, f"{lane.__name__}: {type(wrong).__name__}: {wrong}")


def lines_of_wrangler():
    """[(version, command, lanes)]; all lanes for the newer one, which starts faster: its Node keeps what it compiled."""
    older, newer = (node_folder_of(HERE / "wrangler" / line / "package.json") for line in ("4.86", "4.164"))
    program = "node_modules/wrangler/bin/wrangler.js"
    return [(node_version_of(older, "wrangler"), [str(node_20()), str(older / program)], SMALLER),
            (node_version_of(newer, "wrangler"), [str(node_22()), str(newer / program)], FULL)]


def run_all(lines, url, guarded_url, parts, results):
    with tempfile.TemporaryDirectory(prefix="selvedge-wrangler-") as folder, concurrent.futures.ThreadPoolExecutor(2) as pool:
        running = []
        for version, command, lanes in lines:
            for lane in [*lanes, lane_token]:
                if parts and not any(part in lane.__name__ for part in parts):
                    continue
                place = pathlib.Path(folder) / version / lane.__name__
                wrangler = Wrangler(version, command, guarded_url if lane is lane_token else url, place, results)
                running.append(pool.submit(run_lane, lane, wrangler))
        for each in running:
            each.result()


def main(parts):
    started = time.monotonic()
    lines = lines_of_wrangler()
    results = Results()
    with TemporaryHome() as home, TemporaryHome() as guarded_home:
        import_models(home.path, cli)
        with ServerProcess(home.path) as server, ServerProcess(guarded_home.path, options=["--token", "sesame"]) as guarded:
            run_all(lines, server.url, guarded.url, parts, results)
    for version, _, lanes in lines:
        commands = "every `vectorize` command" if lanes is FULL else "most `vectorize` commands"
        what = f"{commands}, `ai models`, `ai finetune`, `whoami`, wrong uses and tokens"
        record("wrangler", version, what, results.passed.get(version, 0), results.failed.get(version, 0))
    passed, failed = sum(results.passed.values()), sum(results.failed.values())
    print(f"{time.monotonic() - started:.0f} s")
    print(f"{passed} passed, {failed} failed")
    return 1 if failed or not passed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
