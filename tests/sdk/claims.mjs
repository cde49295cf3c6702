// Claims: counts what holds, prints what does not, for the SDK tests on Node.
import assert from 'node:assert/strict';
import {readFileSync} from 'node:fs';

const counts = {passed: 0, failed: 0};

// Runs `body` as one claim; what it throws makes the claim false.
export async function claim(name, body) {
  try {
    await body();
    counts.passed += 1;
  } catch (failure) {
    counts.failed += 1;
    console.log(`FAILED ${name}\n${failure.stack}`);
  }
}

// The error that `body` must end with.
export async function refused(body) {
  try {
    await body();
  } catch (error) {
    return error;
  }
  assert.fail('nothing was refused');
}

// Ends the test and says what it ran: `client` is the package's name, `what` a few words for the table of clients.
export function finish(client, what) {
  const {version} = JSON.parse(readFileSync(new URL(`node_modules/${client}/package.json`, import.meta.url)));
  console.log(`ROW ${JSON.stringify({client, version, what})}`);
  console.log(`${counts.passed} passed, ${counts.failed} failed`);
  process.exit(counts.failed ? 1 : 0);
}
