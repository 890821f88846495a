// Elements in one call, and sentences with holes.

function el(tag, attributes = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else if (value === true) node.setAttribute(name, "");
    else if (value !== false && value !== null && value !== undefined) node.setAttribute(name, value);
  }
  node.append(...children.filter((child) => child !== null && child !== undefined));
  return node;
}

function fill(sentence, values) {
  return sentence.replace(/\{(\w+)\}/g, (_, name) => values[name]);
}

function reducedMotion() {
  return matchMedia("(prefers-reduced-motion: reduce)").matches;
}

// Copy a text, and say so on the button; where that is not allowed (or not on https) it is left to be copied by hand.
async function copyText(text, button, words, byHand) {
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    return byHand();
  }
  button.textContent = words.copied;
  setTimeout(() => { button.textContent = words.copy; }, 2000);
}

function mean(values) {
  return values.reduce((sum, one) => sum + one, 0) / values.length;
}

function plural(words, count) {
  return fill(count === 1 ? words.one : words.many, { n: count });
}
