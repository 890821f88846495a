// Gradio's opening screen leaves a clock running for ever, which asks for every frame: a page at rest took 5 % of a core,
// and a run on the same two cores 10 % longer. This runs before Gradio's own scripts. Loops of frames that began before the
// page stood, and still go on some seconds after, get a frame twice a second: none is stopped. What begins later is left
// alone.
(() => {
  const PATIENCE = 3000; // ms after the page stands
  const PAUSE = 500; // ms between two frames of such a loop
  const request = globalThis.requestAnimationFrame.bind(globalThis);
  let opening = true;
  let slow = false;
  let inLoop = false; // whether the callback that runs now was asked for while the page opened, or by one that was
  globalThis.requestAnimationFrame = (callback) => {
    if (!opening && !inLoop) return request(callback);
    const step = (/** @type {number} */ now) => {
      inLoop = true;
      try {
        callback(now);
      } finally {
        inLoop = false;
      }
    };
    if (!slow) return request(step);
    setTimeout(() => request(step), PAUSE);
    return 0;
  };
  const look = setInterval(() => {
    if (!document.querySelector(".tc-stage")) return;
    clearInterval(look);
    opening = false;
    setTimeout(() => {
      slow = true;
    }, PATIENCE);
  }, 200);
})();
