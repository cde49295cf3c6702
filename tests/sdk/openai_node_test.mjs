// The official openai library for Node, unchanged, against this server: under an account and on plain /v1.
import assert from 'node:assert/strict';
import OpenAI from 'openai';
import {claim, finish, refused} from './claims.mjs';

const TEXT = '@cf/meta/llama-3-8b-instruct';
const EMBEDDING = '@cf/baai/bge-base-en-v1.5';
const PLAIN = `${process.env.SELVEDGE_URL}/v1`;
const HOSTED = `${process.env.CLOUDFLARE_BASE_URL}/accounts/openai-node/ai/v1`;
const plain = new OpenAI({baseURL: PLAIN, maxRetries: 0});
const hosted = new OpenAI({baseURL: HOSTED, maxRetries: 0});

const chat = (client, text, options = {}) =>
    client.chat.completions.create({model: TEXT, messages: [{role: 'user', content: text}], ...options});

for (const [base, client] of [['/v1', plain], ['/ai/v1', hosted]]) {
  await claim(`${base}: a chat completion has its text, reason and usage`, async () => {
    const answer = await chat(client, '[[say one two]]');
    assert.equal(answer.choices[0].message.content, 'one two');
    assert.equal(answer.choices[0].finish_reason, 'stop');
    assert.equal(answer.usage.completion_tokens, 2);
    assert.equal(answer.model, TEXT);
  });

  await claim(`${base}: a stream gives the words and then its usage`, async () => {
    let text = '';
    let usage = null;
    for await (const chunk of await chat(client, '[[say one two]]', {stream: true, stream_options: {include_usage: true}})) {
      text += chunk.choices[0]?.delta?.content ?? '';
      usage = chunk.usage ?? usage;
    }
    assert.equal(text, 'one two');
    assert.equal(usage.completion_tokens, 2);
  });

  await claim(`${base}: embeddings come as numbers, by way of base64 and as floats`, async () => {
    const answer = await client.embeddings.create({model: EMBEDDING, input: ['one text', 'another']});
    const floats = await client.embeddings.create({model: EMBEDDING, input: 'one text', encoding_format: 'float'});
    assert.equal(answer.data.length, 2);
    assert.equal(answer.data[0].embedding.length, 768);
    answer.data[0].embedding.forEach((value, at) => assert.ok(Math.abs(value - floats.data[0].embedding[at]) < 1e-6));
  });

  await claim(`${base}: an unknown model is NotFoundError`, async () => {
    const error = await refused(() => client.chat.completions.create({model: 'gpt-4o', messages: [{role: 'user', content: 'x'}]}));
    assert.ok(error instanceof OpenAI.NotFoundError);
    assert.equal(error.code, 'model_not_found');
  });

  await claim(`${base}: a field out of range is BadRequestError that names it`, async () => {
    const error = await refused(() => chat(client, 'x', {temperature: 3}));
    assert.ok(error instanceof OpenAI.BadRequestError);
    assert.equal(error.param, 'temperature');
  });
}

await claim('stop, length, n and seed hold', async () => {
  assert.equal((await chat(plain, '[[say one two three]]', {stop: ' three'})).choices[0].message.content, 'one two');
  assert.equal((await chat(plain, '[[say one two]]', {max_tokens: 1})).choices[0].finish_reason, 'length');
  assert.deepEqual((await chat(plain, 'tell me', {n: 2})).choices.map((choice) => choice.index), [0, 1]);
  const words = async (seed) => (await chat(plain, 'tell me', {seed})).choices[0].message.content;
  assert.equal(await words(1), await words(1));
  assert.notEqual(await words(1), await words(2));
});

await claim('logprobs are tokens with bytes and rivals', async () => {
  const {content} = (await chat(plain, '[[say one two]]', {logprobs: true, top_logprobs: 2})).choices[0].logprobs;
  assert.deepEqual(content.map((token) => token.token), ['one', ' two']);
  assert.equal(content[0].top_logprobs.length, 2);
});

await claim('the stream helper puts a completion together', async () => {
  const stream = plain.chat.completions.stream({model: TEXT, messages: [{role: 'user', content: '[[say one two]]'}]});
  const whole = await stream.finalChatCompletion();
  assert.equal(whole.choices[0].message.content, 'one two');
});

await claim('completions answer texts and streams', async () => {
  assert.equal((await plain.completions.create({model: TEXT, prompt: '[[say one]]'})).choices[0].text, 'one');
  let text = '';
  for await (const chunk of await plain.completions.create({model: TEXT, prompt: '[[say one two]]', stream: true})) {
    text += chunk.choices[0].text;
  }
  assert.equal(text, 'one two');
});

await claim('models are listed and found by their id', async () => {
  const ids = [];
  for await (const model of plain.models.list()) ids.push(model.id);
  assert.ok(ids.includes(TEXT) && ids.includes(EMBEDDING), ids.join());
  assert.equal((await plain.models.retrieve(TEXT)).owned_by, 'meta');
  assert.ok(await refused(() => plain.models.retrieve('gpt-4o')) instanceof OpenAI.NotFoundError);
});

await claim('errors are of the class that their status means', async () => {
  assert.ok(await refused(() => chat(plain, '[[fail queue_full]]')) instanceof OpenAI.RateLimitError);
  assert.ok(await refused(() => chat(plain, '[[fail internal]]')) instanceof OpenAI.InternalServerError);
  const long = await refused(() => chat(plain, 'x', {max_tokens: 9999}));
  assert.equal(long.code, 'context_length_exceeded');
});

await claim('a failure in the middle of a stream is thrown', async () => {
  const error = await refused(async () => {
    const stream = await chat(plain, '[[say one two three]] [[delay 5]] [[crash-after 2]]', {stream: true});
    for await (const chunk of stream) assert.ok(chunk);
  });
  assert.ok(error instanceof OpenAI.APIError, String(error));
});

const tools = [{type: 'function', function: {name: 'get_weather', parameters: {
  type: 'object', properties: {city: {type: 'string'}}, required: ['city']}}}];
const call = '[[call get_weather {"city": "Rome"}]]';

for (const [base, client] of [['/v1', plain], ['/ai/v1', hosted]]) {
  await claim(`${base}: a tool is called, and its result answered`, async () => {
    const {message, finish_reason} = (await chat(client, call, {tools})).choices[0];
    assert.equal(finish_reason, 'tool_calls');
    assert.deepEqual(JSON.parse(message.tool_calls[0].function.arguments), {city: 'Rome'});
    const result = {role: 'tool', tool_call_id: message.tool_calls[0].id, content: 'sunny'};
    const answer = await client.chat.completions.create({model: TEXT, tools, messages: [{role: 'user', content: call}, message, result]});
    assert.equal(answer.choices[0].message.content, 'The tool said: sunny');
  });

  await claim(`${base}: a streamed call is put together by the library`, async () => {
    const stream = client.chat.completions.stream({model: TEXT, tools, messages: [{role: 'user', content: call}]});
    const {choices} = await stream.finalChatCompletion();
    assert.equal(choices[0].finish_reason, 'tool_calls');
    assert.deepEqual(JSON.parse(choices[0].message.tool_calls[0].function.arguments), {city: 'Rome'});
  });

  await claim(`${base}: responses, whole and streamed`, async () => {
    assert.equal((await client.responses.create({model: TEXT, input: '[[say one two]]'})).output_text, 'one two');
    let words = '';
    for await (const event of await client.responses.create({model: TEXT, input: '[[say one two]]', stream: true})) {
      if (event.type === 'response.output_text.delta') words += event.delta;
    }
    assert.equal(words, 'one two');
  });
}

finish('openai', 'Node, under an account and on `/v1`: chat, streams, tools, responses, embeddings, models, errors');
