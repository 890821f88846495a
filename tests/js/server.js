// A server that answers each question when the test says so, and enough of a document to build a part of the page in.

import { mock } from "node:test";

export class Question {
  /** @param {string} url @param {{body: string, signal?: AbortSignal}} given */
  constructor(url, { body, signal }) {
    this.name = url.split("/").at(-1);
    this.given = JSON.parse(body);
    /** @type {(response: Response) => void} */
    this.done = () => {};
    /** @type {(reason: unknown) => void} */
    this.fail = () => {};
    /** @type {Promise<Response>} */
    this.response = new Promise((done, fail) => {
      this.done = done;
      this.fail = fail;
    });
    /** @type {ReadableStreamDefaultController | null} */
    this.stream = null;
    if (signal?.aborted) this.fail(signal.reason);
    signal?.addEventListener("abort", () => {
      this.fail(signal.reason);
      this.stream?.error(signal.reason);
    });
  }

  /** @param {any} value @param {number} [status] */
  answer(value, status = 200) {
    this.done(Response.json(value, { status }));
    return atRest();
  }

  /** @param {string} error */
  refuse(error) {
    return this.answer({ error }, 422);
  }

  begin() {
    const start = (/** @type {ReadableStreamDefaultController} */ stream) => {
      this.stream = stream;
    };
    this.done(new Response(new ReadableStream({ start })));
  }

  /** @param {...any} lines of a run that goes on */
  send(...lines) {
    if (!this.stream) this.begin();
    for (const line of lines) this.stream?.enqueue(new TextEncoder().encode(`${JSON.stringify(line)}\n`));
    return atRest();
  }

  /** The answer ends. */
  end() {
    this.stream?.close();
    return atRest();
  }
}

/** Take the place of the server. Returns the questions, as they come. */
export function serve() {
  /** @type {Question[]} */
  const asked = [];
  mock.method(globalThis, "fetch", (/** @type {string} */ url, /** @type {any} */ given) => {
    asked.push(new Question(url, given));
    return asked[asked.length - 1].response;
  });
  return asked;
}

/** Wait until nothing moves any more. */
export async function atRest() {
  for (let i = 0; i < 10; i += 1) await new Promise((next) => setImmediate(next));
}

class FakeElement extends EventTarget {
  /** @type {any} */
  dataset = {};
  textContent = "";
  hidden = false;
  disabled = false;
  value = "";
  classList = { add() {}, toggle() {} };
  setAttribute() {}
  append() {}
  matches() {
    return false;
  }
  replaceChildren() {}
  contains() {
    return false;
  }
  /** @type {any[]} */
  children = [];
  focus() {
    /** @type {any} */ (globalThis).document.activeElement = this;
  }
}

/** Elements that can be built, and an address. @param {string} [search] */
export function fakePage(search = "") {
  const page = /** @type {any} */ (globalThis);
  const body = new FakeElement();
  page.document = { createElement: () => new FakeElement(), body, activeElement: body };
  page.location = new URL(`http://page/${search}`);
  page.visited = [];
  page.history = {
    state: null,
    pushState: (/** @type {any} */ _, /** @type {any} */ __, /** @type {URL} */ to) => page.go("push", to),
    replaceState: (/** @type {any} */ _, /** @type {any} */ __, /** @type {URL} */ to) => page.go("replace", to),
  };
  page.go = (/** @type {string} */ how, /** @type {URL} */ to) => {
    page.location = new URL(to);
    page.visited.push(how);
  };
  page.addEventListener = () => {};
  return page;
}
