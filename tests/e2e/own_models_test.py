#!/usr/bin/env python3
# Own models, end to end: a split model from a hub under an id of one's own, aliases, emulations, a real upstream.
"""Usage: own_models_test.py   Needs the built programs and the models of tools/models/fetch --stand-ins --test-models.

The upstream is llama.cpp's own server (tests/llama_server)."""
import hashlib
import http.client
import http.server
import json
import os
import pathlib
import subprocess
import sys
import threading
import time
import urllib.parse

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))
from gguf_split import split  # noqa: E402
from server_process import CACHE, ServerProcess, TemporaryHome, cli, events, request  # noqa: E402
from tool_folders import python_of  # noqa: E402

LLAMA_SERVER = pathlib.Path(__file__).resolve().parent.parent / "llama_server"
ACCOUNT = "/client/v4/accounts/local/ai/"
SMOLLM = CACHE / "models" / "SmolLM2-135M-Instruct.Q4_1.gguf"
OTHER = CACHE / "models" / "tiny-llama3-random.gguf"
QUESTION = [{"role": "user", "content": "What is the capital of France? Answer in one word."}]
FAILED = []


def check(claim, holds, seen=""):
    print(("ok    " if holds else "FAILED ") + claim + ("" if holds else f": {seen!r:.600}"))
    if not holds:
        FAILED.append(claim)


class Hub(http.server.BaseHTTPRequestHandler):
    """What of huggingface.co an import asks for, over `files`."""
    files = []

    def do_GET(self):
        path = urllib.parse.urlsplit(self.path).path
        if path == "/api/models/me/smol-GGUF/tree/main":
            rows = [{"type": "file", "path": file.name, "size": file.stat().st_size,
                     "lfs": {"oid": hashlib.sha256(file.read_bytes()).hexdigest()}} for file in self.files]
            return self.answer(json.dumps(rows).encode())
        for file in self.files:
            if path == f"/me/smol-GGUF/resolve/main/{file.name}":
                return self.answer(file.read_bytes())
        self.send_error(404)

    def answer(self, body):
        self.send_response(200)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


def chat(server, model, **more):
    """(text, headers) of a chat by OpenAI's path."""
    body = {"model": model, "messages": QUESTION, "max_tokens": 12, "temperature": 0, **more}
    status, headers, answer = request("POST", server.url + "/v1/chat/completions", body, timeout=120)
    told = json.loads(answer)
    return told["choices"][0]["message"]["content"] if status == 200 else told, headers


def test_hub(home, folder):
    Hub.files = [*split(SMOLLM, folder / "smol-q4_1", 3), OTHER]
    hub = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Hub)
    threading.Thread(target=hub.serve_forever, daemon=True).start()
    os.environ["HF_ENDPOINT"] = f"http://127.0.0.1:{hub.server_port}"
    unclear = cli(home, "import", "hf:me/smol-GGUF", "--as", "my-org/smol", check=False)
    check("of several models one has to be picked, and the error lists them", unclear.returncode == 1
          and "smol-q4_1-00001-of-00003.gguf" in unclear.stderr and "in 3 files" in unclear.stderr
          and OTHER.name in unclear.stderr, unclear.stderr)
    done = cli(home, "import", "hf:me/smol-GGUF", "--file", "q4_1", "--as", "my-org/smol")
    check("a split model is fetched whole, and what it costs is said", "0 neurons" in done.stdout, done.stdout)
    hub.shutdown()
    done = cli(home, "import", SMOLLM, "--as", "me/whole")
    listed = json.loads(cli(home, "list", "--all", "--json").stdout)
    check("ids of one's own are listed", {"my-org/smol", "me/whole"} <= {one["id"] for one in listed}, listed[-3:])
    bad = cli(home, "import", SMOLLM, "--as", "no good", check=False)
    check("a bad id is refused in words", bad.returncode == 1 and "cannot be a model's id" in bad.stderr, bad.stderr)


def test_answers(home, server):
    text, headers = chat(server, "my-org/smol")
    check("the split model answers", isinstance(text, str) and len(text) > 0, text)
    check("and is named and free", headers["selvedge-model"] == "smol-q4_1" and headers["cf-ai-neurons"] == "0",
          dict(headers))
    check("as the whole file does", chat(server, "me/whole")[0] == text, text)
    cli(home, "alias", "add", "gpt-4o-mini", "my-org/smol")
    told, headers = chat(server, "gpt-4o-mini")
    check("a new alias is answered as its model", told == text
          and headers["selvedge-model"] == "smol-q4_1; alias of my-org/smol", (told, dict(headers)))
    said = cli(home, "run", "gpt-4o-mini", QUESTION[0]["content"], "--temperature", "0", "--max-tokens", "12",
               "--url", server.url).stdout.strip()
    check("selvedge run by the alias", said == text.strip(), said)
    cli(home, "alias", "remove", "gpt-4o-mini")
    check("a removed one is unknown", chat(server, "gpt-4o-mini")[0]["error"]["code"] == "model_not_found")


def test_emulations(server):
    for model, inputs, field in (
            ("@cf/meta/m2m100-1.2b", {"text": "Good morning, my friend.", "target_lang": "fr"}, "translated_text"),
            ("@cf/facebook/bart-large-cnn", {"input_text": "The ship left at dawn. It sailed for a week. " * 5,
                                             "max_length": 40}, "summary")):
        status, headers, body = request("POST", f"{server.url}{ACCOUNT}run/{model}", inputs, timeout=120)
        result = json.loads(body)["result"]
        check(f"{field} by the small text model, announced", status == 200 and len(result[field]) > 0
              and headers["selvedge-model"].endswith("; emulation"), (body, dict(headers)))
        print(f"      {result[field]!r:.100}")


def used(server, model):
    rows = json.loads(request("GET", server.url + "/usage")[2])["models"]
    return next((row for row in rows if row["model"] == model), {"calls": 0, "output_tokens": 0})


def test_left_stream(server):
    model = "@cf/meta/llama-3.2-1b-instruct"
    place = urllib.parse.urlsplit(server.url)
    connection = http.client.HTTPConnection(place.hostname, place.port, timeout=60)
    connection.request("POST", f"{ACCOUNT}run/{model}", json.dumps(
        {"prompt": "Tell a long story.", "max_tokens": 400, "stream": True}), {"content-type": "application/json"})
    connection.getresponse().read(200)
    connection.close()
    deadline = time.monotonic() + 10
    while used(server, model)["output_tokens"] == 0 and time.monotonic() < deadline:
        time.sleep(0.1)
    row = used(server, model)
    check("a stream that its client leaves is booked by what was written until then", row["calls"] == 1
          and 0 < row["output_tokens"] < 400 and row["input_tokens"] > 0 and row["neurons"] > 0, row)


def test_removal(home, server):
    cli(home, "unbind", "me/whole")
    check("an unbound id is gone", chat(server, "me/whole")[0]["error"]["code"] == "model_not_found")
    cli(home, "rm", "my-org/smol")
    left = [file.name for file in (home / "models").iterdir()]
    check("a removed one takes all its files with it", left == [SMOLLM.name], left)


def test_llama_server(home, server):
    python = python_of(LLAMA_SERVER / "requirements.txt")
    far = subprocess.Popen([python, LLAMA_SERVER / "serve.py", SMOLLM, "smol"], stdin=subprocess.PIPE,
                           stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    try:
        address = far.stdout.readline().strip()
        added = cli(home, "upstream", "add", "my-org/far", address + "/v1", "--model", "smol", "--json")
        check("a real llama-server is found to have the model", json.loads(added.stdout)["check"] == "ok", added.stdout)
        text, headers = chat(server, "my-org/far")
        check("it answers for an id", isinstance(text, str) and len(text) > 0
              and headers["selvedge-model"] == f"smol at {address[7:]}; upstream", (text, dict(headers)))
        print(f"      {text!r:.100}")
        status, _, body = request("POST", f"{server.url}/v1/chat/completions", {
            "model": "my-org/far", "messages": QUESTION, "max_tokens": 12, "temperature": 0, "stream": True,
            "stream_options": {"include_usage": True}})
        chunks = [data for _, data in events(body)]
        streamed = "".join(one["choices"][0]["delta"].get("content") or "" for one in chunks[:-1] if one["choices"])
        check("in a stream, too, with its usage", status == 200 and chunks[-1] == "[DONE]" and streamed == text
              and chunks[-2]["usage"]["completion_tokens"] > 0, chunks[-3:])
        cli(home, "alias", "add", "gpt-4o", "my-org/far")
        check("an alias leads to an upstream", chat(server, "gpt-4o")[0] == text)
        wanted = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
        answer, _ = chat(server, "my-org/far", max_tokens=60,
                         response_format={"type": "json_schema", "json_schema": {"name": "c", "schema": wanted}})
        check("it is held to a schema", set(json.loads(answer)) == {"city"}, answer)
        status, headers, body = request("POST", f"{server.url}{ACCOUNT}run/my-org/far", {"messages": QUESTION})
        check("on ai/run, too, for 0 neurons", status == 200 and headers["cf-ai-neurons"] == "0", body)
    finally:
        far.stdin.close()
        far.wait()
    answer, _ = chat(server, "my-org/far")
    check("when it has gone, the error says so", "cannot be reached" in answer["error"]["message"], answer)


def main():
    with TemporaryHome() as temporary:
        home, folder = temporary.path, pathlib.Path(temporary.folder) / "hub"
        folder.mkdir()
        test_hub(home, folder)
        with ServerProcess(home, runner="selvedge-runner") as server:
            test_answers(home, server)
            test_emulations(server)
            test_left_stream(server)
            test_removal(home, server)
            test_llama_server(home, server)
    print(f"{len(FAILED)} failed" if FAILED else "all claims hold")
    return 1 if FAILED else 0


if __name__ == "__main__":
    sys.exit(main())
