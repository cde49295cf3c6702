// Calls: a Worker that answers GET /<call> with what the call gave, or with the error that it threw.
import { ANSWER } from "./answer.js";

const calls = {
  hello: () => ANSWER,
  run: (env) => env.AI.run("@cf/meta/llama-3-8b-instruct", { prompt: "[[say here]]" }),
  stream: (env) => env.AI.run("@cf/meta/llama-3-8b-instruct", { prompt: "[[say here]]", stream: true }),
  slow: (env) => env.AI.run("@cf/meta/llama-3-8b-instruct", { prompt: "[[tokens 1000]] [[delay 50]]", stream: true }),
  raw: async (env) => {
    const inputs = { prompt: "[[say here]]" };
    const response = await env.AI.run("@cf/meta/llama-3-8b-instruct", inputs, { returnRawResponse: true });
    return { status: response.status, body: await response.json() };
  },
  models: (env) => env.AI.models(),
  getUrl: (env) => env.AI.gateway("mine").getUrl("workers-ai"),
  list: (env) => env.AI.autorag("mine").list(),
  describe: (env) => env.DOCS.describe(),
  query: (env) => env.DOCS.query([1, 0, 0]),
  insert: (env) => env.DOCS.insert([{ id: "a", values: [1, 0, 0] }]),
  upsert: (env) => env.DOCS.upsert([{ id: "a", values: [1, 0, 0] }]),
  getByIds: (env) => env.DOCS.getByIds(["a"]),
  deleteByIds: (env) => env.DOCS.deleteByIds(["a"]),
  ours: async (env) => (await env.DOCS.describe()).dimensions,
  theirs: async (env) => (await (await env.OTHER.fetch("http://other/ours")).json()).value,
};

export default {
  async fetch(request, env) {
    const name = new URL(request.url).pathname.slice(1);
    try {
      const value = await calls[name](env);
      return value instanceof ReadableStream ? new Response(value) : Response.json({ value });
    } catch (error) {
      return Response.json({ error: `${error.name}: ${error.message}` });
    }
  },
};
