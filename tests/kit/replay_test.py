#!/usr/bin/env python3
# Replay: what scripted models answered once, a server without models and runner answers byte for byte.
"""Prints what failed and `N passed, M failed`."""
import base64
import json
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))
from scripted_models import import_models  # noqa: E402
from server_process import ServerProcess, TemporaryHome, cli, request  # noqa: E402

TEXT, CHAT, EMBEDDING = "@cf/meta/llama-3-8b-instruct", "@cf/zai-org/glm-4.7-flash", "@cf/baai/bge-base-en-v1.5"
RUN = "/client/v4/accounts/ci/ai/run/"
LEGACY = {"messages": [{"role": "user", "content": "Tell me of the sea. [[tokens 12]]"}]}
SPOKEN = [{"role": "user", "content": "Tell me of the hills. [[tokens 12]]"}]


def binding(model, inputs, **more):
    headers = {"host": "workers-binding.ai", "cf-consn-sdk-version": "2.0.0", "cf-consn-model-id": model}
    return "/run?version=3", {"inputs": inputs, "options": {}, **more}, headers


def form(**fields):
    """The path, body and headers of a transcription through OpenAI's door."""
    parts = [f'name="{name}"\r\n\r\n{value}' for name, value in fields.items()]
    parts.append(f'name="file"; filename="a"\r\n\r\n{SPEECH}')
    body = "".join(f"--XX\r\ncontent-disposition: form-data; {part}\r\n" for part in parts) + "--XX--\r\n"
    return "/v1/audio/transcriptions", body.encode(), {"content-type": "multipart/form-data; boundary=XX"}


def openai(model, **more):
    return "/v1/chat/completions", {"model": model, "messages": SPOKEN, **more}, {}


# Drawn and heard slowly enough that steps are told.
SPEECH = "[[delay 30]] [[say Ask not what your country can do]]" + 64000 * " "
WHISPER, TURBO = "@cf/openai/whisper", "@cf/openai/whisper-large-v3-turbo"
PICTURE, FLUX = "@cf/bytedance/stable-diffusion-xl-lightning", "@cf/black-forest-labs/flux-1-schnell"
FLUX_2 = "@cf/black-forest-labs/flux-2-klein-4b"
DRAWN = {"prompt": "a cat [[delay 30]]", "width": 256, "height": 256, "num_steps": 2}

# Each is asked once while recording and once while replaying: (what, (path, body, headers)).
CALLS = [
    ("REST", (RUN + TEXT, LEGACY, {})),
    ("REST, streamed", (RUN + TEXT, {**LEGACY, "stream": True}, {})),
    ("the same once more", (RUN + TEXT, {**LEGACY, "stream": True}, {})),
    ("the named path", ("/client/v4/accounts/ci/ai/run", {"model": TEXT, "input": LEGACY}, {})),
    ("binding", binding(TEXT, LEGACY)),
    ("binding, streamed", binding(TEXT, {**LEGACY, "stream": True})),
    ("with a seed", (RUN + TEXT, {**LEGACY, "seed": 5}, {})),
    ("characters of several bytes", (RUN + TEXT, {"prompt": "[[say 強一致性的狀態管理。]]", "stream": True}, {})),
    ("OpenAI", openai(TEXT)),
    ("OpenAI, streamed", openai(TEXT, stream=True, stream_options={"include_usage": True})),
    ("OpenAI, three choices", openai(CHAT, n=3)),
    ("OpenAI, logprobs", openai(CHAT, logprobs=True, top_logprobs=2)),
    ("OpenAI, logprobs, streamed", openai(CHAT, logprobs=True, top_logprobs=2, stream=True)),
    ("OpenAI under an account", ("/client/v4/accounts/ci/ai/v1/chat/completions", {"model": CHAT, "messages": SPOKEN}, {})),
    ("completions", ("/v1/completions", {"model": TEXT, "prompt": "Once upon a time [[tokens 9]]"}, {})),
    ("a model of the OpenAI generation", (RUN + CHAT, {"messages": SPOKEN}, {})),
    ("the same, streamed", (RUN + CHAT, {"messages": SPOKEN, "stream": True}, {})),
    ("embeddings", (RUN + EMBEDDING, {"text": ["the sea", "the hills"]}, {})),
    ("embeddings through the binding", binding(EMBEDDING, {"text": "the sea"})),
    ("embeddings, OpenAI", ("/v1/embeddings", {"model": EMBEDDING, "input": ["the sea"]}, {})),
    ("a ranking", (RUN + "@cf/baai/bge-reranker-base", {"query": "the sea", "contexts": [{"text": "sea"}, {"text": "hill"}]}, {})),
    ("labels", (RUN + "@cf/huggingface/distilbert-sst-2-int8", {"text": "a good day"}, {})),
    ("speech", (RUN + WHISPER, SPEECH.encode(), {})),
    ("speech, its seconds", (RUN + WHISPER + "?progress=true", SPEECH.encode(), {})),
    ("speech through the binding", binding(TURBO, {"audio": base64.b64encode(SPEECH.encode()).decode(), "vad_filter": True})),
    ("speech, OpenAI", form(model="whisper-1", response_format="verbose_json")),
    ("speech, OpenAI, its seconds", form(model="whisper-1", response_format="vtt", progress="true")),
    ("a file that the model refuses", (RUN + WHISPER, b"no audio: the model refuses", {})),
    ("a picture", (RUN + PICTURE, DRAWN, {})),
    ("the same picture once more", (RUN + PICTURE, DRAWN, {})),
    ("a picture with a seed", (RUN + PICTURE, {**DRAWN, "seed": 7}, {})),
    ("a picture, its steps", (RUN + PICTURE + "?progress=true", DRAWN, {})),
    ("a picture as JSON", (RUN + FLUX, {"prompt": "a cat", "seed": 3}, {})),
    ("a picture through the binding", binding(PICTURE, DRAWN)),
    ("a picture by a form", (RUN + FLUX_2, form(prompt="a cat", seed=5)[1], form()[2])),
    ("pictures, OpenAI", ("/v1/images/generations", {"model": FLUX, "prompt": "a cat", "n": 2, "size": "256x256"}, {})),
    ("an input that the model refuses", (RUN + TEXT, {"prompt": "[[fail context_overflow]]"}, {})),
    ("an input that the door refuses", (RUN + TEXT, {"prompt": 3}, {})),
    ("a batch", (RUN + TEXT + "?queueRequest=true", {"requests": [LEGACY, {"prompt": "[[say b]]"}]}, {})),
]
HEADERS = ("content-type", "cf-ai-req-id", "cf-ai-neurons", "selvedge-model", "selvedge-seed")


def ask_all(url, failures):
    answers = {}
    for what, (path, body, headers) in CALLS:
        status, told, content = request("POST", url + path, body, headers)
        answers[what] = (status, content, {name: told.get(name) for name in HEADERS})
    answers["models"] = request("GET", url + "/v1/models")[2]
    batch = json.loads(answers["a batch"][1])["result"]["request_id"]
    for _ in range(200):
        content = request("POST", url + RUN + TEXT, {"request_id": batch})[2]
        if b"responses" in content:
            break
    else:
        failures.append("the batch did not end")
    answers["what came of the batch"] = content
    return answers


def ask_bot(bot):
    """What the bot says of two texts, with and without a model."""
    answers = {}
    for number, text in enumerate(["The sea is wide.", "The hills are green. They are old."]):
        status, headers, body = request("POST", bot + "/knowledge/add", {"text": text})
        answers[f"text {number}"] = (status, headers.get("selvedge-id"), body)
    for mode in ("quote", "model"):
        status, headers, body = request("POST", f"{bot}/chat?answer={mode}&sources=1", {"question": "How is the sea?"})
        answers[f"answer by {mode}"] = (status, headers.get("selvedge-model"), body)
    answers["knowledge"] = request("GET", bot + "/knowledge")[2]
    return answers


def differences(recorded, replayed):
    return [f"{what}: recorded {recorded[what]!r:.600}\n  replayed {replayed[what]!r:.600}"
            for what in recorded if recorded[what] != replayed[what]]


def check(claim, holds, failures):
    if not holds:
        failures.append(claim)
    return 1


def main():
    failures, checks = [], 0
    with TemporaryHome() as recording, TemporaryHome() as replaying, TemporaryHome() as again:
        folder = recording.path.parent / "recordings"
        import_models(recording.path, cli)
        with ServerProcess(recording.path, "bot", ["--record", folder]) as server:
            recorded, told = ask_all(server.url, failures), ask_bot(server.bot_url)
            health = json.loads(request("GET", server.url + "/health")[2])
        checks += check("/health tells of the recording", health.get("test_kit") == [f"--record {folder}"], failures)
        checks += check("calls are answered while they are recorded",
                        all(recorded[what][0] == 200 for what, _ in CALLS if "refuses" not in what), failures)
        checks += check("no half-written file is left", not list(folder.glob(".*")), failures)

        options = ["--replay", folder]
        with ServerProcess(replaying.path, "bot", options, runner="no-such-runner") as server:
            replayed, told_again = ask_all(server.url, failures), ask_bot(server.bot_url)
            status, _, missing = request("POST", server.url + RUN + TEXT, {"prompt": "never asked"})
            unknown, _, no_model = request("POST", server.url + RUN + "@cf/meta/llama-3.2-1b-instruct", {"prompt": "x"})
            runners = request("GET", server.url + "/metrics")[2]
        wrong = differences(recorded, replayed) + differences(told, told_again)
        failures += wrong
        checks += len(recorded) + len(told)
        checks += check(f"a call that was not recorded says how to record it: {missing}",
                        status == 404 and b"--record" in missing and TEXT.encode() in missing, failures)
        checks += check(f"a model that was not recorded too: {no_model}", unknown == 404 and b"--record" in no_model, failures)
        checks += check("no runner is there", b"selvedge_runner" not in runners, failures)

        with ServerProcess(again.path, "bot", [*options, "--seed", "9"], runner="no-such-runner") as server:
            other = ask_all(server.url, failures)
        checks += check("another seed gives other ids", other["OpenAI"][1] != recorded["OpenAI"][1], failures)
        checks += check("and the same text", json.loads(other["OpenAI"][1])["choices"]
                        == json.loads(recorded["OpenAI"][1])["choices"], failures)
    for failure in failures:
        print(f"FAILED {failure}")
    print(f"{checks - len(failures)} passed, {len(failures)} failed")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
