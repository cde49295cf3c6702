#!/usr/bin/env python3
# Pictures end to end: the real runner draws with a miniature model of random weights (tools/models/tiny_pictures.py).
import base64
import http.client
import json
import os
import pathlib
import struct
import subprocess
import sys
import time
import unittest
import urllib.parse

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))
from s3_fake import S3Fake  # noqa: E402
from server_process import BIN, ServerProcess, TemporaryHome, cli, events, request  # noqa: E402
from small_models import FLUX_2, MODELS, PICTURE_PARTS, XL, import_miniature, import_miniature_flux_2  # noqa: E402

RUN = "/client/v4/accounts/local/ai/run/"
SMALL = {"width": 256, "height": 256, "num_steps": 1}


def png_size(body):
    assert body[:8] == b"\x89PNG\r\n\x1a\n", body[:200]
    return struct.unpack(">II", body[16:24])


def form(fields):
    """(content type, body) of a form."""
    body = b"".join(b'--XX\r\ncontent-disposition: form-data; name="%s"\r\n\r\n%s\r\n' % (name.encode(), value)
                    for name, value in fields)
    return "multipart/form-data; boundary=XX", body + b"--XX--\r\n"


class Environment:
    """Variables of this process, which servers inherit, for a while."""

    def __init__(self, variables):
        self.variables = variables

    def __enter__(self):
        self.before = {name: os.environ.get(name) for name in self.variables}
        os.environ.update(self.variables)

    def __exit__(self, *_):
        for name, value in self.before.items():
            if value is None:
                os.environ.pop(name)
            else:
                os.environ[name] = value


class Pictures(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.home = TemporaryHome().__enter__()
        import_miniature(cls.home.path)
        import_miniature_flux_2(cls.home.path)
        cls.folder = pathlib.Path(cls.home.folder) / "kept"
        cls.server = ServerProcess(cls.home.path, "bot", ["--store", cls.folder], runner="selvedge-runner")

    @classmethod
    def tearDownClass(cls):
        cls.server.stop()
        cls.home.__exit__()

    def draw(self, inputs, model=XL, query=""):
        return request("POST", self.server.url + RUN + model + query, inputs, timeout=300)

    def test_seeds_reproduce_byte_for_byte_and_prompts_matter(self):
        begun = time.monotonic()
        status, headers, first = self.draw({**SMALL, "num_steps": 2, "prompt": "a cat", "seed": 11})
        self.assertEqual((status, headers["content-type"]), (200, "image/png"))
        print(f"\n  miniature model, 256 x 256, 2 steps and all around them: {time.monotonic() - begun:.1f} s")
        self.assertEqual(png_size(first), (256, 256))
        self.assertEqual(headers["selvedge-seed"], "11")
        self.assertEqual(headers["selvedge-model"], "tiny-flux-random")
        again = self.draw({**SMALL, "num_steps": 2, "prompt": "a cat", "seed": 11})[2]
        self.assertEqual(again, first)
        other = self.draw({**SMALL, "num_steps": 2, "prompt": "the sea at night", "seed": 11})[2]
        self.assertNotEqual(other, first)

    def test_steps_are_told_while_it_draws(self):
        status, headers, body = self.draw({**SMALL, "num_steps": 3, "prompt": "a cat", "seed": 1}, query="?progress=true")
        self.assertEqual(status, 200)
        found = events(body)
        steps = [data["step"] for name, data in found if name == "progress"]
        self.assertEqual(steps, [0, 1, 2, 3])
        self.assertEqual(png_size(base64.b64decode(found[-2][1]["image"])), (256, 256))
        self.assertEqual(found[-1][1], "[DONE]")

    def test_a_picture_is_drawn_from_a_picture_in_its_size(self):
        _, _, first = self.draw({**SMALL, "prompt": "a cat", "seed": 2})
        status, _, body = self.draw({"prompt": "a dog", "num_steps": 2, "strength": 0.5, "seed": 2,
                                     "image": list(first), "mask": list(first)})
        self.assertEqual(status, 200, body[:300])
        self.assertEqual(png_size(body), (256, 256))

    def test_who_leaves_ends_the_drawing_and_others_go_on(self):
        address = urllib.parse.urlsplit(self.server.url)
        left = http.client.HTTPConnection(address.hostname, address.port)
        long_one = {"prompt": "a cat", "width": 1024, "height": 1024, "num_steps": 20}
        left.request("POST", RUN + XL, json.dumps(long_one), {"content-type": "application/json"})
        time.sleep(1.5)
        left.close()
        begun = time.monotonic()
        status, _, _ = self.draw({**SMALL, "prompt": "a cat", "seed": 3})
        self.assertEqual(status, 200)
        self.assertLess(time.monotonic() - begun, 60)  # The other one alone would take minutes.
        self.assertNotIn("ended", self.server.log_text())

    def test_the_bot_draws(self):
        status, headers, body = request(
            "GET", self.server.bot_url + "/imagine?prompt=a+fox&seed=9&steps=1&width=256&height=256", timeout=300)
        self.assertEqual((status, headers["content-type"]), (200, "image/png"), body[:300])
        self.assertEqual(png_size(body), (256, 256))
        status, _, body = request("GET", self.server.bot_url + "/imagine?prompt=a+fox&width=10")
        self.assertEqual(status, 400)
        self.assertIn("/width", json.loads(body)["error"]["message"])

    def test_the_verb_draws_into_a_file(self):
        file = pathlib.Path(self.home.folder) / "x.png"
        done = cli(self.home.path, "imagine", "a fox", "-o", file, "--seed", "5", "--steps", "1", "--width", "256",
                   "--height", "256", "--json", "--url", self.server.url)
        told = json.loads(done.stdout)
        self.assertEqual((told["seed"], told["width"], told["model"]), (5, 256, "tiny-flux-random"))
        self.assertEqual(png_size(file.read_bytes()), (256, 256))
        self.assertEqual(list(file.parent.glob("*.part")), [])
        same = self.draw({**SMALL, "prompt": "a fox", "seed": 5})[2]
        self.assertEqual(file.read_bytes(), same)

    def test_flux_2_takes_a_form_and_pictures_to_take_up(self):
        small = [("prompt", b"a cat"), ("width", b"256"), ("height", b"256"), ("seed", b"4")]

        def draw(*more):
            kind, body = form([*small, *more])
            status, headers, answer = request("POST", self.server.url + RUN + FLUX_2, body, {"content-type": kind}, timeout=300)
            self.assertEqual(status, 200, answer[:300])
            self.assertEqual(headers["selvedge-model"], "tiny-flux2-random")
            return float(headers["cf-ai-neurons"]), base64.b64decode(json.loads(answer)["result"]["image"])

        price, first = draw()
        self.assertEqual((price, first[:3]), (26.05, b"\xff\xd8\xff"))
        self.assertEqual(draw()[1], first)
        price, second = draw(("input_image_0", first))
        self.assertNotEqual(second, first)
        self.assertAlmostEqual(price, 26.05 + 5.37)
        file = pathlib.Path(self.home.folder) / "flux2.jpg"
        cli(self.home.path, "imagine", "a cat", "-o", file, "--seed", "4", "--width", "256", "--height", "256",
            "--model", FLUX_2, "--url", self.server.url)
        self.assertEqual(file.read_bytes(), first)

    def test_pictures_are_kept_in_the_folder_under_a_name_of_ones_own_or_not_at_all(self):
        _, headers, body = self.draw({**SMALL, "prompt": "a", "seed": 1}, query="?store=cats/one.png")
        self.assertEqual(headers["selvedge-stored"], str(self.folder / "cats/one.png"))
        self.assertEqual((self.folder / "cats/one.png").read_bytes(), body)
        before = sorted(self.folder.rglob("*"))
        self.draw({**SMALL, "prompt": "a", "seed": 1}, query="?store=false")
        self.assertEqual(sorted(self.folder.rglob("*")), before)
        _, headers, body = self.draw({**SMALL, "prompt": "a", "seed": 1})
        kept = pathlib.Path(headers["selvedge-stored"])
        self.assertEqual(kept.stem, headers["cf-ai-req-id"])
        self.assertEqual(kept.read_bytes(), body)
        self.assertEqual([file for file in self.folder.rglob(".*")], [])


class Missing(unittest.TestCase):
    def test_without_weights_the_answers_name_the_command_that_fetches_them(self):
        with TemporaryHome() as home, ServerProcess(home.path, "bot", runner="selvedge-runner") as server:
            status, _, body = request("GET", server.bot_url + "/imagine?prompt=cat")
            self.assertEqual(status, 503)
            error = json.loads(body)["error"]
            self.assertEqual(error["code"], "model_not_installed")
            self.assertIn(f"selvedge pull {XL}", error["message"])
            done = cli(home.path, "imagine", "cat", "--url", server.url, check=False)
            self.assertEqual(done.returncode, 1)
            self.assertIn(f"selvedge pull {XL}", done.stderr)

    def test_weights_without_a_text_encoder_are_refused_and_the_runner_does_not_crash(self):
        with TemporaryHome() as home:
            import_miniature(home.path, parts=PICTURE_PARTS[1:], ids=(XL,))
            with ServerProcess(home.path, runner="selvedge-runner") as server:
                status, _, body = request("POST", server.url + RUN + XL, {**SMALL, "prompt": "a"})
                self.assertGreaterEqual(status, 500)
                self.assertIn("holds no text encoder", body.decode())


class Bucket(unittest.TestCase):
    """With the scripted runner: what counts is what arrives at the bucket."""

    def test_pictures_land_in_the_bucket_with_a_signature_that_holds(self):
        with S3Fake() as bucket, TemporaryHome() as home, Environment(bucket.environment()):
            cli(home.path, "import", MODELS / "tiny-flux-random.safetensors", "--as", XL)
            with ServerProcess(home.path, options=["--store", "s3://art/drawn"]) as server:
                run = server.url + RUN + XL
                _, headers, body = request("POST", run + "?store=a%20cat/1.png", {"prompt": "a"})
                self.assertEqual(headers["selvedge-stored"], "s3://art/drawn/a cat/1.png", headers)
                self.assertEqual(bucket.objects["/art/drawn/a cat/1.png"], ("image/png", body))
                bucket.fail_next = 1  # Once is tried again.
                _, headers, _ = request("POST", run, {"prompt": "b"})
                self.assertTrue(headers["selvedge-stored"].startswith("s3://art/drawn/20"))
                bucket.fail_next = 9
                status, headers, body = request("POST", run, {"prompt": "c"})
                self.assertEqual(status, 200)  # The picture is there all the same.
                self.assertEqual(body[:4], b"\x89PNG")
                self.assertIsNone(headers["selvedge-stored"])
                self.assertIn("503", headers["selvedge-store-error"])
            self.assertEqual(bucket.refused, [])

    def test_a_wrong_secret_is_told(self):
        with S3Fake() as bucket, TemporaryHome() as home:
            cli(home.path, "import", MODELS / "tiny-flux-random.safetensors", "--as", XL)
            with Environment(bucket.environment(AWS_SECRET_ACCESS_KEY="another")):
                with ServerProcess(home.path, options=["--store", "s3://art"]) as server:
                    _, headers, _ = request("POST", server.url + RUN + XL, {"prompt": "a"})
                    self.assertIn("403, SignatureDoesNotMatch", headers["selvedge-store-error"])
            self.assertEqual(bucket.refused, ["another signature"])
            self.assertEqual(bucket.objects, {})

    def test_a_bucket_without_credentials_stops_the_server_at_its_start(self):
        with TemporaryHome() as home, Environment({"AWS_ACCESS_KEY_ID": "", "AWS_SECRET_ACCESS_KEY": ""}):
            done = subprocess.run([BIN / "selvedge", "serve", "--home", home.path, "--port", "0", "--store", "s3://art"],
                                  capture_output=True, text=True, timeout=60)
            self.assertEqual(done.returncode, 1)
            self.assertIn("AWS_ACCESS_KEY_ID", done.stderr)


if __name__ == "__main__":
    unittest.main(verbosity=2)
