#!/usr/bin/env python3
# The examples end to end: what people install and type, in copies of examples/, with the real small models.
"""Usage: rag_bot_example_test.py [unittest's arguments]

Installs what the examples' package.json files name and a Node 22 into the cache folder. Node 20 or later must be in PATH.
"""
import contextlib
import hashlib
import json
import os
import pathlib
import pty
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import unittest

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))
from client_rows import record  # noqa: E402
from scripted_models import import_models  # noqa: E402
from server_process import BIN, CACHE, ROOT, ServerProcess, TemporaryHome, cli, events, request  # noqa: E402
from tool_folders import node_20, node_22, node_folder_of, node_version_of  # noqa: E402

EXAMPLES = ROOT / "examples"
STAND_INS = ("SmolLM2-135M-Instruct.Q4_1.gguf", "multilingual-e5-small.q4_0.gguf")
NEWEST_WRANGLER = "4.164.0"  # What npm gives on Node 22; the example's own one also runs on Node 20.
READY_S_MAX = 90
TEXTS = {
    "do-en": "Durable Objects provide strongly consistent state management. Each object has a unique name.",
    "kv-en": "Workers KV is a global key-value store. It is eventually consistent.",
    "pie-en": "An apple pie needs apples, butter, flour and an hour in the oven.",
    "do-zh": "Durable Objects 提供強一致性的狀態管理。每個物件有唯一的名稱。",
    "r2-zh": "R2 是與 S3 相容的物件儲存。資料流出不收費。",
}
QUESTIONS = (("How do I bake an apple pie?", "pie-en"), ("R2 的資料流出要收費嗎?", "r2-zh"))


def packages_with_newest_wrangler():
    """A folder as for the example, but with the wrangler that a user of Node 22 gets."""
    wanted = json.loads((EXAMPLES / "rag-bot/package.json").read_text())
    wanted["devDependencies"]["wrangler"] = NEWEST_WRANGLER
    file = CACHE / "test-tools" / "rag-bot-newest" / "package.json"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps(wanted))
    return node_folder_of(file)


def clean_environment(home, node=None):
    """Nothing of Cloudflare's or ours; a home without wrangler's settings; `node`, else Node 20, before every other one."""
    kept = {name: value for name, value in os.environ.items()
            if not name.startswith(("CLOUDFLARE_", "CF_", "WRANGLER_", "MINIFLARE_", "SELVEDGE_"))}
    kept["PATH"] = f"{pathlib.Path(node or node_20()).parent}{os.pathsep}{kept['PATH']}"
    return {**kept, "HOME": str(home), "XDG_CONFIG_HOME": str(home), "NO_COLOR": "1", "WRANGLER_HIDE_BANNER": "true"}


def files_of(folder):
    """What a project consists of: path -> (kind, content); wrangler's own scratch folder is not part of it."""
    found = {}
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder)
        if name.parts[0] in (".wrangler", "node_modules"):
            continue
        found[str(name)] = hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else "folder"
    return found


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def answers(url):
    try:
        return request("GET", url + "/health", timeout=5)[0] == 200
    except OSError:
        return False


def session_members(leader):
    """The processes of the session that `leader` began."""
    members = []
    for stat in pathlib.Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            fields = stat.read_text().rsplit(")", 1)[1].split()
            if int(fields[3]) == leader and fields[0] != "Z":
                members.append(int(stat.parent.name))
    return members


def curl(*arguments):
    return subprocess.run(["curl", "-sS", "-N", "--max-time", "120", *arguments], capture_output=True, check=True).stdout


class Project:
    """A copy of an example with its packages, in a folder of its own beside a home of its own."""

    def __init__(self, name, packages, node=None):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="selvedge-example-"))
        self.path = self.folder / name
        shutil.copytree(EXAMPLES / name, self.path, ignore=shutil.ignore_patterns("node_modules", ".wrangler", ".env"))
        (self.path / "node_modules").symlink_to(packages / "node_modules")
        (self.folder / "home").mkdir()
        self.environment = clean_environment(self.folder / "home", node)

    def use(self, server, account):
        """Sets what `selvedge env` prints, as `eval` of it would."""
        printed = cli(server.home, "--url", server.url, "--account", account, "env", "--json").stdout
        self.environment.update(json.loads(printed))

    def run(self, *command, timeout=120):
        return subprocess.run([str(part) for part in command], cwd=self.path, env=self.environment, text=True,
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=timeout)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        shutil.rmtree(self.folder, ignore_errors=True)


class Running:
    """A program on a terminal of its own, as a person starts it; `output` is what it has written."""

    def __init__(self, project, command):
        pid, self.terminal = pty.fork()
        if pid == 0:
            try:
                os.chdir(project.path)
                os.execvpe(str(command[0]), [str(part) for part in command], project.environment)
            finally:
                os._exit(127)
        self.pid, self.output, self.code = pid, "", None
        self.reader = threading.Thread(target=self.read, daemon=True)
        self.reader.start()

    def read(self):
        with contextlib.suppress(OSError):
            while piece := os.read(self.terminal, 65536):
                self.output += piece.decode(errors="replace")

    def wait_for(self, pattern, seconds=READY_S_MAX):
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            if found := re.search(pattern, self.output):
                return found
            if self.ended():
                break
            time.sleep(0.05)
        raise AssertionError(f"no {pattern!r} in what it printed (exit {self.code}):\n{self.output[-4000:]}")

    def url(self):
        return self.wait_for(r"Ready on (http://[\w.:]+)").group(1)

    def ended(self):
        if self.code is None:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                self.code = os.waitstatus_to_exitcode(status)
        return self.code is not None

    def press_ctrl_c(self):
        os.write(self.terminal, b"\x03")

    def wait(self, seconds=20):
        until = time.monotonic() + seconds
        while not self.ended() and time.monotonic() < until:
            time.sleep(0.05)
        self.reader.join(timeout=5)
        return self.code

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if not self.ended():
            os.kill(self.pid, signal.SIGTERM)  # wrangler 4.86 with a remote session does not end on Ctrl-C.
            self.wait()
        for pid in session_members(self.pid):
            with contextlib.suppress(OSError):
                os.kill(pid, signal.SIGKILL)
        self.wait()
        os.close(self.terminal)


class Claims(unittest.TestCase):
    def adds_texts(self, bot, texts):
        for name, text in texts.items():
            added = curl("-X", "POST", bot + "/knowledge/add", "-H", "content-type:", "-d", json.dumps({"id": name, "text": text}))
            self.assertEqual(added.decode(), '{"message":"Indexed successfully"}')

    def asks(self, bot, question):
        """(ids of the texts that the answer was given, its events)."""
        streamed = curl("-i", "-X", "POST", bot + "/chat", "-d", json.dumps({"question": question}, ensure_ascii=False))
        head, body = streamed.split(b"\r\n\r\n", 1)
        self.assertIn(b"200 OK", head.splitlines()[0], body)
        self.assertIn(b"content-type: text/event-stream", head.lower())
        sources = re.search(rb"x-sources: (\S*)", head, re.I).group(1).decode().split(",")
        found = events(body)
        self.assertEqual(found[-1], ("", "[DONE]"))
        return sources, found


def words(found):
    return "".join(str(data.get("response") or "") for _, data in found if isinstance(data, dict))


class TheMainJob(Claims):
    @classmethod
    def setUpClass(cls):
        cls.home = TemporaryHome().__enter__()
        for name in STAND_INS:
            cli(cls.home.path, "import", CACHE / "models" / name)
        cls.server = ServerProcess(cls.home.path, runner="selvedge-runner")

    @classmethod
    def tearDownClass(cls):
        cls.server.stop()
        cls.home.__exit__()

    def does_the_main_job(self, packages, node, account):
        with Project("rag-bot", packages, node) as project:
            project.use(self.server, account)
            before = files_of(project.path)
            created = project.run("node_modules/.bin/wrangler", "vectorize", "create", "my-knowledge-base",
                                  "--dimensions=768", "--metric=cosine")
            self.assertEqual(created.returncode, 0, created.stdout)
            self.assertIn("my-knowledge-base", created.stdout)
            with Running(project, ["node_modules/.bin/wrangler", "dev", "--port", "0"]) as wrangler:
                bot = wrangler.url()
                self.assertIn("/knowledge/add", curl(bot + "/").decode())
                self.adds_texts(bot, TEXTS)
                for question, wanted in QUESTIONS:
                    sources, found = self.asks(bot, question)
                    self.assertEqual(len(sources), 3)
                    self.assertEqual(sources[0], wanted, question)
                    self.assertGreater(len(words(found)), 5)
                    self.assertGreater(len(found), 3)
                imagined = json.loads(curl(bot + "/imagine?prompt=cat"))
                self.assertIn("stable-diffusion", imagined["error"])
                refused = json.loads(curl("-X", "POST", bot + "/chat", "-d", "{}"))
                self.assertIn("question", refused["error"])
            self.assertEqual(files_of(project.path), before)

    def test_on_node_20_with_the_examples_own_wrangler(self):
        self.is_done_and_recorded(node_folder_of(EXAMPLES / "rag-bot/package.json"), None, "node-20")

    def test_on_node_22_with_the_newest_wrangler(self):
        self.is_done_and_recorded(packages_with_newest_wrangler(), node_22(), "node-22")

    def is_done_and_recorded(self, packages, node, account):
        done = 0
        try:
            self.does_the_main_job(packages, node, account)
            done = 1
        finally:
            record("wrangler", node_version_of(packages, "wrangler"),
                   f"`wrangler dev` of `examples/rag-bot`: hono {node_version_of(packages, 'hono')}, "
                   f"`@cloudflare/ai` {node_version_of(packages, '@cloudflare/ai')}", done, 1 - done)


class WithScriptedModels(Claims):
    @classmethod
    def setUpClass(cls):
        cls.home = TemporaryHome().__enter__()
        import_models(cls.home.path, cli)
        cls.server = ServerProcess(cls.home.path)

    @classmethod
    def tearDownClass(cls):
        cls.server.stop()
        cls.home.__exit__()

    def test_plain_wrangler_dev_finds_everything_in_the_env_file_and_the_prompt_holds_the_stored_texts(self):
        with Project("rag-bot", node_folder_of(EXAMPLES / "rag-bot/package.json")) as project:
            arguments = ["--url", self.server.url, "--account", "by-init"]
            for changed in (True, False):
                said = json.loads(cli(self.home.path, *arguments, "--json", "init", project.path).stdout)
                self.assertEqual((said["changed"], said["file"]), (changed, str(project.path / ".env")))
            cli(self.home.path, *arguments, "index", "create", "my-knowledge-base")
            with Running(project, ["node_modules/.bin/wrangler", "dev", "--port", "0"]) as wrangler:
                bot = wrangler.url()
                self.adds_texts(bot, {name: TEXTS[name] for name in ("do-en", "do-zh", "r2-zh")})
                sources, found = self.asks(bot, "[[echo]] 什麼?")
                self.assertEqual(sorted(sources), ["do-en", "do-zh", "r2-zh"])
                for name in sources:
                    self.assertIn(TEXTS[name], words(found))

    def test_vitest_uses_both_bindings(self):
        packages = node_folder_of(EXAMPLES / "rag-bot-vitest/package.json")
        with Project("rag-bot-vitest", packages, node_22()) as project:
            project.use(self.server, "vitest")
            cli(self.home.path, "--url", self.server.url, "--account", "vitest", "index", "create", "vitest-notes")
            tested = project.run("node_modules/.bin/vitest", "run", timeout=180)
            passed, failed = (int((re.search(rf"Tests .*?(\d+) {what}", tested.stdout) or [0, 0])[1])
                              for what in ("passed", "failed"))
            record("@cloudflare/vitest-pool-workers", node_version_of(packages, "@cloudflare/vitest-pool-workers"),
                   "`vitest run` of `examples/rag-bot-vitest`: both bindings", passed, failed)
            self.assertEqual((tested.returncode, passed, failed), (0, 5, 0), tested.stdout[-6000:])


class SelvedgeDev(Claims):
    def setUp(self):
        self.home = TemporaryHome().__enter__()
        self.addCleanup(self.home.__exit__)
        self.project = Project("rag-bot", node_folder_of(EXAMPLES / "rag-bot/package.json"))
        self.addCleanup(self.project.__exit__)
        self.server = f"http://127.0.0.1:{free_port()}"

    def dev(self, *arguments):
        return Running(self.project, [BIN / "selvedge", "--home", self.home.path, "--url", self.server, "dev", *arguments])

    def test_one_command_starts_all_of_it_and_ctrl_c_ends_all_of_it(self):
        for name in STAND_INS:
            cli(self.home.path, "import", CACHE / "models" / name)
        before = files_of(self.project.path)
        with self.dev("--create-indexes", "--port", "0") as dev:
            bot = dev.url()
            self.assertRegex(dev.output, r"created index my-knowledge-base: 768 dimensions "
                                         r"\(of @cf/baai/bge-base-en-v1.5, named in \S*src\), cosine")
            self.adds_texts(bot, TEXTS)
            sources, _ = self.asks(bot, QUESTIONS[0][0])
            self.assertEqual(sources[0], QUESTIONS[0][1])
            self.assertTrue(answers(self.server))
            dev.press_ctrl_c()
            self.assertEqual(dev.wait(), 0, dev.output[-3000:])
            self.assertIn("the server has ended", dev.output)
            self.assertFalse(answers(self.server))
            self.assertEqual(session_members(dev.pid), [])
        self.assertEqual(files_of(self.project.path), before)
        self.assertTrue((self.home.path / "serve.log").is_file())

    def test_a_running_server_is_used_and_stays_and_missing_indexes_are_only_told(self):
        import_models(self.home.path, cli)
        with ServerProcess(self.home.path, port=self.server.rsplit(":", 1)[1]) as server:
            with self.dev("--port", "0") as dev:
                dev.url()
                self.assertIn(f"the server at {server.url} is running", dev.output)
                self.assertIn("there is no index my-knowledge-base yet", dev.output)
                os.kill(dev.pid, signal.SIGTERM)  # As a supervisor does: to this one process.
                self.assertIsNotNone(dev.wait())
                self.assertEqual(session_members(dev.pid), [])
            listed = cli(self.home.path, "--url", server.url, "--json", "index", "list").stdout
            self.assertEqual(json.loads(listed), [])

    def test_npx_is_taken_where_the_project_has_no_wrangler_and_leaves_nothing_behind(self):
        programs = pathlib.Path(self.home.folder) / "programs"
        programs.mkdir()
        # As the real npx, which would ask a registry: on SIGTERM it ends and its program goes on.
        npx = programs / "npx"
        npx.write_text(f'#!/bin/sh\n[ "$1" = wrangler ] && shift\n"{self.project.path}/node_modules/.bin/wrangler" "$@"\nexit $?\n')
        npx.chmod(0o755)
        elsewhere = pathlib.Path(self.home.folder) / "elsewhere"
        elsewhere.mkdir()
        (elsewhere / "wrangler.toml").write_text('name = "x"\nmain = "x.js"\ncompatibility_date = "2026-04-01"\n[ai]\nbinding = "AI"\n')
        (elsewhere / "x.js").write_text('export default { fetch() { return new Response("here"); } };\n')
        self.project.environment["PATH"] = f"{programs}{os.pathsep}{self.project.environment['PATH']}"
        self.project.path = elsewhere
        with self.dev("--port", "0") as dev:
            self.assertEqual(curl(dev.url()), b"here")
            os.kill(dev.pid, signal.SIGTERM)
            self.assertIsNotNone(dev.wait())
            self.assertEqual(session_members(dev.pid), [])
            self.assertFalse(answers(self.server))

    def test_the_exit_code_is_wranglers(self):
        with self.dev("--no-such-option") as dev:
            self.assertEqual(dev.wait(60), 1, dev.output)
            self.assertIn("Unknown arguments: such-option", dev.output)
            self.assertFalse(answers(self.server))

    def test_what_is_missing_is_told_before_anything_starts(self):
        (self.project.path / "node_modules").unlink()
        self.project.environment["PATH"] = ""
        with self.dev() as dev:
            self.assertEqual(dev.wait(), 1)
            self.assertRegex(dev.output, "selvedge: wrangler needs Node.js")
        self.assertFalse((self.home.path / "serve.log").exists())

    def test_a_configuration_that_cannot_be_read_is_told_by_line_and_column(self):
        (self.project.path / "wrangler.toml").write_text('name = "x"\nmain = \n')
        with self.dev("--create-indexes") as dev:
            self.assertEqual(dev.wait(60), 1)
            self.assertRegex(dev.output, r"wrangler\.toml:2:\d+: ")


class Environment(unittest.TestCase):
    """`selvedge env` and `selvedge init`, without a server."""

    def setUp(self):
        self.home = TemporaryHome().__enter__()
        self.addCleanup(self.home.__exit__)
        self.project = pathlib.Path(self.home.folder) / "project"
        self.project.mkdir()
        (self.project / "wrangler.jsonc").write_text('{"name": "x", "account_id": "abc123", /* one */ }')
        self.file = self.project / ".env"

    def selvedge(self, *arguments, **variables):
        return subprocess.run([BIN / "selvedge", "--home", self.home.path, *arguments], cwd=self.project, text=True,
                              env={**clean_environment(self.home.path), **variables}, capture_output=True, timeout=60)

    def test_a_shell_takes_what_env_prints(self):
        shown = "$CLOUDFLARE_API_BASE_URL $CLOUDFLARE_ACCOUNT_ID $SELVEDGE_TOKEN ${CLOUDFLARE_API_KEY-none}"
        program = f'eval "$("{BIN}/selvedge" env)" && echo "{shown}"'
        shell = subprocess.run(["sh", "-c", program], cwd=self.project, text=True, capture_output=True, timeout=60,
                               env={**clean_environment(self.home.path), "SELVEDGE_TOKEN": "it's $x",
                                    "CLOUDFLARE_API_KEY": "of-the-hosted-service"})
        self.assertEqual(shell.stdout, "http://127.0.0.1:7358/client/v4 abc123 it's $x none\n", shell.stderr)

    def test_init_keeps_what_is_there_and_takes_the_configurations_account(self):
        self.file.write_text("# mine\nSECRET=1")
        self.file.chmod(0o640)
        said = json.loads(self.selvedge("--json", "init").stdout)
        self.assertEqual((said["changed"], said["file"]), (True, str(self.file)))
        self.assertEqual(len(said["notes"]), 1)  # SECRET is the Worker's, so our lines are, too.
        text = self.file.read_text()
        self.assertTrue(text.startswith("# mine\nSECRET=1\n\n# >>> selvedge"))
        self.assertIn("CLOUDFLARE_ACCOUNT_ID=abc123\n", text)
        self.assertNotIn("LOAD_DEV_VARS", text)
        self.assertEqual(self.file.stat().st_mode & 0o777, 0o640)
        moved = self.selvedge("--url", "http://127.0.0.1:9", "init")
        self.assertIn("wrote", moved.stdout)
        self.assertEqual(self.file.read_text(), text.replace("http://127.0.0.1:7358", "http://127.0.0.1:9"))
        self.assertEqual(sorted(path.name for path in self.project.iterdir()), [".env", "wrangler.jsonc"])

    def test_init_writes_through_a_link_and_makes_a_new_file_its_owners_alone(self):
        target = pathlib.Path(self.home.folder) / "shared.env"
        target.write_text("")
        self.file.symlink_to(target)
        self.assertEqual(self.selvedge("init").returncode, 0)
        self.assertTrue(self.file.is_symlink())
        self.assertIn("SELVEDGE_URL=", target.read_text())
        self.file.unlink()
        self.assertEqual(self.selvedge("init").returncode, 0)
        self.assertEqual(self.file.stat().st_mode & 0o777, 0o600)

    def test_init_refuses_a_line_that_says_something_else(self):
        self.file.write_text("A=1\nCLOUDFLARE_API_TOKEN=real-one\n")
        refused = self.selvedge("init")
        self.assertEqual(refused.returncode, 1)
        self.assertIn(f"{self.file}: line 2 sets CLOUDFLARE_API_TOKEN to something else", refused.stderr)
        self.assertNotIn("real-one", refused.stderr + refused.stdout)
        self.assertEqual(self.file.read_text(), "A=1\nCLOUDFLARE_API_TOKEN=real-one\n")

    def test_init_tells_of_git_and_of_a_file_that_wins(self):
        (self.project / ".env.local").write_text("SELVEDGE_URL=http://other\n")
        subprocess.run(["git", "init", "-q"], cwd=self.project, check=True)
        said = json.loads(self.selvedge("--json", "init").stdout)
        self.assertIs(said["git_ignored"], False)
        self.assertRegex(said["notes"][0], r"\.env\.local:1 sets SELVEDGE_URL")
        (self.project / ".gitignore").write_text(".env\n")
        self.assertIs(json.loads(self.selvedge("--json", "init").stdout)["git_ignored"], True)

    def test_init_needs_a_configuration(self):
        (self.project / "wrangler.jsonc").unlink()
        self.assertIn("there is no wrangler.toml", self.selvedge("init").stderr)
        self.assertFalse(self.file.exists())


if __name__ == "__main__":
    result = unittest.main(exit=False, verbosity=1).result
    bad = len(result.failures) + len(result.errors)
    print(f"{result.testsRun - bad} passed, {bad} failed")
    sys.exit(1 if bad else 0)
