// Gradio's opening screen leaves a clock running for ever, which asks for every frame: a page at rest took 5 % of a core,
// and a run on the same two cores 10 % longer. This runs before Gradio's own scripts. Loops of frames that began before the
// page stood, and still go on some seconds after, are not continued; what begins later is left alone.
(() => {
  const PATIENCE = 3000; // ms after the page stands
  const request = globalThis.requestAnimationFrame.bind(globalThis);
  let opening = true;
  let cut = false;
  let inLoop = false; // whether the callback that runs now was asked for while the page opened, or by one that was
  globalThis.requestAnimationFrame = (callback) => {
    if (!opening && !inLoop) return request(callback);
    if (cut) return 0;
    return request((now) => {
      inLoop = true;
      try {
        callback(now);
      } finally {
        inLoop = false;
      }
    });
  };
  const look = setInterval(() => {
    if (!document.querySelector(".tc-stage")) return;
    clearInterval(look);
    opening = false;
    setTimeout(() => {
      cut = true;
    }, PATIENCE);
  }, 200);
})();
