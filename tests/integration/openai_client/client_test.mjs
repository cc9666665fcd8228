// The official OpenAI client, unchanged, against the real gateway with its demo cloud and its bundled model.
import assert from 'node:assert/strict';
import { spawn, execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import OpenAI from 'openai';

const binary = process.env.SLUICE_BINARY;
const folder = mkdtempSync(join(tmpdir(), 'sluice-openai-'));
const data = join(folder, 'data');
// Without provider keys the gateway brings its demo cloud.
const environment = Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.endsWith('_API_KEY')));
const sluice = (...words) => execFileSync(binary, [...words, '--data', data], { env: environment, encoding: 'utf8' }).trim();

let gateway, ended, baseURL, key;

// The port is the system's choice: the gateway says it in its log.
function listening(child) {
  return new Promise((resolve, reject) => {
    let log = '';
    const look = (bytes) => {
      log += bytes;
      const found = log.match(/listening on (http:\/\/[^\s,]+)/);
      if (found) resolve(found[1]);
    };
    child.stdout.on('data', look);
    child.stderr.on('data', look);
    child.on('exit', (code) => reject(new Error(`the gateway ended with ${code}:\n${log}`)));
  });
}

before(async () => {
  sluice('teams', 'add', 'demo');
  key = sluice('keys', 'create', 'demo', '--quiet');
  gateway = spawn(binary, ['serve', '--listen', '127.0.0.1:0', '--data', data], { env: environment });
  ended = new Promise((resolve) => gateway.on('exit', resolve));
  baseURL = (await listening(gateway)) + '/v1';
});

after(async () => {
  if (gateway?.exitCode === null) {
    gateway.kill('SIGTERM');
    assert.equal(await ended, 0, 'the gateway ends cleanly');
  }
  rmSync(folder, { recursive: true, force: true });
});

const client = (options = {}) => new OpenAI({ apiKey: key, baseURL, maxRetries: 0, timeout: 120_000, ...options });
const user = (content) => [{ role: 'user', content }];
const weather = {
  type: 'function',
  function: { name: 'get_weather', description: 'The weather', parameters: { type: 'object', properties: {} } },
};

test('plain: a public request is answered by the cloud, with usage', async () => {
  const { data: answer, response } = await client()
    .chat.completions.create({ model: 'auto', messages: user('Which planets have rings?') })
    .withResponse();
  assert.match(answer.choices[0].message.content, /demo cloud/);
  assert.equal(answer.choices[0].finish_reason, 'stop');
  assert.equal(answer.usage.total_tokens, answer.usage.prompt_tokens + answer.usage.completion_tokens);
  assert.equal(response.headers.get('x-sluice-zone'), 'cloud');
  assert.equal(response.headers.get('x-sluice-target'), 'demo-cloud/demo-chat');
  assert.ok(response.headers.get('x-sluice-decision'));
});

test('plain: a private request is answered in this process', async () => {
  const { data: answer, response } = await client()
    .chat.completions.create({ model: 'auto', max_tokens: 24, messages: user('How do I set a budget? Card 4111 1111 1111 1111') })
    .withResponse();
  assert.equal(response.headers.get('x-sluice-zone'), 'local');
  assert.equal(response.headers.get('x-sluice-data-class'), 'restricted');
  assert.ok(answer.choices[0].message.content.length > 0);
  assert.doesNotMatch(answer.choices[0].message.content, /demo cloud/);
  assert.ok(answer.usage.completion_tokens >= 1 && answer.usage.completion_tokens <= 24);
});

for (const [name, content] of [
  ['cloud', 'Name a river.'],
  ['local', 'Name a river near 4111 1111 1111 1111.'],
]) {
  test(`stream: pieces, one finish reason and the usage that was asked for (${name})`, async () => {
    const { data: stream, response } = await client()
      .chat.completions.create({
        model: 'auto',
        max_tokens: 32,
        messages: user(content),
        stream: true,
        stream_options: { include_usage: true },
      })
      .withResponse();
    assert.equal(response.headers.get('x-sluice-zone'), name);
    const finishes = [];
    let text = '';
    let usage = null;
    for await (const chunk of stream) {
      assert.equal(chunk.object, 'chat.completion.chunk');
      for (const choice of chunk.choices) {
        text += choice.delta.content ?? '';
        if (choice.finish_reason) finishes.push(choice.finish_reason);
      }
      if (chunk.usage) usage = chunk.usage;
    }
    assert.equal(finishes.length, 1);
    assert.ok(['stop', 'length'].includes(finishes[0]));
    assert.ok(text.length > 0);
    assert.ok(usage.completion_tokens >= 1 && usage.completion_tokens <= 32);
  });
}

test('stream: no usage chunk when it was not asked for', async () => {
  const stream = await client().chat.completions.create({ model: 'auto', messages: user('Name a lake.'), stream: true });
  for await (const chunk of stream) {
    assert.equal(chunk.usage ?? null, null);
    assert.equal(chunk.choices.length, 1);
  }
});

test('stream: the helper collects the same answer', async () => {
  const runner = client().chat.completions.stream({ model: 'auto', messages: user('Name a sea.') });
  const completion = await runner.finalChatCompletion();
  assert.match(completion.choices[0].message.content, /demo cloud/);
});

test('tools: a call comes back, plain and streamed, and its result is answered', async () => {
  const ask = { model: 'demo-cloud/demo-chat', tools: [weather], messages: user('What is the weather?') };
  const plain = await client().chat.completions.create(ask);
  assert.equal(plain.choices[0].finish_reason, 'tool_calls');
  const [call] = plain.choices[0].message.tool_calls;
  assert.equal(call.function.name, 'get_weather');
  assert.deepEqual(JSON.parse(call.function.arguments), {});

  const streamed = await client().chat.completions.stream(ask).finalChatCompletion();
  assert.equal(streamed.choices[0].message.tool_calls[0].function.name, 'get_weather');
  assert.equal(streamed.choices[0].message.tool_calls[0].id, call.id);

  const answered = await client().chat.completions.create({
    ...ask,
    messages: [...ask.messages, plain.choices[0].message, { role: 'tool', tool_call_id: call.id, content: 'sunny' }],
  });
  assert.equal(answered.choices[0].finish_reason, 'stop');
});

test('tools: the helper runs the tool and goes on', async () => {
  let calls = 0;
  const runner = client().chat.completions.runTools({
    model: 'demo-cloud/demo-chat',
    messages: user('Weather again?'),
    tools: [{ ...weather, function: { ...weather.function, parse: JSON.parse, function: () => (calls++, 'rainy') } }],
  });
  assert.match(await runner.finalContent(), /demo cloud/);
  assert.equal(calls, 1);
});

test('models: the list has the cloud model and the one in this process', async () => {
  const names = [];
  for await (const model of client().models.list()) names.push(model.id);
  assert.ok(names.includes('demo-cloud/demo-chat'), names.join());
  assert.ok(names.some((name) => name.startsWith('local/')), names.join());
});

test('errors: each has the class, the status and the code the SDK knows', async () => {
  const messages = user('hi');
  await assert.rejects(client({ apiKey: 'sk-sluice-wrong' }).chat.completions.create({ model: 'auto', messages }), (error) => {
    assert.ok(error instanceof OpenAI.AuthenticationError);
    assert.equal(error.status, 401);
    return true;
  });
  await assert.rejects(client().chat.completions.create({ model: 'demo-chta', messages }), (error) => {
    assert.ok(error instanceof OpenAI.NotFoundError);
    assert.equal(error.code, 'model_not_found');
    assert.match(error.message, /demo-chat/);
    return true;
  });
  await assert.rejects(client().chat.completions.create({ model: 'auto', messages: [{ role: 'user', content: 7 }] }), (error) => {
    assert.ok(error instanceof OpenAI.BadRequestError);
    assert.equal(error.param, 'messages[0].content');
    return true;
  });
});

test('errors: a request over budget is refused with 402, plain and streamed, and no model is asked', async () => {
  sluice('teams', 'add', 'tiny', '--daily', '0.000000001');
  const tiny = client({ apiKey: sluice('keys', 'create', 'tiny', '--quiet') });
  const deadline = Date.now() + 10_000;
  for (const stream of [false, true]) {
    for (;;) {
      // A new key is known to a running gateway within a second.
      const error = await tiny.chat.completions.create({ model: 'auto', messages: user('hi'), stream }).then(
        () => assert.fail('it was answered'),
        (refused) => refused,
      );
      if (error.status === 401 && Date.now() < deadline) continue;
      assert.ok(error instanceof OpenAI.APIError);
      assert.equal(error.status, 402);
      assert.match(error.message, /tiny/);
      break;
    }
  }
  const usage = JSON.parse(sluice('usage', '--by', 'team', '--json'));
  assert.ok(!usage.rows.some((row) => row.name === 'tiny' && row.cost_nano_usd > 0));
});

test('abort: a stream that the client leaves ends at once and the gateway serves on', async () => {
  for (let round = 0; round < 5; round++) {
    const abort = new AbortController();
    const stream = await client().chat.completions.create(
      { model: 'auto', messages: user(`Tell me about 4111 1111 1111 1111, round ${round}`), stream: true },
      { signal: abort.signal },
    );
    for await (const chunk of stream) {
      assert.ok(chunk.choices);
      abort.abort();
    }
    assert.ok(stream.controller.signal.aborted || abort.signal.aborted);
  }
  const before = new AbortController();
  before.abort();
  await assert.rejects(
    client().chat.completions.create({ model: 'auto', messages: user('hi') }, { signal: before.signal }),
    OpenAI.APIUserAbortError,
  );
  const answer = await client().chat.completions.create({ model: 'auto', messages: user('Still there?') });
  assert.match(answer.choices[0].message.content, /demo cloud/);
});

test('the lock file names no registry', () => {
  const lock = readFileSync(join(process.env.SLUICE_SOURCE_DIR, 'tests/integration/openai_client/package-lock.json'), 'utf8');
  assert.doesNotMatch(lock, /"resolved"|https?:/);
});
