#!/usr/bin/env python3
# The official cloudflare library for Python, unchanged, against this server.
import json

import cloudflare

from claims import claim, finish, refused, same

ACCOUNT = {"account_id": "sdk-python"}
TEXT_MODEL = "@cf/meta/llama-3-8b-instruct"
EMBEDDING_MODEL = "@cf/baai/bge-base-en-v1.5"
client = cloudflare.Cloudflare(max_retries=0)
indexes = client.vectorize.indexes


def lines(*vectors):
    return "\n".join(json.dumps(vector) for vector in vectors).encode()


@claim("ai.run answers a prompt with text and usage")
def _():
    answer = client.ai.run(TEXT_MODEL, **ACCOUNT, prompt="[[say hello there]]")
    same(answer["response"].strip(), "hello there")
    assert answer["usage"]["completion_tokens"] > 0, answer


@claim("ai.run takes messages")
def _():
    answer = client.ai.run(TEXT_MODEL, **ACCOUNT, max_tokens=8,
                           messages=[{"role": "system", "content": "Be short."},
                                     {"role": "user", "content": "[[say yes]]"}])
    same(answer["response"].strip(), "yes")


@claim("ai.run streams events when the raw answer is asked for")
def _():
    with client.ai.with_streaming_response.run(TEXT_MODEL, **ACCOUNT, prompt="[[say one two three]]",
                                               stream=True) as answer:
        assert answer.headers["content-type"].startswith("text/event-stream"), answer.headers
        events = [line[6:] for line in answer.iter_lines() if line.startswith("data: ")]
    same(events[-1], "[DONE]")
    same("".join(json.loads(event)["response"] for event in events[:-1]).strip(), "one two three")


@claim("ai.run gives embeddings of several texts")
def _():
    answer = client.ai.run(EMBEDDING_MODEL, **ACCOUNT, text=["orange cloud", "llama"])
    same(answer["shape"], [2, 768])
    same([len(row) for row in answer["data"]], [768, 768])


@claim("ai.run of a model that does not exist is a BadRequestError with Cloudflare's number")
def _():
    error = refused(cloudflare.BadRequestError, lambda: client.ai.run("@cf/no/such", **ACCOUNT, prompt="x"))
    same(error.body["errors"][0]["code"], 5007)


@claim("ai.run with an input of the wrong type is a BadRequestError that names the place")
def _():
    error = refused(cloudflare.BadRequestError,
                    lambda: client.ai.run(TEXT_MODEL, **ACCOUNT, prompt="x", temperature=9))
    same(error.body["errors"][0]["code"], 5006)
    assert "'/temperature'" in str(error), error


@claim("ai.models.list finds and pages")
def _():
    page = client.ai.models.list(**ACCOUNT, search="bge-base-en")
    names = [model["name"] for model in page.result]
    assert EMBEDDING_MODEL in names, names
    one = client.ai.models.list(**ACCOUNT, per_page=1, page=2)
    same(len(one.result), 1)


@claim("ai.models.schema.get tells what a model takes")
def _():
    schema = client.ai.models.schema.get(**ACCOUNT, model=EMBEDDING_MODEL)
    assert "text" in schema.model_dump_json() and schema.output, schema


@claim("ai.tasks.list and ai.authors.list list objects")
def _():
    tasks = [task["name"] for task in client.ai.tasks.list(**ACCOUNT)]
    assert "Text Generation" in tasks, tasks
    assert list(client.ai.authors.list(**ACCOUNT))


@claim("vectorize.indexes.create makes an index")
def _():
    made = indexes.create(**ACCOUNT, name="docs", config={"dimensions": 3, "metric": "cosine"}, description="of a test")
    same((made.name, made.config.dimensions, made.config.metric, made.description), ("docs", 3, "cosine", "of a test"))


@claim("vectorize.indexes.create takes a preset")
def _():
    made = indexes.create(**ACCOUNT, name="preset", config={"preset": EMBEDDING_MODEL})
    same(made.config.dimensions, 768)


@claim("vectorize.indexes.create of a name that is taken is a BadRequestError, 3002")
def _():
    error = refused(cloudflare.BadRequestError,
                    lambda: indexes.create(**ACCOUNT, name="docs", config={"dimensions": 3, "metric": "cosine"}))
    same(error.body["errors"][0]["code"], 3002)
    assert "duplicate_name" in error.body["errors"][0]["message"], error


@claim("vectorize.indexes.list lists, get gets")
def _():
    same([index.name for index in indexes.list(**ACCOUNT)], ["docs", "preset"])
    same(indexes.get("docs", **ACCOUNT).config.metric, "cosine")


@claim("vectorize.indexes.metadata_index.create and list")
def _():
    made = indexes.metadata_index.create("docs", **ACCOUNT, property_name="kind", index_type="string")
    assert made.mutation_id, made
    listed = indexes.metadata_index.list("docs", **ACCOUNT)
    same([(one.property_name, one.index_type) for one in listed.metadata_indexes], [("kind", "string")])


@claim("vectorize.indexes.insert and upsert return mutation ids, and info knows the last")
def _():
    first = indexes.insert("docs", **ACCOUNT, body=lines(
        {"id": "a", "values": [1, 0, 0], "metadata": {"kind": "fruit"}},
        {"id": "b", "values": [0, 1, 0], "metadata": {"kind": "tool"}, "namespace": "n"}))
    second = indexes.upsert("docs", **ACCOUNT, body=lines({"id": "c", "values": [0.9, 0.1, 0]}))
    assert first.mutation_id != second.mutation_id
    info = indexes.info("docs", **ACCOUNT)
    same((info.dimensions, info.vector_count, info.processed_up_to_mutation), (3, 3, second.mutation_id))
    assert info.processed_up_to_datetime.year >= 2024, info


@claim("vectorize.indexes.insert leaves out lines that are no vectors, if told so")
def _():
    body = lines({"id": "d", "values": [0, 0, 1]}) + b"\nno vector\n"
    error = refused(cloudflare.BadRequestError, lambda: indexes.insert("docs", **ACCOUNT, body=body))
    same(error.body["errors"][0]["code"], 40023)
    indexes.insert("docs", **ACCOUNT, body=body, unparsable_behavior="discard")
    same(indexes.info("docs", **ACCOUNT).vector_count, 4)


@claim("vectorize.indexes.query finds the nearest with values and metadata")
def _():
    found = indexes.query("docs", **ACCOUNT, vector=[1, 0, 0], top_k=2, return_values=True, return_metadata="all")
    same((found.count, [match.id for match in found.matches]), (2, ["a", "c"]))
    same((found.matches[0].metadata, found.matches[0].values), ({"kind": "fruit"}, [1, 0, 0]))


@claim("vectorize.indexes.query filters by metadata")
def _():
    found = indexes.query("docs", **ACCOUNT, vector=[1, 0, 0], filter={"kind": {"$in": ["tool", "toy"]}})
    same([match.id for match in found.matches], ["b"])


@claim("vectorize.indexes.query of a wrong length is a BadRequestError, 40006")
def _():
    error = refused(cloudflare.BadRequestError, lambda: indexes.query("docs", **ACCOUNT, vector=[1, 0]))
    same(error.body["errors"][0]["code"], 40006)


@claim("vectorize.indexes.get_by_ids gives vectors")
def _():
    found = indexes.get_by_ids("docs", **ACCOUNT, ids=["b", "nobody"])
    same([(vector["id"], vector["namespace"], vector["values"]) for vector in found], [("b", "n", [0, 1, 0])])


@claim("vectorize.indexes.list_vectors pages through all ids")
def _():
    ids, cursor = [], None
    while True:
        page = indexes.list_vectors("docs", **ACCOUNT, count=3, **({"cursor": cursor} if cursor else {}))
        ids += [vector.id for vector in page.vectors]
        cursor = page.next_cursor
        if not page.is_truncated:
            break
    same((sorted(ids), page.total_count, cursor), (["a", "b", "c", "d"], 4, None))


@claim("vectorize.indexes.metadata_index.delete")
def _():
    indexes.metadata_index.delete("docs", **ACCOUNT, property_name="kind")
    same(indexes.metadata_index.list("docs", **ACCOUNT).metadata_indexes, [])


@claim("vectorize.indexes.delete_by_ids deletes")
def _():
    indexes.delete_by_ids("docs", **ACCOUNT, ids=["a", "b"])
    same(indexes.get_by_ids("docs", **ACCOUNT, ids=["a", "c"])[0]["id"], "c")


@claim("vectorize.indexes.delete deletes; using the name then is an error with a number")
def _():
    indexes.delete("docs", **ACCOUNT)
    error = refused(cloudflare.APIStatusError, lambda: indexes.info("docs", **ACCOUNT))
    assert error.status_code in (404, 410) and error.body["errors"][0]["code"] in (3000, 3005), error


@claim("an index that never was is a NotFoundError, 3000")
def _():
    error = refused(cloudflare.NotFoundError, lambda: indexes.get("never", **ACCOUNT))
    same(error.body["errors"][0]["code"], 3000)


@claim("ai.finetunes.create, assets.create and list")
def _():
    made = client.ai.finetunes.create(**ACCOUNT, model="@cf/mistral/mistral-7b-instruct-v0.2-lora", name="python")
    asset = client.ai.finetunes.assets.create(made.id, **ACCOUNT, file_name="adapter_config.json",
                                              file=json.dumps({"peft_type": "LORA", "r": 8}).encode())
    same((asset.finetune_id, asset.file_name), (made.id, "adapter_config.json"))
    listed = client.ai.finetunes.list(**ACCOUNT)
    same([one.name for one in listed], ["python"])


@claim("ai.finetunes.create for a model that takes no adapters is an error with Cloudflare's number")
def _():
    error = refused(cloudflare.APIStatusError,
                    lambda: client.ai.finetunes.create(**ACCOUNT, model=EMBEDDING_MODEL, name="x"))
    same((error.status_code, error.body["errors"][0]["code"]), (405, 5005))


@claim("user.get, user.tokens.verify, accounts.list and memberships.list")
def _():
    same(client.user.get().email, "local@localhost")
    same(client.user.tokens.verify().status, "active")
    same([account.id for account in client.accounts.list()], ["local"])
    same([membership.account.id for membership in client.memberships.list()], ["local"])


finish("cloudflare", "Python: `ai.run`, models, fine-tunes, the user, Vectorize indexes, vectors and metadata indexes, errors")
