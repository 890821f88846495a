// A frame as it came -> typed arrays and a picture that can be drawn. No score is NaN.

const KEPT = 0, NEW = 1, MASKED = 2, REVOKED = 3;
const STATES = ["kept", "new", "masked", "revoked"];
const MASK = -1;

function bytes(text) {
  const letters = atob(text);
  const found = new Uint8Array(letters.length);
  for (let i = 0; i < letters.length; i += 1) found[i] = letters.charCodeAt(i);
  return found;
}

async function decodeFrame(frame) {
  const picture = new Image();
  picture.src = frame.picture;
  const state = bytes(frame.state);
  const scores = new Float32Array(bytes(frame.scores).buffer);
  const ranked = new Float32Array(bytes(frame.ranked).buffer);
  const decoded = {
    s: frame.s,
    steps: frame.steps,
    temperature: frame.temperature,
    tokens: new Int32Array(bytes(frame.tokens).buffer),
    proposal: new Int32Array(bytes(frame.proposal).buffer),
    scores,
    order: orderOf(ranked),
    state,
    counts: countStates(state),
    scored: scores.some((score) => !Number.isNaN(score)),
    confidence: new Float32Array(bytes(frame.confidence).buffer),
    topTokens: new Uint16Array(bytes(frame.top_tokens).buffer), // five of each place
    topProbs: new Uint16Array(bytes(frame.top_probs).buffer), // of 65535
    digest: frame.digest,
    picture,
  };
  await picture.decode();
  return decoded;
}

// The scores of a step; of the last one, which has none, those that were asked for later.
function scoresOf(frame) {
  return frame.judged ?? frame.scores;
}

function countStates(state) {
  const counts = [0, 0, 0, 0];
  for (const one of state) counts[one] += 1;
  return counts;
}

// The rank of each token among those ranked: 0 is masked first, 1 is kept first.
// Ranked scores have another scale under each rule; their order has the same in all.
function orderOf(ranked) {
  const order = new Float32Array(ranked.length).fill(NaN);
  const places = [...ranked.keys()].filter((i) => !Number.isNaN(ranked[i]));
  places.sort((a, b) => ranked[a] - ranked[b] || a - b);
  places.forEach((place, rank) => { order[place] = places.length > 1 ? rank / (places.length - 1) : 1; });
  return order;
}

// What Step.digest() hashes, so that anyone can check that the page shows what the engine recorded.
async function digestOf(frame) {
  const scores = frame.scores.map((score) => (Number.isNaN(score) ? -1 : score));
  const whole = await new Blob([frame.tokens, frame.proposal, scores, frame.state]).arrayBuffer();
  const hash = new Uint8Array(await crypto.subtle.digest("SHA-256", whole));
  return [...hash].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}
