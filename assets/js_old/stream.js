// A run as the server computes it: asked for with the controls by name, answered by a frame a line.

class Stream {
  constructor(names, words, inbox) {
    Object.assign(this, { names, words, inbox, asking: null });
  }

  // values: of the controls, in the order of `names`. Resolves with what was wrong: "" where nothing was, or where the
  // run had begun, since the inbox knows whether it came to its end.
  async ask(values) {
    const asking = this.asking = { control: new AbortController(), begun: false };
    try {
      return await this.read(Object.fromEntries(this.names.map((name, i) => [name, values[i]])), asking);
    } catch (error) {
      return error.name === "AbortError" || asking.begun ? "" : this.words.no_answer;
    } finally {
      this.free(asking);
    }
  }

  async read(asked, asking) {
    const answer = await fetch(`${location.pathname.replace(/\/$/, "")}/run`, {
      method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(asked), signal: asking.control.signal,
    });
    if (!answer.ok) return (await answer.json().catch(() => ({}))).error || `${answer.status} ${answer.statusText}`;
    for await (const line of lines(answer.body)) {
      const frame = JSON.parse(line);
      if (frame.error) return frame.error;
      if (frame.kind === "waiting") continue;
      asking.begun = true;
      this.inbox.take(frame);
      if (frame.kind === "end") this.free(asking);
    }
    return "";
  }

  // Another one may be asked for.
  free(asking) {
    if (this.asking === asking) this.asking = null;
  }

  get busy() {
    return Boolean(this.asking);
  }

  abort() {
    this.asking?.control.abort();
  }
}

// Of a body that is still arriving.
async function* lines(body) {
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  for (;;) {
    const { value, done } = await reader.read();
    if (done) return;
    const parts = (rest + value).split("\n");
    rest = parts.pop();
    yield* parts;
  }
}
