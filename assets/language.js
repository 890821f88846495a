// Which language the page speaks: what its address says, else what was chosen last, else the browser's, else English.
// This runs at the end of the head, before Gradio's own scripts. They follow the browser's language, so they are told
// ours; and what Gradio takes for its English words of the page are those of this language, which it may not know.
(() => {
  const { languages = "en", modules = "" } = /** @type {HTMLElement} */ (document.currentScript).dataset;
  const known = languages.split(" ");
  const remembered = () => {
    try {
      return localStorage.getItem("token-critic-language");
    } catch {
      return null; // a browser may allow no storage, as in a frame
    }
  };
  const wanted = [new URLSearchParams(location.search).get("lang"), remembered(), ...navigator.languages];
  const tags = wanted.flatMap((tag) => (tag ? [tag, tag.split("-")[0]] : [])).map((tag) => tag.toLowerCase());
  const knows = (/** @type {string} */ tag) => known.find((one) => one.toLowerCase() === tag);
  const language = tags.map(knows).find(Boolean) ?? "en";
  document.documentElement.lang = language;
  document.documentElement.dataset.language = language; // Gradio sets `lang` to one that it knows
  Object.defineProperties(navigator, {
    language: { get: () => language },
    languages: { get: () => [language] },
  });
  const config = /** @type {any} */ (globalThis).gradio_config;
  const words = config?.i18n_translations?.[language];
  if (words) config.i18n_translations = { en: words, [language]: words };
  const path = `${location.pathname.replace(/\/?$/, "/")}${modules}/config.${language}.json`;
  const link = Object.assign(document.createElement("link"), { rel: "preload", as: "fetch", href: path });
  link.crossOrigin = "anonymous";
  document.head.append(link);
})();
