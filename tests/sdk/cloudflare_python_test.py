#!/usr/bin/env python3
# The official cloudflare library for Python, unchanged, against this server.
import cloudflare

from claims import claim, finish, same

ACCOUNT = "sdk-python"
TEXT_MODEL = "@cf/meta/llama-3-8b-instruct"
EMBEDDING_MODEL = "@cf/baai/bge-base-en-v1.5"
client = cloudflare.Cloudflare()


@claim("ai.run answers a prompt with text and usage")
def _():
    answer = client.ai.run(TEXT_MODEL, account_id=ACCOUNT, prompt="[[say hello]]")
    assert isinstance(answer["response"], str) and answer["response"], answer
    assert answer["usage"]["completion_tokens"] > 0, answer


finish()
