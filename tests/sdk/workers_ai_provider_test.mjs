// workers-ai-provider and the AI SDK, unchanged, against this server: by account and key.
import assert from 'node:assert/strict';
import {embed, embedMany, generateText, jsonSchema, Output, stepCountIs, streamText, tool} from 'ai';
import {createWorkersAI} from 'workers-ai-provider';

import {claim, finish, refused} from './claims.mjs';

const CLOUDFLARE = 'https://api.cloudflare.com/client/v4';

// The package has no option for a base URL; its `fetch` is the place where one can be given.
function atThisServer(url, init) {
  assert.ok(String(url).startsWith(CLOUDFLARE), String(url));
  return fetch(process.env.CLOUDFLARE_BASE_URL + String(url).slice(CLOUDFLARE.length), init);
}

const workersai = createWorkersAI({accountId: 'ai-sdk', apiKey: 'any', fetch: atThisServer});
const text = workersai('@cf/meta/llama-3-8b-instruct');
const chat = workersai('@cf/zai-org/glm-4.7-flash');
const embedding = workersai.textEmbedding('@cf/baai/bge-base-en-v1.5');

async function streamed(model, prompt) {
  const pieces = [];
  const result = streamText({model, prompt, maxRetries: 0});
  for await (const piece of result.textStream) pieces.push(piece);
  return {pieces, reason: await result.finishReason, usage: await result.usage};
}

await claim('generateText answers with text, reason and usage', async () => {
  const answer = await generateText({model: text, system: 'Be short.', prompt: '[[say hello there]]', maxRetries: 0});
  assert.deepEqual([answer.text, answer.finishReason], ['hello there', 'stop']);
  assert.ok(answer.usage.outputTokens > 0, JSON.stringify(answer.usage));
});

await claim('generateText takes a conversation', async () => {
  const messages = [
    {role: 'user', content: 'first'}, {role: 'assistant', content: 'second'}, {role: 'user', content: '[[echo]] 第三'},
  ];
  const answer = await generateText({model: text, messages, maxRetries: 0, maxOutputTokens: 200});
  assert.match(answer.text, /second/);
  assert.match(answer.text, /第三/);
});

await claim('streamText gives the words as they come, and then the usage', async () => {
  const {pieces, reason, usage} = await streamed(text, '[[say one two three]] [[delay 30]]');
  assert.equal(pieces.join(''), 'one two three');
  assert.ok(pieces.length > 1, JSON.stringify(pieces));
  assert.equal(reason, 'stop');
  assert.ok(usage.outputTokens > 0, JSON.stringify(usage));
});

await claim('a model of the OpenAI generation answers and streams', async () => {
  assert.equal((await generateText({model: chat, prompt: '[[say new]]', maxRetries: 0})).text, 'new');
  assert.equal((await streamed(chat, '[[say a b]]')).pieces.join(''), 'a b');
});

await claim('embed and embedMany give vectors', async () => {
  assert.equal((await embed({model: embedding, value: 'a woven edge'})).embedding.length, 768);
  const {embeddings} = await embedMany({model: embedding, values: ['one', 'two', 'three']});
  assert.deepEqual(embeddings.map((row) => row.length), [768, 768, 768]);
});

await claim('an unknown model is an APICallError that is not tried again', async () => {
  const error = await refused(() => generateText({model: workersai('@cf/no/such'), prompt: 'x'}));
  assert.equal(error.name, 'AI_APICallError');
  assert.equal(error.statusCode, 400);
  assert.match(error.message + error.responseBody, /5007/);
});

await claim('a full queue is tried again', async () => {
  const error = await refused(() => generateText({model: text, prompt: '[[fail queue_full]]', maxRetries: 1}));
  assert.equal(error.name, 'AI_RetryError');
  assert.equal(error.lastError.statusCode, 429);
});

await claim('a stream that is given up ends the call', async () => {
  const stop = new AbortController();
  const result = streamText({model: text, prompt: '[[say a b c d e f g h]] [[delay 50]]', abortSignal: stop.signal, maxRetries: 0, onError() {}});
  for await (const piece of result.fullStream) {
    if (piece.type === 'text-delta') stop.abort();
  }
});

const weather = tool({
  description: 'Of a city.',
  inputSchema: jsonSchema({type: 'object', properties: {city: {type: 'string'}}, required: ['city']}),
  execute: async ({city}) => `sunny in ${city}`,
});
const call = '[[call weather {"city": "Rome"}]]';

for (const [name, model] of [['the legacy form', text], ['the OpenAI generation', chat]]) {
  await claim(`generateText calls a tool and answers from its result, ${name}`, async () => {
    const answer = await generateText({model, prompt: call, tools: {weather}, stopWhen: stepCountIs(3), maxRetries: 0});
    assert.equal(answer.steps[0].toolCalls[0].toolName, 'weather');
    assert.deepEqual(answer.steps[0].toolCalls[0].input, {city: 'Rome'});
    assert.match(answer.text, /The tool said: .*sunny in Rome/);
  });

  await claim(`streamText calls a tool, ${name}`, async () => {
    const result = streamText({model, prompt: call, tools: {weather}, stopWhen: stepCountIs(3), maxRetries: 0});
    let words = '';
    for await (const piece of result.textStream) words += piece;
    assert.match(words, /sunny in Rome/);
  });

  await claim(`a schema gives an object of it, ${name}`, async () => {
    const schema = jsonSchema({type: 'object', properties: {name: {type: 'string'}, count: {type: 'integer'}}, required: ['name', 'count']});
    const answer = await generateText({model, prompt: 'x', output: Output.object({schema}), maxRetries: 0});
    assert.deepEqual(answer.output, {name: '', count: 0});
  });
}

finish('workers-ai-provider', 'Node, with `ai`: generateText, streamText, tools, objects, embed, embedMany, errors; by its `fetch` option');
