// A bot that answers from the texts it was given: Workers AI for words and vectors, Vectorize for memory.
import { Ai } from "@cloudflare/ai";
import { Hono } from "hono";

const TEXT_MODEL = "@cf/meta/llama-3-8b-instruct";
const EMBEDDING_MODEL = "@cf/baai/bge-base-en-v1.5";
const IMAGE_MODEL = "@cf/stabilityai/stable-diffusion-xl-base-1.0";
const NEAREST = 3;

type Match = { id: string; score: number; metadata?: { text?: string } };
type Bindings = {
  AI: unknown;
  VECTORIZE: {
    upsert(vectors: { id: string; values: number[]; metadata: { text: string } }[]): Promise<{ mutationId: string }>;
    query(values: number[], options: { topK: number; returnMetadata: "all" }): Promise<{ matches: Match[] }>;
  };
};

const USAGE = `A bot that answers from your texts.

POST /knowledge/add  {"text": "…", "id": "…"}   keeps a text; without an id it gets one
POST /chat           {"question": "…"}          answers as server-sent events
GET  /imagine?prompt=…                          paints a PNG
`;

const app = new Hono<{ Bindings: Bindings }>();

async function embed(ai: Ai, text: string): Promise<number[]> {
  const { data } = (await ai.run(EMBEDDING_MODEL, { text: [text] })) as { data: number[][] };
  return data[0];
}

// The text of a field, or nothing.
function field(body: Record<string, unknown> | null, name: string): string | undefined {
  const value = body?.[name];
  return typeof value === "string" && value.trim() !== "" ? value : undefined;
}

app.onError((error, c) => c.json({ error: error.message }, error instanceof SyntaxError ? 400 : 502));

app.get("/", (c) => c.text(USAGE));

app.post("/knowledge/add", async (c) => {
  const body = await c.req.json();  // Whatever the content type says.
  const text = field(body, "text");
  if (text === undefined) return c.json({ error: 'the body needs a text: {"text": "…"}' }, 400);
  const id = field(body, "id") ?? crypto.randomUUID();
  const values = await embed(new Ai(c.env.AI), text);
  await c.env.VECTORIZE.upsert([{ id, values, metadata: { text } }]);
  return c.json({ message: "Indexed successfully" });
});

app.post("/chat", async (c) => {
  const question = field(await c.req.json(), "question");
  if (question === undefined) return c.json({ error: 'the body needs a question: {"question": "…"}' }, 400);
  const ai = new Ai(c.env.AI);
  const { matches } = await c.env.VECTORIZE.query(await embed(ai, question), { topK: NEAREST, returnMetadata: "all" });
  const context = matches.map((match) => match.metadata?.text ?? "").join("\n---\n");
  const stream = (await ai.run(TEXT_MODEL, {
    messages: [
      { role: "system", content: `Answer the question from this context, in the question's language:\n${context}` },
      { role: "user", content: question },
    ],
    stream: true,
  })) as ReadableStream;
  // Which texts the answer was given, nearest first.
  const sources = matches.map((match) => encodeURIComponent(match.id)).join(",");
  return new Response(stream, { headers: { "content-type": "text/event-stream", "x-sources": sources } });
});

app.get("/imagine", async (c) => {
  const prompt = c.req.query("prompt");
  if (!prompt) return c.json({ error: "what to paint? /imagine?prompt=…" }, 400);
  // Bytes as they come, whatever the package's types say.
  const png = (await new Ai(c.env.AI).run(IMAGE_MODEL, { prompt })) as unknown as ReadableStream;
  return new Response(png, { headers: { "content-type": "image/png" } });
});

export default app;
