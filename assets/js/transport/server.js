// All requests to the server: questions that have one answer, and runs, which are lines of JSON.
// Addresses are relative to this module, so they work behind a proxy's sub-path and in a frame.

const ROOT = new URL("../../../", import.meta.url); // modules are served at ROOT/modules/HASH/

/** What this tab calls itself, so that the server can let visitors of one address take turns. */
const VISITOR = [...crypto.getRandomValues(new Uint8Array(12))].map((n) => n.toString(16).padStart(2, "0")).join("");

/** The language in which the server answers. */
let language = "en";

/** @param {string} chosen */
export function speak(chosen) {
  language = chosen;
}

/** What the server refused, in its own words. */
export class Refused extends Error {}

/**
 * What the visitor reads of an error: the server's own words, or that there was no answer.
 * @param {unknown} error
 * @param {string} noAnswer
 */
export function messageOf(error, noAnswer) {
  return error instanceof Refused ? error.message : noAnswer;
}

/** @param {string} path */
export function addressOf(path) {
  return new URL(path, ROOT).href;
}

/**
 * Ask the server one question. Throws Refused with its line, or what fetch throws where there is no answer.
 * @param {string} name
 * @param {Record<string, any>} given
 * @param {AbortSignal} [signal]
 * @returns {Promise<any>}
 */
export async function ask(name, given, signal) {
  return (await post(name, JSON.stringify(given), "application/json", signal)).json();
}

/**
 * A file that the server makes; null where there is no answer.
 * @param {string} path
 * @returns {Promise<Response | null>}
 */
export function fetchFile(path) {
  return fetch(addressOf(path), { headers: { "Accept-Language": language } }).catch(() => null);
}

/**
 * A text of this server, by its address. Throws where there is none, or it is longer than `most` bytes.
 * @param {string} address
 * @param {number} most
 */
export async function readText(address, most) {
  const answer = await fetch(address, { mode: "same-origin", redirect: "error" });
  const length = Number(answer.headers.get("content-length") ?? 0);
  if (!answer.ok) throw new Refused(`${new URL(address).pathname}: ${answer.status} ${answer.statusText}`);
  const text = length > most ? "" : await answer.text();
  if (!text || text.length > most) throw new Refused(`${new URL(address).pathname}: larger than ${most / 1024} KB`);
  return text;
}

/**
 * The lines of a run, as they are computed.
 * @param {import("../types.js").RunRequest | {gallery: Record<string, any>}} request
 * @param {AbortSignal} signal
 * @returns {AsyncGenerator<any>}
 */
export async function* runLines(request, signal) {
  const [body, type] =
    "file" in request
      ? [request.file, "application/vnd.token-critic.run+json"]
      : [JSON.stringify(bodyOf(request)), "application/json"];
  const answer = await post("run", body, type, signal);
  if (!answer.body) return;
  for await (const line of linesOf(answer.body)) {
    const value = JSON.parse(line);
    if (value.error) throw new Refused(value.error);
    yield value;
  }
}

/** @param {any} request */
function bodyOf(request) {
  return request.controls ?? request.gallery ?? request;
}

/**
 * @param {string} name
 * @param {string} body
 * @param {string} type
 * @param {AbortSignal} [signal]
 */
async function post(name, body, type, signal) {
  const headers = { "Content-Type": type, "X-Visitor": VISITOR, "Accept-Language": language };
  const answer = await fetch(addressOf(name), { method: "POST", headers, body, signal });
  if (answer.ok) return answer;
  const { error } = await answer.json().catch(() => ({}));
  throw new Refused(error || `${answer.status} ${answer.statusText}`);
}

/**
 * The lines of a body that is still arriving. Who stops reading tells the server, which then stops computing.
 * @param {ReadableStream<Uint8Array>} body
 * @returns {AsyncGenerator<string>}
 */
export async function* linesOf(body) {
  const reader = body.getReader();
  const decoder = new TextDecoder();
  let rest = "";
  try {
    for (;;) {
      const { value, done } = await reader.read();
      const parts = (rest + decoder.decode(value, { stream: !done })).split("\n");
      rest = parts.pop() ?? "";
      yield* parts.filter(Boolean);
      if (done) break;
    }
    if (rest) yield rest;
  } finally {
    reader.cancel().catch(() => {}); // nothing to tell where the connection has broken
  }
}
