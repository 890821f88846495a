// Gradio's opening screen leaves its clock running for ever, at every frame (6.31): a twentieth of a core of a page at
// rest. It is cut once the page stands. Runs before Gradio's own scripts.

(() => {
  const next = window.requestAnimationFrame.bind(window);
  let inside = false; // a frame of a clock that began before the page stood
  window.requestAnimationFrame = (callback) => {
    if (!(inside || !window.tokenCritic) || !/performance\.now\(\)\s*-/.test(callback)) return next(callback);
    if (window.tokenCritic) return 0;
    return next((now) => {
      inside = true;
      try {
        callback(now);
      } finally {
        inside = false;
      }
    });
  };
})();
