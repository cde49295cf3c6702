#!/usr/bin/env python3
# Conformance: replays the cases under this folder against a real server with the scripted runner.
"""Usage: run.py [--default | --strict] [PART OF A FILE NAME…]   README.md beside this file tells the form of a case.

Every answer is also held against the server's own /openapi.json. That takes packages which
`tests/tool_folders.py tests/openapi/requirements.txt` installs; without them it is left out, with a note, or fails
where SELVEDGE_TEST_TOOLS=required."""
import base64
import concurrent.futures
import gzip
import http.client
import io
import json
import os
import pathlib
import re
import socket
import sys
import time
import urllib.parse

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))
from scripted_models import import_models, import_own_models  # noqa: E402
from server_process import ServerProcess, TemporaryHome, cli  # noqa: E402
from tool_folders import ready_python_of  # noqa: E402

HERE = pathlib.Path(__file__).resolve().parent
TIMEOUT_S = 30
OPENAPI = HERE.parent / "openapi"
# Requests that come in by these doors are no part of the document.
BINDING_HOSTS = ("workers-binding.ai", "vector-search")
# How a case is run: on a server that is generous, and on one that holds clients to the hosted rules.
MODES = {"default": [], "strict": ["--strict"]}
VECTOR_DIMENSIONS = 32  # The fewest that both modes take.
MATCHERS = {
    "$any": lambda value: True,
    "$string": lambda value: isinstance(value, str),
    "$number": lambda value: isinstance(value, (int, float)) and not isinstance(value, bool),
    "$integer": lambda value: isinstance(value, int) and not isinstance(value, bool),
    "$list": lambda value: isinstance(value, list),
    "$object": lambda value: isinstance(value, dict),
    "$uuid": lambda value: isinstance(value, str) and re.fullmatch(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", value),
    "$time": lambda value: isinstance(value, str) and re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d+Z", value),
}


def variable(name, variables):
    """A saved value, or for zeros30 as many zeros with a comma before each."""
    if zeros := re.fullmatch(r"zeros(\d+)", name):
        return ",0" * int(zeros.group(1))
    return str(variables[name])


def expanded(value, variables):
    """`value` with ${variables} filled in and {"$text": […]}, {"$array": […]}, {"$vector": […]} written out."""
    if isinstance(value, str):
        return re.sub(r"\$\{(\w+)\}", lambda match: variable(match.group(1), variables), value)
    if isinstance(value, list):
        return [expanded(item, variables) for item in value]
    if not isinstance(value, dict):
        return value
    if set(value) == {"$text"}:  # ["x", 3, "y", 1] -> "xxxy"
        parts = expanded(value["$text"], variables)
        return "".join(part * times for part, times in zip(parts[::2], parts[1::2]))
    if set(value) == {"$array"}:  # [item, 3] -> [item, item, item]
        item, times = value["$array"]
        return [expanded(item, {**variables, "n": number}) for number in range(times)]
    if set(value) == {"$vector"}:  # [1, 2] -> [1, 2, 0, …]
        return value["$vector"] + [0] * (VECTOR_DIMENSIONS - len(value["$vector"]))
    return {expanded(key, variables): expanded(item, variables) for key, item in value.items()}


def difference(expected, actual, at="body"):
    """What is wrong with `actual`, or None."""
    if isinstance(expected, str) and expected.startswith("$"):
        if expected in MATCHERS:
            return None if MATCHERS[expected](actual) else f"{at}: {actual!r:.200} is no {expected}"
        name, _, rest = expected.partition(":")
        if name == "$re":
            found = isinstance(actual, str) and re.search(rest, actual, re.S)
            return None if found else f"{at}: {actual!r:.300} does not match {rest}"
        if name == "$contains":
            return None if isinstance(actual, str) and rest in actual else f"{at}: {actual!r:.300} lacks {rest}"
        if name == "$len":
            size = len(actual) if isinstance(actual, (list, str, dict)) else None
            return None if size == int(rest) else f"{at}: length {size}, expected {rest}"
        if name == "$near":
            value, tolerance = map(float, rest.split(":"))
            close = MATCHERS["$number"](actual) and abs(actual - value) <= tolerance
            return None if close else f"{at}: {actual!r} is not near {value}"
    if isinstance(expected, dict):
        if not isinstance(actual, dict):
            return f"{at}: {actual!r:.200} is no object"
        partial = expected.get("$partial", False)
        for key, item in expected.items():
            if key == "$partial":
                continue
            if item == "$absent":
                if key in actual:
                    return f"{at}.{key}: should be absent"
                continue
            if key not in actual:
                return f"{at}.{key}: is missing"
            wrong = difference(item, actual[key], f"{at}.{key}")
            if wrong:
                return wrong
        extra = [] if partial else sorted(set(actual) - set(expected))
        return f"{at}: unexpected {', '.join(extra)}" if extra else None
    if isinstance(expected, list):
        if not isinstance(actual, list) or len(actual) != len(expected):
            return f"{at}: {actual!r:.300} is no list of {len(expected)}"
        for number, (one, other) in enumerate(zip(expected, actual)):
            wrong = difference(one, other, f"{at}[{number}]")
            if wrong:
                return wrong
        return None
    same = expected == actual and isinstance(expected, bool) == isinstance(actual, bool)
    return None if same else f"{at}: {actual!r:.300}, expected {expected!r:.300}"


def events_of(text):
    """The data of each event of a stream, parsed where it is JSON; comments are left out."""
    found = []
    for block in text.split("\n\n"):
        lines = [line[6:] for line in block.split("\n") if line.startswith("data: ")]
        if lines:
            data = "\n".join(lines)
            found.append(json.loads(data) if data.startswith("{") else data)
    return found


def event_difference(expected, events):
    """An expectation {"$repeat": event} stands for one or more events."""
    at = 0
    for want in expected:
        repeat = isinstance(want, dict) and "$repeat" in want
        item = want["$repeat"] if repeat else want
        if at == len(events):
            return f"the stream ended before {json.dumps(item):.200}"
        wrong = difference(item, events[at], f"event {at}")
        if wrong:
            return wrong
        at += 1
        while repeat and at < len(events) and difference(item, events[at]) is None:
            at += 1
    return None if at == len(events) else f"event {at} is too much: {json.dumps(events[at]):.200}"


class Response:
    def __init__(self, status, headers, body):
        self.status, self.headers, self.body = status, headers, body
        self.text = body.decode("utf-8", "replace")


def body_bytes(request):
    if "json" in request:
        return json.dumps(request["json"], ensure_ascii=False).encode(), "application/json"
    if "lines" in request:
        lines = [line if isinstance(line, str) else json.dumps(line, ensure_ascii=False) for line in request["lines"]]
        return "\n".join(lines).encode(), "application/x-ndjson"
    if "base64" in request:
        return base64.b64decode(request["base64"]), None
    if "body" in request:
        return request["body"].encode(), None
    return None, None


class Kept(io.BufferedReader):
    """Reads one connection for several answers; each of them thinks that it is its own."""

    def makefile(self, *_):
        return self

    def close(self):
        pass


def send_raw(url, text, count):
    """The first `count` answers, and whether the server then closed."""
    address = urllib.parse.urlsplit(url)
    with socket.create_connection((address.hostname, address.port), TIMEOUT_S) as connection:
        connection.sendall(text.encode("latin-1"))
        reader, found = Kept(connection.makefile("rb", buffering=0)), []
        for _ in range(count):
            answer = http.client.HTTPResponse(reader)
            answer.begin()
            found.append(Response(answer.status, answer.headers, answer.read()))
        connection.settimeout(0.2)
        try:
            closed = connection.recv(1) == b""
        except TimeoutError:
            closed = False
        return found, closed


def send(url, request):
    address = urllib.parse.urlsplit(url)
    if "raw" in request:
        return send_raw(url, request["raw"], 1)[0][0]
    body, content_type = body_bytes(request)
    headers = {name.lower(): value for name, value in request.get("headers", {}).items()}
    if content_type:
        headers.setdefault("content-type", content_type)
    connection = http.client.HTTPConnection(address.hostname, address.port, timeout=TIMEOUT_S)
    connection.putrequest(request.get("method", "GET"), request["path"], skip_host="host" in headers,
                          skip_accept_encoding=True)
    for name, value in headers.items():
        if value is not None:
            connection.putheader(name, value)
    if body is not None:
        connection.putheader("content-length", str(len(body)))
    connection.endheaders(body)
    answer = connection.getresponse()
    response = Response(answer.status, answer.headers, answer.read())
    connection.close()
    return response


def joined_choices(events):
    """The text of each choice by its index; the native form has one."""
    joined = {}
    for event in events:
        if not isinstance(event, dict):
            continue
        pieces = [(0, event["response"])] if "response" in event else []
        for choice in event.get("choices", []):
            pieces.append((choice["index"], choice["text"] if "text" in choice else choice["delta"].get("content")))
        for index, piece in pieces:
            joined[str(index)] = joined.get(str(index), "") + (piece or "")
    return joined


def check(expect, response):
    if response.status != expect["status"]:
        return f"status {response.status}, expected {expect['status']}: {response.text:.300}"
    for name, want in expect.get("headers", {}).items():
        actual = response.headers.get(name)
        if want == "$absent":
            if actual is not None:
                return f"header {name} should be absent"
        elif actual is None:
            return f"header {name} is missing"
        elif wrong := difference(want, actual, f"header {name}"):
            return wrong
    if expect.get("gunzip"):
        response = Response(response.status, response.headers, gzip.decompress(response.body))
    if "text" in expect and (wrong := difference(expect["text"], response.text, "text")):
        return wrong
    for part in expect.get("contains", []):
        if part not in response.text:
            return f"{part!r} is not in {response.text:.300}"
    if "json" in expect:
        try:
            actual = json.loads(response.text)
        except ValueError:
            return f"no JSON: {response.text:.300}"
        if wrong := difference(expect["json"], actual):
            return wrong
    if "sse" in expect or "joined" in expect:
        events = events_of(response.text)
        if "sse" in expect and (wrong := event_difference(expect["sse"], events)):
            return wrong
        if "joined" in expect:
            choices = joined_choices(events)
            joined = choices if isinstance(expect["joined"], dict) else choices.get("0", "")
            if wrong := difference(expect["joined"], joined, "joined"):
                return wrong
    return None


def check_answers(expect, responses, closed):
    for number, (want, response) in enumerate(zip(expect["answers"], responses)):
        if wrong := check(want, response):
            return f"answer {number}: {wrong}"
    if expect.get("closed", closed) != closed:
        return "the connection was closed" if closed else "the connection was not closed"
    return None


def pointed(value, pointer):
    for part in pointer.strip("/").split("/"):
        value = value[int(part)] if isinstance(value, list) else value[part]
    return value


def undocumented(document, request, response):
    """What the answer does that /openapi.json does not promise, or None."""
    headers = {name.lower(): value for name, value in request.get("headers", {}).items()}
    host = (headers.get("host") or "").split(":")[0].lower()
    if document is None or "raw" in request or "mf-url" in headers or "x-forwarded" in headers or host in BINDING_HOSTS:
        return None
    path = urllib.parse.urlsplit(request["path"]).path if request["path"].startswith("http") else request["path"]
    return document.wrong(request.get("method", "GET"), path, response.status, response.headers.get("content-type"),
                          response.body)


def run_step(url, step, variables, document):
    """What is wrong, or None; a step with `within_s` is repeated for so long until it passes."""
    ends = time.monotonic() + step.get("within_s", 0)
    while (wrong := run_once(url, step, variables, document)) and time.monotonic() < ends:
        time.sleep(0.05)
    return wrong


def run_once(url, step, variables, document):
    try:
        request = expanded(step["request"], variables)
        expect = expanded(step.get(f"expect_{variables['mode']}", step["expect"]), variables)
        if variables["mode"] == "strict":  # There every client has some token.
            given = request.get("headers", {})
            if "authorization" not in map(str.lower, given):
                request["headers"] = {**given, "authorization": "Bearer conformance"}
        if "answers" in expect:
            return check_answers(expect, *send_raw(url, request["raw"], len(expect["answers"])))
        response = send(url, request)
        wrong = check(expect, response) or undocumented(document, request, response)
        if wrong is None:
            for name, pointer in step.get("save", {}).items():
                variables[name] = pointed(json.loads(response.text), pointer)
        return wrong
    except (OSError, http.client.HTTPException, ValueError, KeyError, IndexError) as failure:
        return f"{type(failure).__name__}: {failure}"


class Servers:
    """One server per set of options, started when a case first asks for it."""

    def __init__(self):
        self.running = {}

    def url(self, options):
        key = tuple(options)
        if key not in self.running:
            home = TemporaryHome().__enter__()
            self.running[key] = (home, None)
            import_models(home.path, cli)
            import_own_models(home.path, cli)
            self.running[key] = (home, ServerProcess(home.path, options=options))
        return self.running[key][1].url

    def document(self, options):
        """The OpenAPI document of a server with these options, or None where the packages are missing."""
        try:
            sys.path.insert(0, str(OPENAPI))
            from document import Document
        except ImportError:
            return None
        return Document(send(self.url(options), {"path": "/openapi.json"}).text)

    def stop(self):
        """What the servers did wrong at their end."""
        wrong = []
        for home, server in self.running.values():
            if server is not None:
                code, seconds = server.stop()
                if code != 0:
                    wrong.append(f"a server ended with code {code} after {seconds:.1f} s\n{server_log(home)}")
            home.__exit__()
        return wrong


def server_log(home):
    log = home.path.parent / (home.path.name + ".log")
    return log.read_text(errors="replace")[-2000:] if log.exists() else ""


def modes_of(part, otherwise):
    """The modes that a case or a step is about."""
    modes = part.get("modes", otherwise)
    unknown = [mode for mode in modes if mode not in MODES]
    if unknown or not modes:
        raise ValueError(f"modes {modes}: there are {', '.join(MODES)}")
    return modes


def run_case(url, name, case, variables, document):
    """(steps that passed, what failed) of one case in one mode."""
    passed, failures, mode = 0, [], variables["mode"]
    for at, step in enumerate(case.get("steps") or [case]):
        if mode not in modes_of(step, list(MODES)):
            continue
        wrong = run_step(url, step, variables, document)
        if wrong is None:
            passed += 1
        else:
            failures.append(f"{name} · {step.get('name', f'step {at}')} [{mode}]: {wrong}")
    return passed, failures


def run_mode(servers, mode, files):
    """(steps that passed, what failed) of all cases in one mode."""
    passed, failures, document = 0, [], servers.document(MODES[mode])
    for number, file in enumerate(files):
        case = json.loads(file.read_text())
        name = str(file.relative_to(HERE))
        if not case.get("source"):
            failures.append(f"{name}: no source of the expectation")
        if not case.get("source") or mode not in modes_of(case, list(MODES)):
            continue
        url, account = servers.url(case.get("options", []) + MODES[mode]), f"conformance{number}"
        variables = {"account": account, "base": f"/client/v4/accounts/{account}", "host": url.split("//")[1],
                     "indexes": f"/client/v4/accounts/{account}/vectorize/v2/indexes",
                     "run": f"/client/v4/accounts/{account}/ai/run", "mode": mode}
        count, wrong = run_case(url, name, case, variables, document)
        passed += count
        failures += wrong
    return passed, failures


def main(arguments):
    chosen_modes = [mode for mode in MODES if f"--{mode}" in arguments] or list(MODES)
    parts = [argument for argument in arguments if not argument.startswith("--")]
    files = sorted(HERE.glob("*/*.json"))
    if parts:
        files = [file for file in files if any(part in str(file.relative_to(HERE)) for part in parts)]
    servers, began = Servers(), time.monotonic()
    try:
        # The modes know nothing of each other: each has servers of its own.
        with concurrent.futures.ThreadPoolExecutor(len(chosen_modes)) as pool:
            runs = {mode: pool.submit(run_mode, servers, mode, files) for mode in chosen_modes}
            done = {mode: run.result() for mode, run in runs.items()}
    finally:
        wrong_ends = servers.stop()
    failures = [failure for _, failed in done.values() for failure in failed] + wrong_ends
    for failure in failures:
        print(f"FAILED {failure}")
    total = sum(passed for passed, _ in done.values())
    each = ", ".join(f"{passed} {mode}" for mode, (passed, _) in done.items())
    print(f"{total} passed, {len(failures)} failed in {time.monotonic() - began:.1f} s ({each})")
    return 1 if failures or total == 0 else 0


def with_packages():
    """Goes on under the Python that has the packages of the document check, where it has been made."""
    python = ready_python_of(OPENAPI / "requirements.txt")
    if python is None:
        print("note: answers are not held against /openapi.json; tests/tool_folders.py tests/openapi/requirements.txt "
              "installs what that takes", flush=True)
        if os.environ.get("SELVEDGE_TEST_TOOLS") == "required":
            sys.exit(1)
    elif pathlib.Path(sys.prefix) != python.parent.parent:
        os.execv(python, [str(python), "-B", *sys.argv])


if __name__ == "__main__":
    with_packages()
    sys.exit(main(sys.argv[1:]))
