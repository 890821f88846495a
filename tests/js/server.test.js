import assert from "node:assert/strict";
import { afterEach, mock, test } from "node:test";
import { addressOf, ask, linesOf, messageOf, Refused, runLines } from "../../assets/js/transport/server.js";

afterEach(() => mock.restoreAll());

/** @param {string[]} chunks */
function bodyOf(...chunks) {
  return /** @type {ReadableStream<Uint8Array>} */ (new Response(chunks.join("")).body);
}

/** @param {Response} response @returns {any[]} the calls */
function answer(response) {
  /** @type {any[]} */
  const calls = [];
  mock.method(globalThis, "fetch", async (/** @type {any[]} */ ...given) => {
    calls.push(given);
    return response.clone();
  });
  return calls;
}

/** @param {AsyncIterable<any>} lines */
async function all(lines) {
  const found = [];
  for await (const line of lines) found.push(line);
  return found;
}

test("lines are put together however the body is cut, in the middle of a letter too", async () => {
  const whole = new TextEncoder().encode('{"a":"é"}\n{"b":2}\n');
  for (let cut = 1; cut < whole.length; cut += 1) {
    const body = new ReadableStream({
      start(control) {
        control.enqueue(whole.slice(0, cut));
        control.enqueue(whole.slice(cut));
        control.close();
      },
    });
    assert.deepEqual(await all(linesOf(body)), ['{"a":"é"}', '{"b":2}']);
  }
  assert.deepEqual(await all(linesOf(bodyOf("a\nb"))), ["a", "b"], "a last line without its end");
});

test("who stops reading tells the server", async () => {
  const cancelled = mock.fn();
  const body = new ReadableStream({
    start: (control) => control.enqueue(new TextEncoder().encode("1\n2\n")),
    cancel: cancelled,
  });
  await assert.rejects(async () => {
    for await (const _ of linesOf(body)) throw new Error("not a picture");
  }, /not a picture/);
  assert.equal(cancelled.mock.callCount(), 1);
});

test("what the visitor reads of an error is the server's line, or the page's own", () => {
  assert.equal(messageOf(new Refused("seed: too low"), "No answer"), "seed: too low");
  assert.equal(messageOf(new TypeError("Failed to fetch"), "No answer"), "No answer");
});

test("a refusal is the server's own line, before a run or in it", async () => {
  answer(Response.json({ error: "seed: too low" }, { status: 422 }));
  await assert.rejects(ask("plan", {}), new Refused("seed: too low"));
  answer(new Response("<html>", { status: 502, statusText: "Bad Gateway" }));
  await assert.rejects(ask("plan", {}), new Refused("502 Bad Gateway"));
  answer(new Response('{"kind":"begin"}\n{"error":"not finite"}\n'));
  const lines = runLines({ controls: {} }, new AbortController().signal);
  assert.deepEqual((await lines.next()).value, { kind: "begin" });
  await assert.rejects(lines.next(), new Refused("not finite"));
});

test("controls, presets and files go to one address, files as what they are", async () => {
  const { signal } = new AbortController();
  const calls = answer(new Response(""));
  await all(runLines({ controls: { seed: 7 } }, signal));
  await all(runLines({ recorded: "early" }, signal));
  await all(runLines({ file: "[]" }, signal));
  assert.deepEqual(new Set(calls.map(([url]) => url)), new Set([addressOf("run")]));
  assert.deepEqual(
    calls.map(([, { body }]) => body),
    ['{"seed":7}', '{"recorded":"early"}', "[]"],
  );
  assert.match(calls[2][1].headers["Content-Type"], /^application\/vnd/);
});
