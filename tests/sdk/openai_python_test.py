#!/usr/bin/env python3
# The official openai library for Python, unchanged, against this server: under an account and on plain /v1.
import asyncio
import json
import math
import os

import openai
import pydantic

from claims import claim, finish, same

TEXT = "@cf/meta/llama-3-8b-instruct"
EMBEDDING = "@cf/baai/bge-base-en-v1.5"
PLAIN = os.environ["SELVEDGE_URL"] + "/v1"
HOSTED = os.environ["CLOUDFLARE_BASE_URL"] + "/accounts/openai-python/ai/v1"
plain = openai.OpenAI(base_url=PLAIN, max_retries=0)
hosted = openai.OpenAI(base_url=HOSTED, max_retries=0)
BASES = {"/v1": plain, "/ai/v1": hosted}


def chat(client, text, **options):
    return client.chat.completions.create(model=TEXT, messages=[{"role": "user", "content": text}], **options)


def raised(error, body):
    try:
        body()
    except error as caught:
        return caught
    raise AssertionError(f"no {error.__name__}")


def both_bases(base, client):
    @claim(f"{base}: a chat completion has its text, reason and usage")
    def _():
        answer = chat(client, "[[say one two]]")
        same(answer.choices[0].message.content, "one two")
        same(answer.choices[0].message.role, "assistant")
        same(answer.choices[0].finish_reason, "stop")
        same(answer.usage.completion_tokens, 2)
        same(answer.usage.total_tokens, answer.usage.prompt_tokens + 2)
        same((answer.object, answer.model), ("chat.completion", TEXT))

    @claim(f"{base}: a stream gives the words and then its usage")
    def _():
        chunks = list(chat(client, "[[say one two]]", stream=True, stream_options={"include_usage": True}))
        same(chunks[0].choices[0].delta.role, "assistant")
        same("".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices), "one two")
        same(chunks[-2].choices[0].finish_reason, "stop")
        same((chunks[-1].choices, chunks[-1].usage.completion_tokens), ([], 2))
        same(chunks[0].usage, None)

    @claim(f"{base}: embeddings come as numbers, by way of base64")
    def _():
        answer = client.embeddings.create(model=EMBEDDING, input=["one text", "another"])
        same([row.index for row in answer.data], [0, 1])
        same(len(answer.data[0].embedding), 768)
        assert math.isclose(sum(value * value for value in answer.data[0].embedding), 1, rel_tol=1e-5)
        floats = client.embeddings.create(model=EMBEDDING, input="one text", encoding_format="float")
        same(floats.data[0].embedding[:8], [float(value) for value in floats.data[0].embedding[:8]])
        for left, right in zip(floats.data[0].embedding, answer.data[0].embedding):
            assert abs(left - right) < 1e-6

    @claim(f"{base}: an unknown model is NotFoundError")
    def _():
        error = raised(openai.NotFoundError, lambda: client.chat.completions.create(
            model="gpt-4o", messages=[{"role": "user", "content": "x"}]))
        same((error.code, error.param, error.type), ("model_not_found", "model", "invalid_request_error"))

    @claim(f"{base}: a field out of range is BadRequestError that names it")
    def _():
        error = raised(openai.BadRequestError, lambda: chat(client, "x", temperature=3))
        same((error.param, error.code), ("temperature", "decimal_above_max_value"))


for name, one in BASES.items():
    both_bases(name, one)


@claim("stop, max_tokens and n hold")
def _():
    same(chat(plain, "[[say one two three]]", stop=[" three"]).choices[0].message.content, "one two")
    cut = chat(plain, "[[say one two three]]", max_completion_tokens=1).choices[0]
    same((cut.message.content, cut.finish_reason), ("one", "length"))
    same([choice.index for choice in chat(plain, "tell me", n=3).choices], [0, 1, 2])


@claim("a seed repeats the words, another one changes them")
def _():
    words = chat(plain, "tell me", seed=1).choices[0].message.content
    same(chat(plain, "tell me", seed=1).choices[0].message.content, words)
    assert chat(plain, "tell me", seed=2).choices[0].message.content != words


@claim("logprobs are tokens with bytes and rivals")
def _():
    tokens = chat(plain, "[[say one two]]", logprobs=True, top_logprobs=3).choices[0].logprobs.content
    same([token.token for token in tokens], ["one", " two"])
    same(bytes(tokens[1].bytes), b" two")
    same(len(tokens[0].top_logprobs), 3)


@claim("choices of one stream are told apart")
def _():
    texts = {}
    for chunk in chat(plain, "[[say one two]] [[delay 2]]", stream=True, n=2):
        for choice in chunk.choices:
            texts[choice.index] = texts.get(choice.index, "") + (choice.delta.content or "")
    same(texts, {0: "one two", 1: "one two"})


@claim("completions answer texts, lists of them and streams")
def _():
    same(plain.completions.create(model=TEXT, prompt="[[say one]]").choices[0].text, "one")
    several = plain.completions.create(model=TEXT, prompt=["[[say one]]", "[[say two]]"], logprobs=1)
    same([choice.text for choice in several.choices], ["one", "two"])
    same(several.choices[1].logprobs.tokens, ["two"])
    stream = plain.completions.create(model=TEXT, prompt="[[say one two]]", stream=True)
    same("".join(chunk.choices[0].text for chunk in stream), "one two")


@claim("models are listed and found by their id")
def _():
    ids = [model.id for model in plain.models.list()]
    assert TEXT in ids and EMBEDDING in ids, ids
    same(plain.models.retrieve(TEXT).owned_by, "meta")
    raised(openai.NotFoundError, lambda: plain.models.retrieve("gpt-4o"))


@claim("a full queue is RateLimitError, a long prompt BadRequestError, a failure InternalServerError")
def _():
    same(raised(openai.RateLimitError, lambda: chat(plain, "[[fail queue_full]]")).code, "rate_limit_exceeded")
    same(raised(openai.BadRequestError, lambda: chat(plain, "x", max_tokens=9999)).code, "context_length_exceeded")
    raised(openai.InternalServerError, lambda: chat(plain, "[[fail internal]]"))


@claim("the library asks again after 429 and stops when it may not")
def _():
    raised(openai.RateLimitError, lambda: chat(plain.with_options(max_retries=1), "[[fail queue_full]]"))


@claim("the asynchronous client streams too")
def _():
    async def read():
        async with openai.AsyncOpenAI(base_url=PLAIN, max_retries=0) as client:
            text = ""
            async for chunk in await chat(client, "[[say one two]]", stream=True):
                text += chunk.choices[0].delta.content or ""
            return text
    same(asyncio.run(read()), "one two")


@claim("a failure in the middle of a stream is raised")
def _():
    stream = chat(plain, "[[say one two three]] [[delay 5]] [[crash-after 2]]", stream=True)
    raised(openai.APIError, lambda: list(stream))


WEATHER = {"type": "function", "function": {"name": "get_weather", "description": "Of a city.", "parameters": {
    "type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"], "additionalProperties": False}}}
CALL = '[[call get_weather {"city": "Rome"}]]'


def tools_of(base, client):
    @claim(f"{base}: a tool is called, and its result answered")
    def _():
        message = chat(client, CALL, tools=[WEATHER]).choices[0].message
        call = message.tool_calls[0]
        same((message.content, call.function.name), (None, "get_weather"))
        same(json.loads(call.function.arguments), {"city": "Rome"})
        answer = client.chat.completions.create(model=TEXT, tools=[WEATHER], messages=[
            {"role": "user", "content": CALL}, message.to_dict(),
            {"role": "tool", "tool_call_id": call.id, "content": "sunny"}])
        same(answer.choices[0].message.content, "The tool said: sunny")

    @claim(f"{base}: the deltas of a streamed call add up")
    def _():
        name, arguments, reasons = "", "", []
        for chunk in chat(client, CALL, tools=[WEATHER], stream=True):
            for delta in chunk.choices[0].delta.tool_calls or []:
                name += delta.function.name or ""
                arguments += delta.function.arguments or ""
            reasons.append(chunk.choices[0].finish_reason)
        same((name, json.loads(arguments), reasons[-1]), ("get_weather", {"city": "Rome"}, "tool_calls"))

    @claim(f"{base}: a schema gives JSON of it, which parse() reads into a class")
    def _():
        class Answer(pydantic.BaseModel):
            name: str
            count: int

        parsed = client.chat.completions.parse(model=TEXT, messages=[{"role": "user", "content": "x"}],
                                               response_format=Answer)
        same(parsed.choices[0].message.parsed, Answer(name="", count=0))

    @claim(f"{base}: responses: text, tools, a schema and a stream")
    def _():
        same(client.responses.create(model=TEXT, input="[[say one two]]").output_text, "one two")
        called = client.responses.create(model=TEXT, input=CALL, tools=[{"type": "function", **WEATHER["function"]}])
        same((called.output[0].type, json.loads(called.output[0].arguments)), ("function_call", {"city": "Rome"}))
        after = client.responses.create(model=TEXT, input=[{"role": "user", "content": CALL}, *called.output, {
            "type": "function_call_output", "call_id": called.output[0].call_id, "output": "sunny"}])
        same(after.status, "completed")
        with client.responses.stream(model=TEXT, input="[[say one two]]") as stream:
            words = "".join(event.delta for event in stream if event.type == "response.output_text.delta")
            same((words, stream.get_final_response().output_text), ("one two", "one two"))


for name, one in BASES.items():
    tools_of(name, one)


finish("openai", "Python, under an account and on `/v1`: chat, completions, streams, tools, schemas, responses, embeddings, models, errors")
