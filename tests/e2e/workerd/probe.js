// Probe: a Worker that uses env.AI and env.VECTORIZE as people do, and tells what did not hold.
import { Ai as TensorAi } from "./cloudflare-ai-1.0.js";
import { Ai as OldAi } from "./cloudflare-ai-1.1.js";
import { Ai as WrappedAi } from "./cloudflare-ai-1.2.js";

const TEXT = "@cf/meta/llama-3-8b-instruct";
const EMBEDDING = "@cf/baai/bge-base-en-v1.5";
const WHISPER = "@cf/openai/whisper";
const XL = "@cf/stabilityai/stable-diffusion-xl-base-1.0";
const FLUX = "@cf/black-forest-labs/flux-1-schnell";

function same(actual, expected) {
  const [a, b] = [JSON.stringify(actual), JSON.stringify(expected)];
  if (a !== b) throw new Error(`${a}, expected ${b}`);
}

function holds(condition, what) {
  if (!condition) throw new Error(what);
}

async function thrown(promise) {
  try {
    await promise;
  } catch (error) {
    return error;
  }
  throw new Error("nothing was thrown");
}

async function text(stream) {
  return await new Response(stream).text();
}

// The words of an event stream, and whether it ended whole.
function words(events) {
  const data = events.split("\n\n").filter((event) => event.startsWith("data: ")).map((event) => event.slice(6));
  const whole = data.at(-1) === "[DONE]";
  const pieces = data.filter((event) => event !== "[DONE]").map((event) => JSON.parse(event).response ?? "");
  return [pieces.join(""), whole];
}

async function bytes(stream) {
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

// Width and height of a PNG.
function pngSize(file) {
  same([...file.slice(0, 4)], [0x89, 0x50, 0x4e, 0x47]);
  const head = new DataView(file.buffer, file.byteOffset);
  return [head.getUint32(16), head.getUint32(20)];
}

function holdsJpeg(base64) {
  holds(atob(base64).startsWith("\xff\xd8\xff"), `no JPEG: ${base64.slice(0, 20)}`);
}

// As the docs make a form for FLUX.2.
async function drawByForm(AI, fields) {
  const form = new FormData();
  for (const [name, value] of Object.entries(fields)) form.append(name, value);
  const response = new Response(form);
  const multipart = { body: response.body, contentType: response.headers.get("content-type") };
  return await AI.run("@cf/black-forest-labs/flux-2-klein-4b", { multipart });
}

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

const checks = {
  async "AI.run gives the bare result"({ AI }) {
    const answer = await AI.run(TEXT, { prompt: "[[say Hello there]]" });
    same(answer.response, "Hello there");
    holds(answer.usage.total_tokens > 0, "no usage");
    holds(answer.success === undefined, "there is an envelope");
  },
  async "lastRequestId is that of the call"({ AI }) {
    await AI.run(TEXT, { prompt: "[[say a]]" });
    const first = AI.lastRequestId;
    holds(UUID.test(first), `${first} is no UUID`);
    await AI.run(TEXT, { prompt: "[[say a]]" });
    holds(AI.lastRequestId !== first, "it did not change");
    if ("lastRequestHttpStatusCode" in AI) same(AI.lastRequestHttpStatusCode, 200);
  },
  async "messages arrive as written"({ AI }) {
    const answer = await AI.run(TEXT, { messages: [{ role: "system", content: "ś" }, { role: "user", content: "[[echo]]中文" }] });
    holds(answer.response.includes("system: ś") && answer.response.includes("中文"), answer.response);
  },
  async "embeddings"({ AI }) {
    const answer = await AI.run(EMBEDDING, { text: ["a", "b"] });
    same(answer.shape, [2, 768]);
    same(answer.data.map((row) => row.length), [768, 768]);
  },
  async "a stream is a ReadableStream of events"({ AI }) {
    const stream = await AI.run(TEXT, { prompt: "[[say one two 3]]", stream: true });
    holds(stream instanceof ReadableStream, "no stream");
    same(words(await text(stream)), ["one two 3", true]);
  },
  async "events arrive while the rest is made"({ AI }) {
    const stream = await AI.run(TEXT, { prompt: "[[say a b c d e f]] [[delay 60]]", stream: true });
    const reader = stream.getReader();
    await reader.read();
    const first = Date.now();
    while (!(await reader.read()).done);
    holds(Date.now() - first > 120, `all came within ${Date.now() - first} ms`);
  },
  async "a stream that is cancelled frees the model"({ AI }) {
    for (let at = 0; at < 12; ++at) {
      const stream = await AI.run(TEXT, { prompt: "[[tokens 100000]] [[delay 20]]", stream: true });
      const reader = stream.getReader();
      await reader.read();
      await reader.cancel();
    }
    same((await AI.run(TEXT, { prompt: "[[say free]]" })).response, "free");
  },
  async "returnRawResponse gives the Response"({ AI }) {
    const response = await AI.run(TEXT, { prompt: "[[say raw]]" }, { returnRawResponse: true });
    same([response.status, response.headers.get("content-type")], [200, "application/json"]);
    same((await response.json()).response, "raw");
  },
  async "returnRawResponse gives an error as a Response, too"({ AI }) {
    const response = await AI.run("@cf/none/such", { prompt: "a" }, { returnRawResponse: true });
    same([response.status, (await response.json()).errors[0].code], [400, 5007]);
  },
  async "a call by WebSocket gives the refusal as a Response"({ AI }) {
    const response = await AI.run(TEXT, { prompt: "a" }, { websocket: true });
    same([response.status, response.webSocket ?? null], [501, null]);
  },
  async "an unknown model"({ AI }) {
    const error = await thrown(AI.run("@cf/none/such", { prompt: "a" }));
    same([error.name, error.message], ["InferenceUpstreamError", "5007: No such model @cf/none/such or task"]);
  },
  async "inputs that the schema refuses"({ AI }) {
    const error = await thrown(AI.run(TEXT, { promt: "a" }));
    same(error.name, "InferenceUpstreamError");
    holds(error.message.startsWith("5006: Error: oneOf at '/' not met"), error.message);
  },
  async "an error instead of a stream"({ AI }) {
    const error = await thrown(AI.run(TEXT, { prompt: "[[fail queue_full]]", stream: true }));
    holds(error.message.startsWith("3040: "), error.message);
  },
  async "a fault that the call asks for is thrown as the real one"({ AI }) {
    const extraHeaders = { "selvedge-fault": "3040" };
    const error = await thrown(AI.run(TEXT, { prompt: "a" }, { extraHeaders }));
    same(error.message, "3040: Capacity temporarily exceeded, please try again.");
    same((await AI.run(TEXT, { prompt: "[[say a]]" })).response, "a");
  },
  async "a fault in a stream is its last event"({ AI }) {
    const extraHeaders = { "selvedge-fault": "3040+1" };
    const stream = await AI.run(TEXT, { prompt: "[[tokens 9]] [[delay 20]]", stream: true }, { extraHeaders });
    const events = await text(stream);
    same([words(events)[1], events.includes("Capacity temporarily exceeded")], [false, true]);
  },
  async "a line that is cut makes the stream fail"({ AI }) {
    const extraHeaders = { "selvedge-fault": "cut+1" };
    const stream = await AI.run(TEXT, { prompt: "[[tokens 9]] [[delay 20]]", stream: true }, { extraHeaders });
    await thrown(text(stream));
  },
  async "the code of an error is kept"({ AI }) {
    await thrown(AI.run("@cf/none/such", { prompt: "a" }));
    if ("lastRequestInternalStatusCode" in AI) same(AI.lastRequestInternalStatusCode, 5007);
    if ("lastRequestHttpStatusCode" in AI) same(AI.lastRequestHttpStatusCode, 400);
  },
  async "extraHeaders and prefix do no harm"({ AI }) {
    const answer = await AI.run(TEXT, { prompt: "[[say x]]" }, { prefix: "dev", extraHeaders: { "x-a": "b" }, tags: ["a"] });
    same(answer.response, "x");
  },
  async "through a gateway"({ AI }) {
    const answer = await AI.run(TEXT, { prompt: "[[say gated]]" }, { gateway: { id: "mine", skipCache: true } });
    same(answer.response, "gated");
    holds(UUID.test(AI.aiGatewayLogId), `${AI.aiGatewayLogId} is no log id`);
  },
  async "the log of a call through a gateway"({ AI }) {
    const model = TEXT;
    await AI.run(model, { prompt: "[[say logged]]" }, { gateway: { id: "mine" } });
    const id = AI.aiGatewayLogId;
    const gateway = AI.gateway("mine");
    const log = await gateway.getLog(id);
    same([log.id, log.model, log.status_code, log.success, log.cached], [id, model, 200, true, false]);
    holds(log.created_at instanceof Date && Math.abs(Date.now() - log.created_at) < 60000, `${log.created_at}`);
    holds(log.request_size > 0 && log.response_size > 0 && !JSON.stringify(log).includes("logged"), JSON.stringify(log));
    await gateway.patchLog(id, { feedback: 1, score: 50, metadata: { user: "u" } });
    const patched = await gateway.getLog(id);
    same([patched.feedback, patched.score, patched.metadata], [1, 50, { user: "u" }]);
    same((await thrown(gateway.patchLog(id, { feedback: 3 }))).name, "AiGatewayInternalError");
    same((await thrown(AI.gateway("other").getLog(id))).name, "AiGatewayLogNotFound");
  },
  async "an input that is a stream"({ AI }) {
    const body = new Response(JSON.stringify({ prompt: "[[say streamed]]" })).body;
    const answer = await AI.run(TEXT, { input: { body, contentType: "application/json" }, max_tokens: 9 });
    same(answer.response, "streamed");
  },
  async "speech as a list of bytes"({ AI }) {
    const answer = await AI.run(WHISPER, { audio: [...new TextEncoder().encode("[[say Ask not]]")] });
    same([answer.text, answer.word_count, answer.words.map((word) => word.word)], ["Ask not", 2, ["Ask", "not"]]);
    holds(answer.vtt.startsWith("WEBVTT"), answer.vtt);
  },
  async "speech as a stream beside other inputs"({ AI }) {
    const body = new Blob(["[[echo]]"]).stream();
    const answer = await AI.run(`${WHISPER}-large-v3-turbo`, { audio: { body, contentType: "audio/mpeg" }, language: "de" });
    holds(answer.text.startsWith("transcribe, language 'de'"), answer.text);
    same(answer.transcription_info.language, "de");
  },
  async "speech that is none"({ AI }) {
    const error = await thrown(AI.run(WHISPER, { audio: [...new TextEncoder().encode("no audio")] }));
    holds(error.message.includes("5006: ") && error.message.includes("audio: no format"), error.message);
  },
  async "speech with its progress"({ AI }) {
    const audio = [...new TextEncoder().encode("[[delay 60]] [[say Ask not]]")];
    const stream = await AI.run(WHISPER, { audio }, { progress: true });
    holds(stream instanceof ReadableStream, "no stream");
    const events = await text(stream);
    holds(events.includes("event: progress") && events.endsWith("data: [DONE]\n\n"), events);
  },
  async "a picture is a ReadableStream of a PNG"({ AI }) {
    const stream = await AI.run("@cf/bytedance/stable-diffusion-xl-lightning", { prompt: "a cat", num_steps: 1 });
    holds(stream instanceof ReadableStream, "no stream");
    same(pngSize(await bytes(stream)), [64, 64]);
  },
  async "a picture by FLUX is base64"({ AI }) {
    const answer = await AI.run(FLUX, { prompt: "a cat", steps: 1 });
    same(Object.keys(answer), ["image"]);
    holdsJpeg(answer.image);
  },
  async "a picture by a form"({ AI }) {
    const answer = await drawByForm(AI, { prompt: "a cat", width: "256", height: "256" });
    same(Object.keys(answer), ["image"]);
    holdsJpeg(answer.image);
  },
  async "models"({ AI }) {
    const models = await AI.models({ search: "llama-3-8b-instruct" });
    holds(models.some((model) => model.name === TEXT), JSON.stringify(models).slice(0, 200));
  },
  async "the URL of a gateway's provider works"({ AI, REST }) {
    const url = `${await AI.gateway("mine").getUrl("workers-ai")}/${TEXT}`;
    const init = { method: "POST", body: JSON.stringify({ prompt: "[[say url]]" }) };
    const response = await (REST ? REST.fetch(`http://localhost${new URL(url).pathname}`, init) : fetch(url, init));
    same((await response.json()).result.response, "url");
  },
  async "what hangs on env.AI says what is not served"({ AI }) {
    const log = await thrown(AI.gateway("mine").getLog("x"));
    same(log.name, "AiGatewayLogNotFound");
    const url = await thrown(AI.gateway("mine").getUrl("anthropic"));
    same(url.name, "AiGatewayInternalError");
    holds(url.message.includes("AI Gateway is not served here"), url.message);
    same(await AI.autorag("mine").list(), []);
    const patch = await thrown(AI.gateway("mine").patchLog("x", { score: 1 }));
    same(patch.name, "AiGatewayLogNotFound");
    const universal = { provider: "openai", endpoint: "chat", headers: {}, query: {} };
    same((await AI.gateway("mine").run(universal)).status, 501);
    for (const call of ["search", "aiSearch"]) {
      const rag = await thrown(AI.autorag("mine")[call]({ query: "a" }));
      same(rag.name, "AutoRAGNotFoundError");
    }
  },
  async "files to Markdown"({ AI }) {
    const page = { name: "a.html", blob: new Blob(["<h1>織機</h1><p>a <b>b</b></p>"], { type: "text/html" }) };
    const one = await AI.toMarkdown(page);
    same([one.name, one.mimeType, one.format, one.data], ["a.html", "text/html", "markdown", "# 織機\n\na **b**\n"]);
    holds(one.tokens > 0, `${one.tokens}`);
    const table = { name: "t.csv", blob: new Blob(["a,b\n1,2\n"]) };
    const broken = { name: "b.docx", blob: new Blob(["no archive"], { type: "application/octet-stream" }) };
    const several = await AI.toMarkdown().transform([table, broken]);
    same(several.map((result) => result.format), ["markdown", "error"]);
    same(several[0].data, "| a | b |\n| --- | --- |\n| 1 | 2 |\n");
    const formats = await AI.toMarkdown().supported();
    holds(formats.some((format) => format.extension === ".pdf" && format.mimeType === "application/pdf"), JSON.stringify(formats));
    const none = await thrown(AI.toMarkdown([]));
    holds(none.message.length > 0, none.message);
  },
  async "what is asked over RPC says what is not served"({ AI, LAUNCHER }) {
    if (!LAUNCHER) return;  // Without the relay of selvedge-workerd, workerd itself has an answer of its own.
    const calls = {
      aiSearch: () => AI.aiSearch().list(),
      websearch: () => AI.websearch?.({ gatewayId: "mine", query: "a" }),
      gateway: () => AI.gateway("mine", { beta: true }).getUrl("openai"),
    };
    for (const [name, call] of Object.entries(calls)) {
      if (!(name in AI)) continue;
      const error = await thrown((async () => await call())());
      same(error.message, `env.AI.${name}() is not available: Selvedge does not serve it`);
    }
  },
  async "@cloudflare/ai 1.2.2: text"({ AI }) {
    same((await new WrappedAi(AI).run(TEXT, { prompt: "[[say wrapped]]" })).response, "wrapped");
  },
  async "@cloudflare/ai 1.2.2: a stream"({ AI }) {
    const stream = await new WrappedAi(AI).run(TEXT, { messages: [{ role: "user", content: "[[say w r a p]]" }], stream: true });
    same(words(await text(stream)), ["w r a p", true]);
  },
  async "@cloudflare/ai 1.2.2: embeddings"({ AI }) {
    same((await new WrappedAi(AI).run(EMBEDDING, { text: ["a", "b"] })).shape, [2, 768]);
  },
  async "@cloudflare/ai 1.2.2: an error"({ AI }) {
    const error = await thrown(new WrappedAi(AI).run("@cf/none/such", { prompt: "a" }));
    same([error.name, error.message], ["InferenceUpstreamError", "5007: No such model @cf/none/such or task"]);
  },
  async "@cloudflare/ai 1.1.0: text"({ AI }) {
    same((await new OldAi(AI).run(TEXT, { prompt: "[[say old]]" })).response, "old");
  },
  async "@cloudflare/ai 1.1.0: a stream"({ AI }) {
    same(words(await text(await new OldAi(AI).run(TEXT, { prompt: "[[say o l d]]", stream: true }))), ["o l d", true]);
  },
  async "@cloudflare/ai 1.1.0: embeddings"({ AI }) {
    same((await new OldAi(AI).run(EMBEDDING, { text: "a" })).shape, [1, 768]);
  },
  async "@cloudflare/ai 1.1.0: an error"({ AI }) {
    const error = await thrown(new OldAi(AI).run("@cf/none/such", { prompt: "a" }));
    same([error.name, error.httpCode], ["InferenceUpstreamError", 400]);
    holds(error.message.includes("5007"), error.message);
  },
  async "@cloudflare/ai 1.0.53: tensors are refused with the hosted number"({ AI }) {
    const error = await thrown(new TensorAi(AI).run("@cf/meta/llama-2-7b-chat-int8", { prompt: "a" }));
    same([error.name, error.httpCode], ["InferenceUpstreamError", 405]);
    same(JSON.parse(error.message).errors[0].code, 5019);
  },
  async "@cloudflare/ai 1.0.53: streams, too"({ AI }) {
    const error = await thrown(new TensorAi(AI).run("@cf/meta/llama-2-7b-chat-int8", { prompt: "a", stream: true }));
    same(JSON.parse(error.message).internalCode, 5019);
  },
  async "twenty calls at once"({ AI }) {
    const answers = await Promise.all(Array.from({ length: 20 }, (_, at) => AI.run(TEXT, { prompt: `[[say n${at}]]` })));
    same(answers.map((answer) => answer.response), Array.from({ length: 20 }, (_, at) => `n${at}`));
  },

  async "describe"({ DOCS }) {
    const info = await DOCS.describe();
    same([info.dimensions, info.vectorCount], [3, 0]);
  },
  async "insert of Float32Array and upsert"({ DOCS }) {
    const inserted = await DOCS.insert([
      { id: "a", values: new Float32Array([1, 0, 0]), metadata: { title: "ein Faden", n: 1 } },
      { id: "b", values: new Float64Array([0, 1, 0]), namespace: "other" },
    ]);
    holds(UUID.test(inserted.mutationId), JSON.stringify(inserted));
    const upserted = await DOCS.upsert([{ id: "c", values: [0.1, 0.2, 0] }]);
    const info = await DOCS.describe();
    same([info.vectorCount, info.processedUpToMutation], [3, upserted.mutationId]);
  },
  async "insert as one JSON list"({ DOCS, DOCS_JSON = DOCS }) {
    await DOCS_JSON.insert([{ id: "d", values: new Float32Array([0, 0.1, 1]) }]);
    same((await DOCS_JSON.describe()).vectorCount, 4);
  },
  async "query"({ DOCS }) {
    const found = await DOCS.query(new Float32Array([1, 0, 0]), { topK: 2, returnValues: true, returnMetadata: true });
    same([found.count, found.matches[0].id, found.matches[0].metadata], [2, "a", { title: "ein Faden", n: 1 }]);
    same(found.matches[0].values, [1, 0, 0]);
    holds(Math.abs(found.matches[0].score - 1) < 1e-5, `score ${found.matches[0].score}`);
  },
  async "query with options of every kind"({ DOCS }) {
    const plain = await DOCS.query([1, 0, 0], { topK: 1, returnMetadata: false });
    same(Object.keys(plain.matches[0]).sort(), ["id", "score"]);
    const other = await DOCS.query([1, 0, 0], { namespace: "other", returnMetadata: "none" });
    same(other.matches.map((match) => match.id), ["b"]);
    same((await DOCS.query([0, 0, 1])).matches[0].id, "d");
  },
  async "queryById"({ DOCS }) {
    same((await DOCS.queryById("c", { topK: 1 })).matches[0].id, "c");
  },
  async "getByIds"({ DOCS }) {
    const vectors = await DOCS.getByIds(["c", "none", "a"]);
    same(vectors.map((vector) => vector.id), ["c", "a"]);
    same(vectors[0].values, [0.1, 0.2, 0]);
    same(vectors[1].metadata, { title: "ein Faden", n: 1 });
  },
  async "deleteByIds"({ DOCS }) {
    const deleted = await DOCS.deleteByIds(["a", "none"]);
    holds(UUID.test(deleted.mutationId), JSON.stringify(deleted));
    same(await DOCS.getByIds(["a"]), []);
  },
  async "a query of another length"({ DOCS }) {
    const error = await thrown(DOCS.query([1, 2]));
    same(error.message, "VECTOR_QUERY_ERROR (code = 40006): invalid query vector, expected 3 dimensions, and got 2 dimensions");
    same(error.cause.message, "invalid query vector, expected 3 dimensions, and got 2 dimensions");
  },
  async "errors of each call have its name"({ DOCS, NONE }) {
    const insert = await thrown(DOCS.insert([{ id: "x", values: [1] }]));
    holds(insert.message.startsWith("VECTOR_INSERT_ERROR (code = 40012): invalid vector for id=\"x\""), insert.message);
    const long = await thrown(DOCS.upsert([{ id: "x".repeat(65), values: [1, 2, 3] }]));
    same(long.message, "VECTOR_UPSERT_ERROR (code = 40008): id too long; max is 64 bytes, got 65 bytes");
    const get = await thrown(NONE.getByIds(["a"]));
    same(get.message, 'VECTOR_GET_ERROR (code = 3000): vectorize.index.not_found - Index name "none"');
    holds((await thrown(NONE.describe())).message.startsWith("INDEX_GET_ERROR (code = 3000)"), "describe");
    holds((await thrown(NONE.deleteByIds(["a"]))).message.startsWith("VECTOR_DELETE_ERROR (code = 3000)"), "deleteByIds");
  },
  async "a thousand vectors in one call"({ DOCS }) {
    await DOCS.upsert(Array.from({ length: 1000 }, (_, at) => ({ id: `v${at}`, values: new Float32Array([at, 1, 0]) })));
    same((await DOCS.getByIds(["v999"]))[0].values, [999, 1, 0]);
  },
};

// With weights of small models; `audio` is a recording of eleven seconds, which comes as the body of the request.
const checksOfWeights = {
  async "a recording as a list of bytes"({ AI }, audio) {
    const answer = await AI.run(`${WHISPER}-tiny-en`, { audio: [...audio] });
    holds(answer.text.includes("what you can do for your country"), answer.text);
  },
  async "a recording as a stream"({ AI }, audio) {
    const body = new Blob([audio]).stream();
    const answer = await AI.run(`${WHISPER}-tiny-en`, { audio: { body, contentType: "audio/wav" } });
    holds(answer.text.includes("what you can do for your country"), answer.text);
    holds(answer.words.at(-1).end > 9, JSON.stringify(answer.words.at(-1)));
  },
  async "a picture that is drawn"({ AI }) {
    const inputs = { prompt: "a cat", num_steps: 1, width: 256, height: 256, seed: 4 };
    const first = await bytes(await AI.run(XL, inputs));
    same(pngSize(first), [256, 256]);
    const image = [...first];
    const changed = await bytes(await AI.run(XL, { ...inputs, num_steps: 3, image, strength: 0.4 }));
    same(pngSize(changed), [256, 256]);
    holds(changed.some((byte, at) => byte !== first[at]), "nothing changed");
  },
  async "a picture that FLUX.2 draws, and takes up another"({ AI }) {
    const first = (await drawByForm(AI, { prompt: "a cat", width: "256", height: "256", seed: "4" })).image;
    holdsJpeg(first);
    const file = new Blob([Uint8Array.from(atob(first), (letter) => letter.charCodeAt(0))], { type: "image/jpeg" });
    const second = await drawByForm(AI, { prompt: "a cat", width: "256", height: "256", seed: "4", input_image_0: file });
    holds(second.image !== first, "nothing changed");
  },
};

export default {
  async fetch(request, env) {
    const results = [];
    const audio = request.method === "POST" ? new Uint8Array(await request.arrayBuffer()) : null;
    for (const [name, check] of Object.entries(audio ? checksOfWeights : checks)) {
      try {
        await check(env, audio);
        results.push({ name, wrong: null });
      } catch (error) {
        results.push({ name, wrong: `${error.name}: ${error.message}` });
      }
    }
    return Response.json(results);
  },
};
