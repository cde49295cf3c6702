// Notes that are found by their meaning.
const EMBEDDING_MODEL = "@cf/baai/bge-base-en-v1.5";

interface Env {
  AI: { run(model: string, inputs: object): Promise<{ data: number[][] }> };
  VECTORIZE: {
    upsert(vectors: object[]): Promise<{ mutationId: string }>;
    query(values: number[], options: object): Promise<{ matches: { id: string; score: number; metadata: { text: string } }[] }>;
  };
}

async function embed(env: Env, text: string): Promise<number[]> {
  return (await env.AI.run(EMBEDDING_MODEL, { text: [text] })).data[0];
}

export default {
  // PUT /ID keeps the body as a note; GET /?q=… finds the nearest one.
  async fetch(request: Request, env: Env): Promise<Response> {
    const url = new URL(request.url);
    if (request.method === "PUT") {
      const text = await request.text();
      await env.VECTORIZE.upsert([{ id: url.pathname.slice(1), values: await embed(env, text), metadata: { text } }]);
      return Response.json({ message: "kept" });
    }
    const question = await embed(env, url.searchParams.get("q") ?? "");
    const { matches } = await env.VECTORIZE.query(question, { topK: 1, returnMetadata: "all" });
    return Response.json(matches[0] ?? null);
  },
};
