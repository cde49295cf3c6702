// The official @anthropic-ai/sdk, unchanged, against this server: /v1/messages, whole and streamed.
import assert from 'node:assert/strict';
import Anthropic from '@anthropic-ai/sdk';

import {claim, finish, refused} from './claims.mjs';

const model = '@cf/meta/llama-3-8b-instruct';
const client = new Anthropic({baseURL: process.env.SELVEDGE_URL, apiKey: 'any', maxRetries: 0});
const tools = [{
  name: 'get_weather', description: 'Of a city.',
  input_schema: {type: 'object', properties: {city: {type: 'string'}}, required: ['city']},
}];
const call = '[[call get_weather {"city": "Rome"}]]';
const asked = (content, more = {}) => ({model, max_tokens: 60, messages: [{role: 'user', content}], ...more});

await claim('a message has its text, reason and usage', async () => {
  const answer = await client.messages.create(asked('[[say one two]]'));
  assert.deepEqual(answer.content, [{type: 'text', text: 'one two'}]);
  assert.deepEqual([answer.stop_reason, answer.usage.output_tokens], ['end_turn', 2]);
});

await claim('a stream gives the words, and the same message at its end', async () => {
  const words = [];
  const stream = client.messages.stream(asked('[[say one two]]')).on('text', (text) => words.push(text));
  const last = await stream.finalMessage();
  assert.equal(words.join(''), 'one two');
  assert.deepEqual([last.content[0].text, last.stop_reason, last.usage.output_tokens], ['one two', 'end_turn', 2]);
});

await claim('a streamed call has its input whole', async () => {
  const last = await client.messages.stream(asked(call, {tools})).finalMessage();
  assert.equal(last.stop_reason, 'tool_use');
  assert.deepEqual(last.content[0].input, {city: 'Rome'});
});

await claim('the result of a tool is answered', async () => {
  const first = await client.messages.create(asked(call, {tools}));
  const messages = [
    {role: 'user', content: call}, {role: 'assistant', content: first.content},
    {role: 'user', content: [{type: 'tool_result', tool_use_id: first.content[0].id, content: 'sunny'}]},
  ];
  const answer = await client.messages.create({model, max_tokens: 60, messages, tools});
  assert.equal(answer.content[0].text, 'The tool said: sunny');
});

await claim('an unknown model is NotFoundError', async () => {
  const error = await refused(() => client.messages.create({...asked('x'), model: 'claude'}));
  assert.ok(error instanceof Anthropic.NotFoundError, String(error));
});

finish('@anthropic-ai/sdk', 'Node: messages, streams, tools, errors');
