// Pieces of text to copy.

function mountSnippets(element, pieces, words) {
  element.replaceChildren(...pieces.map(([title, text]) => {
    const whole = text.replaceAll("{origin}", location.href.split("?")[0].replace(/\/$/, ""));
    const shown = el("pre", { tabindex: 0, "aria-label": title }, whole);
    const copy = () => copyText(whole, button, words, () => getSelection().selectAllChildren(shown));
    const button = el("button", { type: "button", class: "tc-action", "aria-label": `${words.copy}: ${title}`, onclick: copy }, words.copy);
    return el("section", { class: "tc-snippet" }, el("header", {}, el("h3", {}, title), button), shown);
  }));
}
