// A run as the server computes it: asked for with the controls by name, answered by a frame a line.

class Stream {
  constructor(names, inbox) {
    Object.assign(this, { names, inbox, asking: null });
  }

  // values: of the controls, in the order of `names`. `began` is told the run's id when it has begun.
  // Resolves with what was wrong, "" where nothing was.
  async ask(values, began) {
    this.asking = new AbortController();
    try {
      return await this.read(Object.fromEntries(this.names.map((name, i) => [name, values[i]])), began);
    } catch (error) {
      return error.name === "AbortError" ? "" : error.message;
    } finally {
      this.asking = null;
    }
  }

  async read(asked, began) {
    const answer = await fetch(`${location.pathname.replace(/\/$/, "")}/run`, {
      method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(asked), signal: this.asking.signal,
    });
    if (!answer.ok) return (await answer.json().catch(() => ({}))).error || `${answer.status} ${answer.statusText}`;
    for await (const line of lines(answer.body)) {
      const frame = JSON.parse(line);
      if (frame.error) return frame.error;
      began(frame.run);
      this.inbox.take(frame);
    }
    return "";
  }

  get busy() {
    return Boolean(this.asking);
  }

  // Give up waiting for the run to begin.
  abort() {
    this.asking?.abort();
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
