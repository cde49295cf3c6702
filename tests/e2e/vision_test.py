#!/usr/bin/env python3
# Pictures in chats end to end: the real runner with a miniature model and a miniature projector of random weights
# (tools/models/tiny_models.py). It says nonsense, which hangs on the picture.
import base64
import concurrent.futures
import json
import pathlib
import struct
import sys
import unittest
import zlib

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))
from server_process import CACHE, ServerProcess, TemporaryHome, cli, request  # noqa: E402

MODELS = CACHE / "models"
VISION = "@cf/meta/llama-3.2-11b-vision-instruct"
CAPTION = "@cf/llava-hf/llava-1.5-7b-hf"
BLIND = "@cf/meta/llama-3.3-70b-instruct-fp8-fast"
RUN = "/client/v4/accounts/local/ai/run/"
PICTURE_TOKENS = 16


def png(red, width, side=48):
    """Stripes of a width, in a colour."""
    rows = b"".join(b"\0" + b"".join(bytes((red, 20, 5 * y)) if x // width % 2 else bytes((10, 200, 5 * y))
                                     for x in range(side)) for y in range(side))

    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    return (b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)) +
            chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b""))


CAT = png(250, 6)
DOG = png(90, 16)


def url_of(picture):
    return "data:image/png;base64," + base64.b64encode(picture).decode()


class Vision(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.home = TemporaryHome().__enter__()
        cli(cls.home.path, "import", MODELS / "tiny-llama3-random.gguf", "--as", VISION, "--as", BLIND)
        cli(cls.home.path, "import", MODELS / "tiny-projector-random.gguf", "--part", "projector", "--as", VISION)
        cls.server = ServerProcess(cls.home.path, runner="selvedge-runner")

    @classmethod
    def tearDownClass(cls):
        log = cls.server.log_text()
        cls.server.stop()
        cls.home.__exit__()
        assert base64.b64encode(CAT).decode()[:60] not in log and "PNG" not in log, log

    def run_model(self, inputs, model=VISION):
        status, headers, body = request("POST", self.server.url + RUN + model, inputs)
        return status, headers, json.loads(body)

    def native(self, inputs):
        status, _, body = self.run_model({"max_tokens": 12, "temperature": 0, **inputs})
        self.assertEqual(status, 200, body)
        return body["result"]

    def chat(self, content, **more):
        status, _, body = request("POST", self.server.url + "/v1/chat/completions", {
            "model": VISION, "messages": [{"role": "user", "content": content}], "max_tokens": 12, "temperature": 0,
            **more})
        self.assertEqual(status, 200, body)
        return json.loads(body)

    @staticmethod
    def parts(*values):
        return [{"type": "image_url", "image_url": {"url": url_of(value)}} if isinstance(value, bytes)
                else {"type": "text", "text": value} for value in values]

    def said(self, *values):
        return self.chat(self.parts(*values))["choices"][0]["message"]["content"]

    def test_what_is_said_hangs_on_the_pictures_and_their_order(self):
        cat = self.said("What is ", CAT, "this?")
        self.assertEqual(self.said("What is ", CAT, "this?"), cat)
        self.assertNotEqual(self.said("What is ", DOG, "this?"), cat)
        self.assertNotEqual(self.said("What is this?"), cat)
        self.assertNotEqual(self.said(CAT, DOG, "?"), self.said(DOG, CAT, "?"))
        self.assertNotEqual(self.said(CAT, "?"), self.said(CAT, CAT, "?"))

    def test_every_form_is_the_same_picture(self):
        forms = [list(CAT), base64.b64encode(CAT).decode(), url_of(CAT)]
        answers = {self.native({"prompt": "What is this?", "image": form})["response"] for form in forms}
        answers.add(self.native({"messages": [{"role": "user", "content": self.parts(CAT, "What is this?")}]})["response"])
        self.assertEqual(len(answers), 1, answers)
        self.assertNotIn(self.native({"prompt": "What is this?", "image": list(DOG)})["response"], answers)

    def described(self, picture, **options):
        files = [{"name": "a.png", "mimeType": "image/png", "data": base64.b64encode(picture).decode()}]
        status, headers, body = request("POST", self.server.url + "/to-everything/markdown/transformer",
                                        {"files": files, "options": {"conversionOptions": options}},
                                        {"host": "workers-binding.ai"})
        self.assertEqual(status, 200, body)
        self.assertIn("tiny-llama3-random", headers["selvedge-model"])
        (result,) = json.loads(body)["result"]
        self.assertEqual(result["format"], "markdown", result)
        return result["data"]

    def test_to_markdown_describes_pictures(self):
        self.assertNotEqual(self.described(CAT), "")
        self.assertNotEqual(self.described(CAT, image={"descriptionLanguage": "de"}), "")

    def test_tokens_of_pictures_are_counted_and_priced(self):
        bare = self.native({"prompt": "What is this?"})["usage"]
        seen = self.native({"prompt": "What is this?", "image": url_of(CAT)})["usage"]
        self.assertEqual(seen["prompt_tokens"], bare["prompt_tokens"] + PICTURE_TOKENS)
        self.assertGreater(seen["neurons"], bare["neurons"])

    def test_beginnings_are_kept_with_the_picture_that_they_hold(self):
        def ask(picture, question):
            answer = self.chat(self.parts(picture, question), temperature=1, top_k=1)
            return answer["choices"][0]["message"]["content"], answer["usage"]["prompt_tokens_details"]["cached_tokens"]

        other = png(30, 10)
        ask(other, "Where was it made, and of what, and by whom?")
        text, cached = ask(other, "Where was it made, and of what, and by whom?")
        self.assertGreater(cached, PICTURE_TOKENS)
        self.assertNotEqual(ask(png(31, 10), "Where was it made, and of what, and by whom?")[0], "")
        self.assertLess(ask(png(32, 11), "Where was it made, and of what, and by whom?")[1], PICTURE_TOKENS)
        self.assertEqual(ask(other, "Where was it made, and of what, and by whom?")[0], text)

    def test_streams_side_by_side_see_their_own_pictures(self):
        alone = {picture: self.said("What is ", picture, "this?") for picture in (CAT, DOG)}
        with concurrent.futures.ThreadPoolExecutor(8) as pool:
            asked = [CAT, DOG] * 6
            said = list(pool.map(lambda picture: self.said("What is ", picture, "this?"), asked))
        self.assertEqual(said, [alone[picture] for picture in asked])

    def test_captions_and_labels_come_from_the_model_at_hand_and_say_so(self):
        status, headers, body = self.run_model({"image": list(CAT), "prompt": "What is this?", "max_tokens": 8}, CAPTION)
        self.assertEqual((status, headers["selvedge-model"]), (200, "tiny-llama3-random; stand-in"), body)
        self.assertTrue(body["result"]["description"])
        status, headers, body = self.run_model({"image": list(CAT)}, "@cf/microsoft/resnet-50")
        self.assertEqual((status, headers["selvedge-model"]), (200, "tiny-llama3-random; emulation"), body)
        for label in body["result"]:
            self.assertTrue(0 <= label["score"] <= 1 and label["label"])
        again = self.run_model({"image": list(CAT)}, "@cf/microsoft/resnet-50")[2]["result"]
        self.assertEqual(again, body["result"])

    def test_weights_without_their_projector_say_what_to_bring(self):
        status, _, body = self.run_model({"messages": [{"role": "user", "content": self.parts("a", CAT)}]}, BLIND)
        self.assertEqual(status, 400, body)
        self.assertIn(f"selvedge import MMPROJ.gguf --part projector --as {BLIND}", body["errors"][0]["message"])

    def test_a_damaged_picture_is_refused_and_the_runner_lives(self):
        status, _, body = self.run_model({"prompt": "a", "image": list(CAT[:200])})
        self.assertEqual((status, body["errors"][0]["code"]), (400, 5006), body)
        self.assertIn("picture 1: no sound PNG", body["errors"][0]["message"])
        self.assertTrue(self.said(CAT, "?"))

    def test_other_doors_and_streams(self):
        cat = self.said(CAT, "What is this?")
        status, _, body = request("POST", self.server.url + "/v1/responses", {
            "model": VISION, "max_output_tokens": 12, "temperature": 0,
            "input": [{"role": "user", "content": [{"type": "input_image", "image_url": url_of(CAT)},
                                                   {"type": "input_text", "text": "What is this?"}]}]})
        self.assertEqual(status, 200, body)
        self.assertEqual(json.loads(body)["output"][0]["content"][0]["text"], cat)
        status, _, body = request("POST", self.server.url + "/v1/messages", {
            "model": VISION, "max_tokens": 12, "temperature": 0,
            "messages": [{"role": "user", "content": [
                {"type": "image", "source": {"type": "base64", "media_type": "image/png",
                                             "data": base64.b64encode(CAT).decode()}},
                {"type": "text", "text": "What is this?"}]}]})
        self.assertEqual(status, 200, body)
        self.assertEqual(json.loads(body)["content"][0]["text"], cat)
        status, _, body = request("POST", self.server.url + "/v1/chat/completions", {
            "model": VISION, "max_tokens": 12, "temperature": 0, "stream": True,
            "messages": [{"role": "user", "content": self.parts(CAT, "What is this?")}]})
        pieces = [json.loads(line[6:]) for line in body.decode().splitlines() if line.startswith("data: {")]
        self.assertEqual("".join(piece["choices"][0]["delta"].get("content", "") for piece in pieces if piece["choices"]),
                         cat)


if __name__ == "__main__":
    unittest.main(verbosity=2)
