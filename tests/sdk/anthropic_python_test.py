#!/usr/bin/env python3
# The official anthropic library for Python, unchanged, against this server: /v1/messages, whole and streamed.
import os

import anthropic

from claims import claim, finish, refused, same

TEXT = "@cf/meta/llama-3-8b-instruct"
BASES = {"/v1": os.environ["SELVEDGE_URL"], "/ai/v1": os.environ["CLOUDFLARE_BASE_URL"] + "/accounts/anthropic-python/ai"}
WEATHER = {"name": "get_weather", "description": "Of a city.",
           "input_schema": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}}
CALL = '[[call get_weather {"city": "Rome"}]]'


def create(client, text, **options):
    return client.messages.create(model=TEXT, max_tokens=60, messages=[{"role": "user", "content": text}], **options)


def both_bases(base, client):
    @claim(f"{base}: a message has its text, reason and usage")
    def _():
        answer = create(client, "[[say one two]]", system="Be kind.")
        same([block.text for block in answer.content], ["one two"])
        same((answer.role, answer.stop_reason, answer.model), ("assistant", "end_turn", TEXT))
        same(answer.usage.output_tokens, 2)
        assert answer.usage.input_tokens > 2

    @claim(f"{base}: a stream gives the words, and the same message at its end")
    def _():
        with client.messages.stream(model=TEXT, max_tokens=60,
                                    messages=[{"role": "user", "content": "[[say one two]]"}]) as stream:
            same("".join(stream.text_stream), "one two")
            last = stream.get_final_message()
        same((last.content[0].text, last.stop_reason, last.usage.output_tokens), ("one two", "end_turn", 2))

    @claim(f"{base}: a tool is called, and its result answered")
    def _():
        answer = create(client, CALL, tools=[WEATHER])
        same(answer.stop_reason, "tool_use")
        call = answer.content[0]
        same((call.type, call.name, call.input), ("tool_use", "get_weather", {"city": "Rome"}))
        after = client.messages.create(model=TEXT, max_tokens=60, tools=[WEATHER], messages=[
            {"role": "user", "content": CALL}, {"role": "assistant", "content": answer.content},
            {"role": "user", "content": [{"type": "tool_result", "tool_use_id": call.id, "content": "sunny"}]}])
        same(after.content[0].text, "The tool said: sunny")

    @claim(f"{base}: a streamed call has its input whole")
    def _():
        with client.messages.stream(model=TEXT, max_tokens=60, tools=[WEATHER],
                                    messages=[{"role": "user", "content": "[[say Wait.]] " + CALL}]) as stream:
            last = stream.get_final_message()
        same([block.type for block in last.content], ["text", "tool_use"])
        same(last.content[1].input, {"city": "Rome"})


for name, url in BASES.items():
    both_bases(name, anthropic.Anthropic(base_url=url, api_key="any", max_retries=0))

plain = anthropic.Anthropic(base_url=BASES["/v1"], api_key="any", max_retries=0)


@claim("a stop sequence ends the message and is told")
def _():
    answer = create(plain, "[[say one two three]]", stop_sequences=[" two"])
    same((answer.content[0].text, answer.stop_reason, answer.stop_sequence), ("one", "stop_sequence", " two"))


@claim("any tool must be called")
def _():
    answer = create(plain, "x", tools=[WEATHER], tool_choice={"type": "any"})
    same((answer.stop_reason, answer.content[0].input), ("tool_use", {"city": ""}))


@claim("an unknown model is NotFoundError, a wrong field BadRequestError")
def _():
    error = refused(anthropic.NotFoundError, lambda: plain.messages.create(
        model="claude", max_tokens=5, messages=[{"role": "user", "content": "x"}]))
    same(error.body["error"]["type"], "not_found_error")
    error = refused(anthropic.BadRequestError, lambda: create(plain, "x", extra_body={"temperature": 9}))
    assert "temperature" in str(error), error


finish("anthropic", "Python, under an account and on `/v1`: messages, streams, tools, errors")
