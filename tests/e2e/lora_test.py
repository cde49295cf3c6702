#!/usr/bin/env python3
# LoRA and ranking, end to end: adapters made by a script, on the real small model and the miniature ones.
"""Usage: lora_test.py   Needs the built programs and the models of tools/models/fetch --stand-ins --test-models."""
import concurrent.futures
import json
import math
import pathlib
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))
from adapter_files import random_adapter  # noqa: E402
from server_process import CACHE, ServerProcess, TemporaryHome, cli, request  # noqa: E402

ACCOUNT = "/client/v4/accounts/local/ai/"
SMOLLM = CACHE / "models" / "SmolLM2-135M-Instruct.Q4_1.gguf"
TEXT = "@cf/mistral/mistral-7b-instruct-v0.2-lora"
# Of the small model: width, rows of keys and values, width of the feed-forward part, layers.
SHAPE = (576, 192, 1536, 30)
FAILED = []


def check(claim, holds, seen=""):
    print(("ok    " if holds else "FAILED ") + claim + ("" if holds else f": {seen!r:.600}"))
    if not holds:
        FAILED.append(claim)


class Client:
    def __init__(self, server):
        self.url = server.url

    def run(self, model, **inputs):
        """(status, result or first error, headers)"""
        status, headers, body = request("POST", f"{self.url}{ACCOUNT}run/{model}", inputs, timeout=300)
        answer = json.loads(body)
        return status, answer["result"] if status == 200 else answer["errors"][0], headers

    def text(self, model, lora=None, prompt="The capital of France is", tokens=16, **more):
        inputs = {"prompt": prompt, "raw": True, "max_tokens": tokens, "temperature": 0, **more}
        if lora:
            inputs["lora"] = lora
        status, result, _ = self.run(model, **inputs)
        return result["response"] if status == 200 else result

    def first_token(self, model, lora):
        """The token that a completion begins with, and the logarithm of its probability."""
        inputs = {"model": model, "prompt": "The capital of France is", "max_tokens": 12, "temperature": 0, "logprobs": 1}
        if lora:
            inputs["lora"] = lora
        told = json.loads(request("POST", self.url + "/v1/completions", inputs, timeout=300)[2])["choices"][0]["logprobs"]
        return told["tokens"][0], told["token_logprobs"][0]


def make_adapters(home, folder, url, model, names):
    """Creates one adapter a name with the command line, each with its own random weights."""
    for seed, name in enumerate(names):
        random_adapter(folder / name, *SHAPE, seed=seed + 1)
        cli(home, "finetune", "create", model, name, folder / name, "--url", url)


def test_adapters(home, folder, server):
    client = Client(server)
    names = ["weaver", "dyer", "tailor"]
    make_adapters(home, folder, server.url, TEXT, names)
    listed = json.loads(cli(home, "finetune", "list", "--url", server.url, "--json").stdout)
    check("the command line lists what it made", sorted(one["name"] for one in listed) == sorted(names), listed)
    alone = {name: client.text(TEXT, name) for name in [None, *names]}
    check("each adapter answers in its own way, and not as the model alone",
          len(set(map(str, alone.values()))) == 4, alone)
    check("the same adapter answers the same again", client.text(TEXT, "weaver") == alone["weaver"])
    by_id = next(one["id"] for one in listed if one["name"] == "dyer")
    check("an id is as good as a name", client.text(TEXT, by_id) == alone["dyer"])
    first = {name: client.first_token(TEXT, name) for name in [None, *names]}
    told = sorted(logprob for _, logprob in first.values())
    check("the adapters differ by more than batches do", all(b - a > 0.05 for a, b in zip(told, told[1:])), first)
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        asked = [None, *names] * 4
        answers = list(pool.map(lambda name: client.first_token(TEXT, name), asked))
    leaks = [(name, answer, first[name]) for name, answer in zip(asked, answers)
             if answer[0] != first[name][0] or abs(answer[1] - first[name][1]) > 0.02]
    check("16 calls side by side with three adapters and without do not leak into each other", not leaks, leaks)
    run = cli(home, "run", TEXT, "The capital of France is", "--raw", "--lora", "weaver", "--max-tokens", "16",
              "--temperature", "0", "--url", server.url, "--json")
    check("selvedge run --lora", json.loads(run.stdout)["response"] == alone["weaver"], run.stdout)
    status, _, body = request("POST", server.url + "/v1/chat/completions", {
        "model": TEXT, "messages": [{"role": "user", "content": "hi"}], "max_tokens": 4, "lora": "weaver"})
    check("the plain OpenAI door takes an adapter, too", status == 200, body)
    return client, alone


def test_faults(home, folder, client, server):
    random_adapter(folder / "large", 128, 64, 256, 2, seed=9)
    cli(home, "finetune", "create", TEXT, "large", folder / "large", "--url", server.url)
    status, error, _ = client.run(TEXT, prompt="x", lora="large")
    check("an adapter of other shapes is refused in words", status == 400 and error["code"] == 5006
          and "does not fit the weights that answer" in error["message"], error)
    random_adapter(folder / "dora", *SHAPE, seed=9, config={"use_dora": True})
    cli(home, "finetune", "create", TEXT, "dora", folder / "dora", "--url", server.url)
    status, error, _ = client.run(TEXT, prompt="x", lora="dora")
    check("what is more than a LoRA is refused", status == 400 and "use_dora" in error["message"], error)
    cut = folder / "cut"
    random_adapter(cut, *SHAPE, seed=9)
    weights = cut / "adapter_model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-4])
    done = cli(home, "finetune", "create", TEXT, "cut", cut, "--url", server.url, check=False)
    check("a refused upload leaves nothing", done.returncode == 1 and "cut" not in
          cli(home, "finetune", "list", "--url", server.url).stdout, done.stderr)
    cli(home, "finetune", "delete", "dora", "--url", server.url)
    status, error, _ = client.run(TEXT, prompt="x", lora="dora")
    check("a deleted adapter is not found", status == 404 and error["code"] == 3037, error)


def test_restart(home, alone):
    converted = list((home / "finetunes").glob("*/adapter-*.gguf"))
    check("converted adapters lie beside their files", len(converted) >= 3, converted)
    for file in converted:
        file.unlink()
    with ServerProcess(home, runner="selvedge-runner") as server:
        client = Client(server)
        check("after a restart without them they are made anew", client.text(TEXT, "weaver") == alone["weaver"])


def speed(client, lora):
    """Tokens a second of one completion, the best of three."""
    best = 0.0
    for seed in range(3):
        started = time.monotonic()
        client.text(TEXT, lora, tokens=96, seed=seed + 1, temperature=1)
        best = max(best, 96 / (time.monotonic() - started))
    return best


def test_speed(client):
    plain, adapted = speed(client, None), speed(client, "weaver")
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        started = time.monotonic()
        list(pool.map(lambda name: client.text(TEXT, name, tokens=48), [None, None, None, None]))
        same = 4 * 48 / (time.monotonic() - started)
        started = time.monotonic()
        list(pool.map(lambda name: client.text(TEXT, name, tokens=48), [None, "weaver", "dyer", "tailor"]))
        mixed = 4 * 48 / (time.monotonic() - started)
    print(f"      tokens/s: {plain:.1f} alone, {adapted:.1f} with an adapter of rank 4; "
          f"4 streams {same:.1f} without, {mixed:.1f} with 4 different sets")


def test_ranking(home, server):
    client = Client(server)
    contexts = [{"text": text} for text in ("a ship at sea", "threads that run along the cloth", "x" * 9000)]
    status, result, headers = client.run("@cf/baai/bge-reranker-base", query="what is warp?", contexts=contexts)
    scores = [one["score"] for one in result["response"]] if status == 200 else []
    check("a real cross-encoder ranks", sorted(one["id"] for one in result["response"]) == [0, 1, 2]
          and scores == sorted(scores, reverse=True) and all(0 <= score <= 1 for score in scores), result)
    check("and is announced", headers["selvedge-model"] == "random-reranker", headers["selvedge-model"])
    status, result, _ = client.run("@cf/huggingface/distilbert-sst-2-int8", text="a good day")
    check("a real classifier labels", status == 200 and [one["label"] for one in result] == ["NEGATIVE", "POSITIVE"]
          and math.isclose(sum(one["score"] for one in result), 1, abs_tol=1e-9), result)
    status, _, body = request("POST", server.url + "/v1/rerank", {
        "model": "@cf/baai/bge-reranker-base", "query": "q", "documents": ["a", "b"]})
    check("/v1/rerank", status == 200 and len(json.loads(body)["results"]) == 2, body)
    cli(home, "rm", "random-distilbert")


def test_emulation(server):
    client = Client(server)
    status, good, headers = client.run("@cf/huggingface/distilbert-sst-2-int8", text="I love this wonderful film!")
    check("without its weights a text model emulates the classifier, and that is said",
          status == 200 and headers["selvedge-model"].endswith("; emulation"), headers["selvedge-model"])
    check("its labels are probabilities", math.isclose(sum(one["score"] for one in good), 1, abs_tol=1e-6), good)
    status, bad, _ = client.run("@cf/huggingface/distilbert-sst-2-int8", text="I hate this terrible film.")
    check("that tell good from bad", good[1]["score"] > bad[1]["score"], (good, bad))


def main():
    with TemporaryHome() as temporary:
        home, folder = temporary.path, pathlib.Path(temporary.folder) / "adapters"
        folder.mkdir()
        cli(home, "import", SMOLLM)
        for file, model in (("random-reranker", "@cf/baai/bge-reranker-base"),
                            ("random-distilbert", "@cf/huggingface/distilbert-sst-2-int8")):
            cli(home, "import", CACHE / "models" / f"{file}.gguf", "--as", model)
        with ServerProcess(home, runner="selvedge-runner") as server:
            client, alone = test_adapters(home, folder, server)
            test_faults(home, folder, client, server)
            test_speed(client)
            test_ranking(home, server)
            test_emulation(server)
        test_restart(home, alone)
    print(f"{len(FAILED)} failed" if FAILED else "all claims hold")
    return 1 if FAILED else 0


if __name__ == "__main__":
    sys.exit(main())
