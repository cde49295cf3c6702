#!/usr/bin/env python3
# Tools and JSON end to end, with real weights: whatever a small model makes of it, the form holds.
import json
import pathlib
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))
from server_process import CACHE, ServerProcess, TemporaryHome, cli, request  # noqa: E402

MODEL = "@cf/meta/llama-3-8b-instruct"
RUN = f"/client/v4/accounts/local/ai/run/{MODEL}"
SCHEMA = {"type": "object", "required": ["name", "kind", "legs"], "additionalProperties": False, "properties": {
    "name": {"type": "string", "maxLength": 20}, "kind": {"enum": ["cat", "dog", "bird"]},
    "legs": {"type": "integer", "minimum": 0, "maximum": 8}}}
WEATHER = {"type": "function", "function": {"name": "get_weather", "description": "The weather of a city.", "parameters": {
    "type": "object", "required": ["city"], "additionalProperties": False,
    "properties": {"city": {"type": "string", "maxLength": 20}}}}}


class Chat(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.home = TemporaryHome().__enter__()
        cli(cls.home.path, "import", CACHE / "models" / "SmolLM2-135M-Instruct.Q4_1.gguf")
        cls.server = ServerProcess(cls.home.path, "serve", runner="selvedge-runner")

    @classmethod
    def tearDownClass(cls):
        cls.server.stop()
        cls.home.__exit__()

    def post(self, path, body, status=200):
        got, _, answer = request("POST", self.server.url + path, body)
        self.assertEqual(got, status, answer)
        return json.loads(answer)

    def chat(self, text, **more):
        return self.post("/v1/chat/completions", {"model": MODEL, "messages": [{"role": "user", "content": text}], **more})

    def check(self, value):
        self.assertEqual(list(value), ["name", "kind", "legs"])
        self.assertIn(value["kind"], SCHEMA["properties"]["kind"]["enum"])
        self.assertTrue(0 <= value["legs"] <= 8, value)

    def test_an_answer_of_a_schema_always_fits_it(self):
        for seed, text in enumerate(["Describe Tom, a cat.", "Write a poem.", "Say nothing.", "</s><|im_end|>", "用中文回答"]):
            body = {"prompt": text, "max_tokens": 200, "seed": seed + 1, "temperature": 1,
                    "response_format": {"type": "json_schema", "json_schema": SCHEMA}}
            self.check(self.post(RUN, body)["result"]["response"])

    def test_a_stream_of_a_schema_does_too(self):
        body = {"model": MODEL, "messages": [{"role": "user", "content": "Describe Tom, a cat."}], "stream": True,
                "max_tokens": 200, "response_format": {"type": "json_schema", "json_schema": {"name": "n", "schema": SCHEMA}}}
        _, _, answer = request("POST", self.server.url + "/v1/chat/completions", body)
        chunks = [json.loads(line[6:]) for line in answer.decode().splitlines() if line.startswith("data: {")]
        self.check(json.loads("".join(chunk["choices"][0]["delta"].get("content") or "" for chunk in chunks)))

    def test_what_has_no_room_to_end_is_an_error(self):
        body = {"prompt": "Describe Tom, a cat.", "max_tokens": 3,
                "response_format": {"type": "json_schema", "json_schema": SCHEMA}}
        answer = self.post(RUN, body, 400)
        self.assertEqual(answer["errors"][0]["code"], 5024)

    def test_a_required_tool_is_called_in_its_form(self):
        choice = self.chat("How is the weather in Rome?", tools=[WEATHER], tool_choice="required", max_tokens=200,
                           parallel_tool_calls=False)["choices"][0]
        self.assertEqual(choice["finish_reason"], "tool_calls")
        call = choice["message"]["tool_calls"][0]
        self.assertEqual(call["function"]["name"], "get_weather")
        self.assertEqual(list(json.loads(call["function"]["arguments"])), ["city"])

    def test_a_schema_that_no_grammar_can_hold_is_refused(self):
        for schema in ({"type": "string", "pattern": "^(a?)*$"}, {"type": "string", "pattern": "a(?=b)"}, {"$ref": "http://x/y"}):
            body = {"prompt": "x", "response_format": {"type": "json_schema", "json_schema": schema}}
            answer = self.post(RUN, body, 400)
            self.assertEqual(answer["errors"][0]["code"], 5006)
            self.assertIn("json_schema", answer["errors"][0]["message"])

    def test_patterns_are_those_of_strings(self):
        for pattern in (r"^\d{3}-\d{4}$", r"^[\w.]{1,9}@\w{1,9}\.(com|org)$", r'^".{1,20}" \\ [^a-z]{1,4}$', r"^(\w{1,4} ){2}[\u4e00-\u9fff]$"):
            schema = {"type": "object", "properties": {"it": {"type": "string", "pattern": pattern}}, "required": ["it"]}
            for seed in (1, 2, 3):
                body = {"prompt": "Say something.", "max_tokens": 200, "temperature": 2, "seed": seed,
                        "response_format": {"type": "json_schema", "json_schema": schema}}
                self.assertRegex(self.post(RUN, body)["result"]["response"]["it"], pattern)

    def test_control_tokens_of_a_caller_stay_text(self):
        plain = self.chat("Say yes. im_end", max_tokens=1)["usage"]["prompt_tokens"]
        marked = self.chat("Say yes. <|im_end|>", max_tokens=1)["usage"]["prompt_tokens"]
        self.assertGreater(marked, plain, "the mark was one token")

    def test_the_same_beginning_is_not_computed_again(self):
        text = "Tell me about the weather. " * 30
        self.chat(text, max_tokens=1, temperature=0.5)
        self.assertGreater(self.chat(text, max_tokens=1, temperature=0.5)["usage"]["prompt_tokens_details"]["cached_tokens"], 100)

    def test_the_other_doors_answer_from_the_same_model(self):
        answer = self.post("/v1/responses", {"model": MODEL, "input": "Say hello.", "max_output_tokens": 8})
        self.assertTrue(answer["output"][0]["content"][0]["text"])
        answer = self.post("/v1/messages", {"model": MODEL, "max_tokens": 8, "messages": [{"role": "user", "content": "Say hello."}]})
        self.assertTrue(answer["content"][0]["text"])


if __name__ == "__main__":
    unittest.main(verbosity=2)
