// Tests inside workerd: both bindings answer, offline.
import { env, exports } from "cloudflare:workers";
import { expect, it } from "vitest";

const EMBEDDING_MODEL = "@cf/baai/bge-base-en-v1.5";

it("embeds texts with the AI binding", async () => {
  const { shape, data } = await env.AI.run(EMBEDDING_MODEL, { text: ["hello", "你好"] });
  expect(shape).toEqual([2, 768]);
  expect(data[1]).toHaveLength(768);
});

it("streams words from the AI binding", async () => {
  const stream = await env.AI.run("@cf/meta/llama-3-8b-instruct", { prompt: "Say hello.", max_tokens: 8, stream: true });
  const text = await new Response(stream).text();
  expect(text).toContain('data: {"response":');
  expect(text.trimEnd().endsWith("data: [DONE]")).toBe(true);
});

it("keeps and finds vectors with the Vectorize binding", async () => {
  const axis = (at: number) => Array.from({ length: 768 }, (_, index) => (index === at ? 1 : 0));
  await env.VECTORIZE.upsert([
    { id: "first", values: axis(0), namespace: "axes", metadata: { name: "x" } },
    { id: "second", values: axis(1), namespace: "axes", metadata: { name: "y" } },
  ]);
  const { matches } = await env.VECTORIZE.query(axis(1), { topK: 1, namespace: "axes", returnMetadata: "all" });
  expect(matches[0].id).toBe("second");
  expect(matches[0].metadata).toEqual({ name: "y" });
  expect(matches[0].score).toBeCloseTo(1);
});

it("finds a note through the Worker", async () => {
  const notes = { kv: "Workers KV is eventually consistent.", r2: "R2 是與 S3 相容的物件儲存。" };
  for (const [id, text] of Object.entries(notes)) {
    const kept = await exports.default.fetch(`http://notes/${id}`, { method: "PUT", body: text });
    expect(await kept.json()).toEqual({ message: "kept" });
  }
  const found = await exports.default.fetch(`http://notes/?q=${encodeURIComponent(notes.r2)}`);
  expect(await found.json()).toMatchObject({ id: "r2", metadata: { text: notes.r2 } });
});

it("tells an unknown model as Cloudflare does", async () => {
  await expect(env.AI.run("@cf/no/such-model", { prompt: "x" })).rejects.toThrow(/5007/);
});
