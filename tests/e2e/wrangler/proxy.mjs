// Proxy: a Node program that has the bindings of the project in its folder, and prints what they answer.
import { getPlatformProxy } from "wrangler";

const { env, dispose } = await getPlatformProxy();
const answer = {};
try {
  answer.run = (await env.AI.run("@cf/meta/llama-3-8b-instruct", { prompt: "[[say by proxy]]" })).response;
  const stream = await env.AI.run("@cf/meta/llama-3-8b-instruct", { prompt: "[[say s]]", stream: true });
  answer.stream = (await new Response(stream).text()).includes("[DONE]");
  answer.dimensions = (await env.DOCS.describe()).dimensions;
  await env.DOCS.upsert([{ id: "p", values: new Float32Array([0.5, 0, 0]) }]);
  answer.values = (await env.DOCS.getByIds(["p"]))[0].values;
  answer.error = await env.AI.run("@cf/none/such", { prompt: "a" }).catch((error) => error.message);
} finally {
  await dispose();
}
console.log(JSON.stringify(answer));
