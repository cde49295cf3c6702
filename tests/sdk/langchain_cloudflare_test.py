#!/usr/bin/env python3
# langchain-cloudflare, unchanged, against this server: chat, embeddings, vector store.
import asyncio
import math
import os

import pydantic
import requests
from langchain_cloudflare import ChatCloudflareWorkersAI, CloudflareVectorize, CloudflareWorkersAIEmbeddings
from langchain_core.documents import Document

from claims import claim, finish, refused, same

BASE = os.environ["CLOUDFLARE_BASE_URL"]
ACCOUNT = "langchain"
TEXT_MODEL = "@cf/meta/llama-3-8b-instruct"
CHAT_MODEL = "@cf/zai-org/glm-4.7-flash"
EMBEDDING_MODEL = "@cf/baai/bge-base-en-v1.5"
embeddings = CloudflareWorkersAIEmbeddings(account_id=ACCOUNT, api_token="any", model_name=EMBEDDING_MODEL,
                                           api_base_url=f"{BASE}/accounts")
store = CloudflareVectorize(embedding=embeddings, account_id=ACCOUNT, api_token="any", base_url=BASE,
                            index_name="docs", default_wait_seconds=0.1)


def chat(model=TEXT_MODEL, **options):
    return ChatCloudflareWorkersAI(account_id=ACCOUNT, api_token="any", base_url=BASE, model=model, **options)


@claim("a chat model answers with text and usage")
def _():
    answer = chat().invoke([("system", "Be short."), ("human", "[[say hello there]]")])
    same(answer.content, "hello there")
    assert answer.usage_metadata["output_tokens"] > 0, answer.usage_metadata


@claim("a chat model streams")
def _():
    pieces = [piece.content for piece in chat().stream("[[say one two three]] [[delay 30]]")]
    same("".join(pieces), "one two three")
    assert len([piece for piece in pieces if piece]) > 1, pieces


@claim("a chat model streams from an event loop")
def _():
    async def read():
        return "".join([piece.content async for piece in chat().astream("[[say one two]]")])
    same(asyncio.run(read()), "one two")


@claim("a model of the OpenAI generation answers and streams")
def _():
    same(chat(CHAT_MODEL).invoke("[[say new]]").content, "new")
    same("".join(piece.content for piece in chat(CHAT_MODEL).stream("[[say a b]]")), "a b")


@claim("the OpenAI endpoints answer, too")
def _():
    same(chat(endpoint_format="openai_compatible").invoke("[[say open]]").content, "open")


@claim("several prompts at once")
def _():
    answers = chat().batch([f"[[say n{number}]]" for number in range(8)])
    same([answer.content for answer in answers], [f"n{number}" for number in range(8)])


@claim("an unknown model is an error with its number")
def _():
    error = refused(Exception, lambda: chat("@cf/no/such", max_retries=0).invoke("x"))
    assert "400" in str(error) or "5007" in str(error), error


@claim("embeddings of documents and of a query")
def _():
    rows = embeddings.embed_documents([f"text {number}" for number in range(60)])
    same((len(rows), len(rows[0])), (60, 768))
    same(len(embeddings.embed_query("text")), 768)
    assert math.isclose(sum(value * value for value in rows[0]), 1, rel_tol=1e-5)
    same(len(asyncio.run(embeddings.aembed_documents(["one", "two"]))), 2)


@claim("a store makes its index, and refuses to make it again")
def _():
    same(store.create_index(dimensions=768, metric="cosine", description="about")["name"], "docs")
    refused(ValueError, lambda: store.create_index(dimensions=768, metric="cosine"))
    same([index["name"] for index in store.list_indexes()], ["docs"])


@claim("metadata indexes are made before the vectors")
def _():
    store.create_metadata_index("topic", "string", wait=True)
    store.create_metadata_index("year", "number", wait=True)
    same(sorted(index["propertyName"] for index in store.list_metadata_indexes()), ["topic", "year"])


@claim("texts are added, and waiting for them ends")
def _():
    added = store.add_texts(["a woven edge", "a loom", "一台织布机"], ids=["edge", "loom", "zh"], wait=True,
                            metadatas=[{"topic": "edge", "year": 1900}, {"topic": "loom", "year": 1801}, {"topic": "loom", "year": 2020}],
                            namespaces=["en", "en", "zh"])
    same(added, ["edge", "loom", "zh"])
    same(store.get_index_info()["vectorCount"], 3)


@claim("documents are added under ids of their own")
def _():
    ids = store.add_documents([Document(page_content="a shuttle", metadata={"topic": "shuttle", "year": 1733})], wait=True)
    same(len(ids), 1)


@claim("the nearest text comes first, with its score and metadata")
def _():
    found = store.similarity_search_with_score("a woven edge", k=2)
    document, score = found[0]
    same((document.id, document.metadata["topic"]), ("edge", "edge"))
    assert math.isclose(score, 1, abs_tol=1e-4) and found[1][1] <= score, found


@claim("filters and namespaces hold")
def _():
    looms = store.similarity_search("a woven edge", k=5, md_filter={"topic": "loom"})
    same(sorted(document.id for document in looms), ["loom", "zh"])
    late = store.similarity_search("a woven edge", k=5, md_filter={"topic": {"$in": ["loom", "edge"]}, "year": {"$gte": 1900}})
    same(sorted(document.id for document in late), ["edge", "zh"])
    same([document.id for document in store.similarity_search("a woven edge", namespace="zh")], ["zh"])


@claim("a retriever finds documents")
def _():
    found = store.as_retriever(search_kwargs={"md_filter": {"topic": "loom"}}).invoke("a loom")
    same([document.id for document in found], ["loom", "zh"])


@claim("vectors are fetched by id, deleted, and gone")
def _():
    same([document.id for document in store.get_by_ids(["loom", "edge"])], ["loom", "edge"])
    same(store.delete(["loom"], wait=True), True)
    same([document.id for document in store.get_by_ids(["loom"])], [])


@claim("a filter that is none, and an unknown index, are HTTP errors")
def _():
    same(refused(requests.HTTPError, lambda: store.similarity_search("x", md_filter={"topic": {"$or": 1}})).response.status_code, 400)
    same(refused(requests.HTTPError, lambda: store.similarity_search("x", index_name="none")).response.status_code, 404)


@claim("metadata indexes and the index are deleted")
def _():
    store.delete_metadata_index("year")
    same([index["propertyName"] for index in store.list_metadata_indexes()], ["topic"])
    store.delete_index()
    same(store.list_indexes(), [])


class Answer(pydantic.BaseModel):
    """What was asked for."""
    name: str
    count: int


def get_weather(city: str) -> str:
    """The weather of a city."""
    return city


for one in (TEXT_MODEL, CHAT_MODEL):
    @claim(f"{one}: bind_tools calls a tool")
    def _():
        answer = chat(one).bind_tools([get_weather]).invoke('[[call get_weather {"city": "Rome"}]]')
        same([(call["name"], call["args"]) for call in answer.tool_calls], [("get_weather", {"city": "Rome"})])

    @claim(f"{one}: with_structured_output gives the class")
    def _():
        asked = '[[call Answer {"name": "Tom", "count": 2}]]'
        same(chat(one).with_structured_output(Answer).invoke(asked), Answer(name="Tom", count=2))
        said = '[[say {"name": "Tom", "count": 2}]]'
        same(chat(one).with_structured_output(Answer, method="json_schema").invoke(said), Answer(name="Tom", count=2))


finish("langchain-cloudflare", "Python: chat, streams, tools, structured output, embeddings, vector store with filters and namespaces, errors")
