// Pieces of text to copy.

function mountSnippets(element, pieces, words) {
  element.replaceChildren(...pieces.map(([title, text]) => {
    const whole = text.replaceAll("{origin}", location.href.split("?")[0].replace(/\/$/, ""));
    const button = el("button", { type: "button", class: "tc-action", "aria-label": `${words.copy}: ${title}`, onclick: () => copy() }, words.copy);
    const shown = el("pre", { tabindex: 0, "aria-label": title }, whole);
    const copy = async () => {
      try {
        await navigator.clipboard.writeText(whole);
        button.textContent = words.copied;
        setTimeout(() => { button.textContent = words.copy; }, 2000);
      } catch { // not allowed, or not on https: marked, to be copied by hand
        getSelection().selectAllChildren(shown);
      }
    };
    return el("section", { class: "tc-snippet" }, el("header", {}, el("h3", {}, title), button), shown);
  }));
}
