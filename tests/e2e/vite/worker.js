// Worker: uses both bindings under the Vite plugin's dev server, and tells what did not hold.
import { streamText } from "ai";
import { createWorkersAI } from "workers-ai-provider";

const TEXT = "@cf/meta/llama-3-8b-instruct";
const EMBEDDING = "@cf/baai/bge-base-en-v1.5";

function same(actual, expected) {
  const [a, b] = [JSON.stringify(actual), JSON.stringify(expected)];
  if (a !== b) throw new Error(`${a}, expected ${b}`);
}

async function thrown(promise) {
  return await promise.then(() => { throw new Error("nothing was thrown"); }, (error) => error);
}

async function embedded(AI, text) {
  return (await AI.run(EMBEDDING, { text: [text] })).data[0];
}

const checks = {
  async "AI.run answers"({ AI }) {
    same((await AI.run(TEXT, { prompt: "[[say woven]]" })).response, "woven");
  },
  async "AI.run streams"({ AI }) {
    const stream = await AI.run(TEXT, { prompt: "[[say a b c]]", stream: true });
    const events = (await new Response(stream).text()).trim().split("\n\n");
    same(events.at(-1), "data: [DONE]");
    same(events.slice(0, -1).map((event) => JSON.parse(event.slice(6)).response ?? "").join(""), "a b c");
  },
  async "an error of AI.run"({ AI }) {
    same((await thrown(AI.run("@cf/none/such", { prompt: "a" }))).message, "5007: No such model @cf/none/such or task");
  },
  async "texts are embedded, stored and found"({ AI, VECTORIZE }) {
    await VECTORIZE.upsert([
      { id: "edge", values: await embedded(AI, "a woven edge"), metadata: { text: "a woven edge" } },
      { id: "loom", values: await embedded(AI, "a loom"), metadata: { text: "a loom" } },
    ]);
    const found = await VECTORIZE.query(await embedded(AI, "a loom"), { topK: 1, returnMetadata: "all" });
    same(found.matches.map((match) => [match.id, match.metadata.text]), [["loom", "a loom"]]);
    same((await VECTORIZE.describe()).vectorCount, 2);
  },
  async "vectors are fetched and deleted"({ VECTORIZE }) {
    same((await VECTORIZE.getByIds(["edge"])).map((vector) => vector.id), ["edge"]);
    await VECTORIZE.deleteByIds(["edge"]);
    same(await VECTORIZE.getByIds(["edge"]), []);
  },
  async "an error of a query"({ VECTORIZE }) {
    same((await thrown(VECTORIZE.query([1, 2]))).message,
         "VECTOR_QUERY_ERROR (code = 40006): invalid query vector, expected 768 dimensions, and got 2 dimensions");
  },
  async "workers-ai-provider streams by the binding"({ AI }) {
    const model = createWorkersAI({ binding: AI })(TEXT);
    same(await streamText({ model, prompt: "[[say by the binding]]", maxRetries: 0 }).text, "by the binding");
  },
};

export default {
  async fetch(request, env) {
    const results = [];
    for (const [name, check] of Object.entries(checks)) {
      try {
        await check(env);
        results.push({ name, wrong: null });
      } catch (error) {
        results.push({ name, wrong: `${error.name}: ${error.message}` });
      }
    }
    return Response.json(results);
  },
};
