// The official cloudflare library for Node, unchanged, against this server.
import assert from 'node:assert/strict';
import {File} from 'node:buffer';  // No global before Node 20.
import Cloudflare from 'cloudflare';

import {claim, finish, refused} from './claims.mjs';

const account_id = 'sdk-node';
const textModel = '@cf/meta/llama-3-8b-instruct';
const embeddingModel = '@cf/baai/bge-base-en-v1.5';
const client = new Cloudflare({apiToken: process.env.CLOUDFLARE_API_TOKEN, maxRetries: 0});
const indexes = client.vectorize.indexes;

const lines = (...vectors) =>
    new File([vectors.map((vector) => JSON.stringify(vector)).join('\n')], 'vectors.ndjson');

await claim('ai.run answers a prompt with text and usage', async () => {
  const answer = await client.ai.run(textModel, {account_id, prompt: '[[say hello there]]'});
  assert.equal(answer.response.trim(), 'hello there');
  assert.ok(answer.usage.completion_tokens > 0);
});

await claim('ai.run streams events when the raw answer is asked for', async () => {
  const answer = await client.ai.run(textModel, {account_id, prompt: '[[say one two three]]', stream: true}).asResponse();
  assert.match(answer.headers.get('content-type'), /^text\/event-stream/);
  const events = (await answer.text()).split('\n\n').filter((event) => event.startsWith('data: '));
  assert.equal(events.at(-1), 'data: [DONE]');
  const text = events.slice(0, -1).map((event) => JSON.parse(event.slice(6)).response).join('');
  assert.equal(text.trim(), 'one two three');
});

await claim('ai.run gives embeddings of several texts', async () => {
  const answer = await client.ai.run(embeddingModel, {account_id, text: ['orange cloud', 'llama']});
  assert.deepEqual(answer.shape, [2, 768]);
  assert.equal(answer.data[1].length, 768);
});

await claim('ai.run of a model that does not exist is a BadRequestError with the number', async () => {
  const error = await refused(() => client.ai.run('@cf/no/such', {account_id, prompt: 'x'}));
  assert.ok(error instanceof Cloudflare.BadRequestError, error);
  assert.equal(error.errors[0].code, 5007);
});

await claim('ai.run with a wrong input is a BadRequestError that names the place', async () => {
  const error = await refused(() => client.ai.run(textModel, {account_id, prompt: 'x', temperature: 9}));
  assert.ok(error instanceof Cloudflare.BadRequestError, error);
  assert.equal(error.errors[0].code, 5006);
  assert.match(error.message, /'\/temperature'/);
});

await claim('ai.models.list finds, and its iterator ends', async () => {
  const names = [];
  for await (const model of client.ai.models.list({account_id, search: 'bge-'})) names.push(model.name);
  assert.ok(names.includes(embeddingModel), names.join());
  assert.equal(new Set(names).size, names.length);
});

await claim('ai.models.schema.get tells what a model takes', async () => {
  const schema = await client.ai.models.schema.get({account_id, model: embeddingModel});
  assert.match(JSON.stringify(schema.input), /"text"/);
});

await claim('vectorize.indexes.create makes an index', async () => {
  const made = await indexes.create({account_id, name: 'docs', config: {dimensions: 3, metric: 'euclidean'}});
  assert.deepEqual([made.name, made.config], ['docs', {dimensions: 3, metric: 'euclidean'}]);
});

await claim('vectorize.indexes.create of a name that is taken is a BadRequestError, 3002', async () => {
  const error = await refused(
      () => indexes.create({account_id, name: 'docs', config: {dimensions: 3, metric: 'cosine'}}));
  assert.ok(error instanceof Cloudflare.BadRequestError, error);
  assert.equal(error.errors[0].code, 3002);
});

await claim('vectorize.indexes.list lists, get gets', async () => {
  const names = [];
  for await (const index of indexes.list({account_id})) names.push(index.name);
  assert.deepEqual(names, ['docs']);
  assert.equal((await indexes.get('docs', {account_id})).config.metric, 'euclidean');
});

await claim('vectorize.indexes.metadataIndex.create and list', async () => {
  await indexes.metadataIndex.create('docs', {account_id, propertyName: 'pages', indexType: 'number'});
  const listed = await indexes.metadataIndex.list('docs', {account_id});
  assert.deepEqual(listed.metadataIndexes, [{propertyName: 'pages', indexType: 'number'}]);
});

await claim('vectorize.indexes.insert and upsert return mutation ids, and info knows the last', async () => {
  await indexes.insert('docs', {
    account_id,
    body: lines({id: 'a', values: [1, 0, 0], metadata: {pages: 10}}, {id: 'b', values: [0, 1, 0], metadata: {pages: 20}}),
  });
  const second = await indexes.upsert('docs', {account_id, body: lines({id: 'c', values: [0, 0, 1], namespace: 'n'})});
  const info = await indexes.info('docs', {account_id});
  assert.deepEqual([info.dimensions, info.vectorCount, info.processedUpToMutation], [3, 3, second.mutationId]);
});

await claim('vectorize.indexes.query finds the nearest and filters', async () => {
  const near = await indexes.query('docs', {account_id, vector: [1, 0, 0], topK: 1, returnMetadata: 'all'});
  assert.deepEqual([near.count, near.matches[0].id, near.matches[0].score], [1, 'a', 0]);
  const many = await indexes.query('docs', {account_id, vector: [1, 0, 0], filter: {pages: {$gt: 10, $lte: 20}}});
  assert.deepEqual(many.matches.map((match) => match.id), ['b']);
});

await claim('vectorize.indexes.query of a wrong length is a BadRequestError, 40006', async () => {
  const error = await refused(() => indexes.query('docs', {account_id, vector: [1]}));
  assert.ok(error instanceof Cloudflare.BadRequestError, error);
  assert.equal(error.errors[0].code, 40006);
});

await claim('vectorize.indexes.getByIDs gives vectors', async () => {
  const found = await indexes.getByIDs('docs', {account_id, ids: ['c', 'nobody']});
  assert.deepEqual(found, [{id: 'c', namespace: 'n', metadata: null, values: [0, 0, 1]}]);
});

await claim('vectorize.indexes.listVectors pages', async () => {
  const first = await indexes.listVectors('docs', {account_id, count: 2});
  assert.deepEqual([first.count, first.totalCount, first.isTruncated], [2, 3, true]);
  const rest = await indexes.listVectors('docs', {account_id, count: 2, cursor: first.nextCursor});
  const ids = [...first.vectors, ...rest.vectors].map((vector) => vector.id).sort();
  assert.deepEqual([ids, rest.isTruncated], [['a', 'b', 'c'], false]);
});

await claim('vectorize.indexes.deleteByIDs and metadataIndex.delete', async () => {
  await indexes.deleteByIDs('docs', {account_id, ids: ['a']});
  assert.equal((await indexes.info('docs', {account_id})).vectorCount, 2);
  await indexes.metadataIndex.delete('docs', {account_id, propertyName: 'pages'});
  assert.deepEqual((await indexes.metadataIndex.list('docs', {account_id})).metadataIndexes, []);
});

await claim('vectorize.indexes.delete deletes; a name that never was is a NotFoundError, 3000', async () => {
  await indexes.delete('docs', {account_id});
  const error = await refused(() => indexes.get('never', {account_id}));
  assert.ok(error instanceof Cloudflare.NotFoundError, error);
  assert.equal(error.errors[0].code, 3000);
});

// A safetensors file with one tensor of 16 numbers.
function adapterWeights() {
  const header = JSON.stringify({'q_proj.lora_A.weight': {dtype: 'F16', shape: [8, 2], data_offsets: [0, 32]}});
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(header.length));
  return Buffer.concat([length, Buffer.from(header), Buffer.alloc(32)]);
}

await claim('ai.finetunes.create, assets.create, list and public.list', async () => {
  const made = await client.ai.finetunes.create({
    account_id, model: '@cf/mistral/mistral-7b-instruct-v0.2-lora', name: 'node', description: 'ours', public: true,
  });
  assert.deepEqual([made.name, made.description, made.public], ['node', 'ours', true]);
  const config = new File([JSON.stringify({peft_type: 'LORA', r: 8})], 'blob');
  await client.ai.finetunes.assets.create(made.id, {account_id, file_name: 'adapter_config.json', file: config});
  const weights = new File([adapterWeights()], 'blob');
  const asset = await client.ai.finetunes.assets.create(
      'node', {account_id, file_name: 'adapter_model.safetensors', file: weights});
  assert.deepEqual([asset.finetune_id, asset.file_name], [made.id, 'adapter_model.safetensors']);
  assert.deepEqual((await client.ai.finetunes.list({account_id})).map((one) => one.id), [made.id]);
  const shared = [];
  for await (const one of client.ai.finetunes.public.list({account_id})) shared.push(one.id);
  assert.ok(shared.includes(made.id), shared.join());
});

await claim('ai.finetunes: a name that is taken is a ConflictError, weights that are none a BadRequestError', async () => {
  const again = await refused(() => client.ai.finetunes.create(
      {account_id, model: '@cf/mistral/mistral-7b-instruct-v0.2-lora', name: 'node'}));
  assert.ok(again instanceof Cloudflare.ConflictError, again);
  const noise = new File([Buffer.alloc(64, 0x7f)], 'blob');
  const error = await refused(() => client.ai.finetunes.assets.create(
      'node', {account_id, file_name: 'adapter_model.safetensors', file: noise}));
  assert.ok(error instanceof Cloudflare.BadRequestError, error);
});

await claim('user.get, user.tokens.verify, accounts.list and memberships.list', async () => {
  assert.equal((await client.user.get()).email, 'local@localhost');
  assert.equal((await client.user.tokens.verify()).status, 'active');
  const accounts = [];
  for await (const account of client.accounts.list()) accounts.push(account.id);
  for await (const membership of client.memberships.list()) accounts.push(membership.account.id);
  assert.deepEqual(accounts, ['local', 'local']);
});

finish('cloudflare', 'Node: `ai.run`, streams, models, fine-tunes, the user, Vectorize indexes, vectors and metadata indexes, errors');
