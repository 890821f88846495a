// Elements in one call, and small things that browsers leave to the page.

/**
 * An element. Attributes that begin with "on" are listeners; false, null and undefined leave one out.
 * @template {keyof HTMLElementTagNameMap} Tag
 * @param {Tag} tag
 * @param {Record<string, any>} [attributes]
 * @param {...(Node | string | null | undefined)} children
 * @returns {HTMLElementTagNameMap[Tag]}
 */
export function el(tag, attributes = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else if (value === true) node.setAttribute(name, "");
    else if (value !== false && value !== null && value !== undefined) node.setAttribute(name, String(value));
  }
  for (const child of children) if (child !== null && child !== undefined) node.append(child);
  return node;
}

/**
 * A button of the stage.
 * @param {string} text
 * @param {(event: MouseEvent) => void} press
 * @param {Record<string, any>} [attributes]
 */
export function actionButton(text, press, attributes = {}) {
  return el("button", { type: "button", class: "tc-action", onclick: press, ...attributes }, text);
}

export function reducedMotion() {
  return matchMedia("(prefers-reduced-motion: reduce)").matches;
}

/** @param {Element | null | undefined} node @param {ScrollLogicalPosition} [block] */
export function scrollTo(node, block = "start") {
  node?.scrollIntoView({ block, behavior: reducedMotion() ? "instant" : "smooth" });
}

/**
 * Put a popover below what opened it, or above where it would leave the window.
 * @param {HTMLElement} popover
 * @param {Element} opener
 * @param {number} [shift] pixels to the right
 */
export function placePopover(popover, opener, shift = 0) {
  const at = opener.getBoundingClientRect();
  const { offsetWidth: width, offsetHeight: height } = popover;
  const below = at.bottom + 8;
  popover.style.left = `${Math.max(8, Math.min(at.left + shift, innerWidth - width - 8))}px`;
  popover.style.top = `${below + height > innerHeight ? Math.max(8, at.top - 8 - height) : below}px`;
}

const UNSTOPPABLE = 500; // ms after a start: the second of two quick clicks falls on Stop, and must not undo the first

/**
 * Let a button that has taken another one's place be pressed only after a moment.
 * @param {HTMLButtonElement} button
 * @param {() => boolean} isFocused whether it gets the focus then
 */
export function enableLater(button, isFocused) {
  button.disabled = true;
  setTimeout(() => {
    button.disabled = false;
    if (isFocused()) button.focus();
  }, UNSTOPPABLE);
}

/**
 * Let a button rest while something is done. Who pressed it by key stays on it.
 * @template Done
 * @param {HTMLButtonElement} button
 * @param {() => Promise<Done>} work
 */
export async function restWhile(button, work) {
  const held = document.activeElement === button;
  button.disabled = true;
  try {
    return await work();
  } finally {
    button.disabled = false;
    if (held && document.activeElement === document.body) button.focus({ preventScroll: true });
  }
}

/**
 * Copy a text, and say so on the button; where that is not allowed (or not on https) it is left to be copied by hand.
 * @param {string} text
 * @param {HTMLElement} button
 * @param {{copy: string, copied: string}} words
 * @param {() => void} byHand
 */
export async function copyText(text, button, words, byHand) {
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    return byHand();
  }
  button.textContent = words.copied;
  setTimeout(() => {
    button.textContent = words.copy;
  }, 2000);
}

/**
 * Attributes of what takes the arrow keys: with another role a screen reader would keep them for itself.
 * @param {string} what it is, as a screen reader names it
 */
export function takesArrows(what) {
  return { tabindex: 0, role: "application", "aria-roledescription": what };
}

/**
 * The element that has this id; it is part of the page's layout.
 * @param {string} id
 */
export function byId(id) {
  return document.getElementById(id);
}

/**
 * Unfold or fold the settings of the lanes ("dials"), or those that are rarely used ("more"). Gradio's button of a
 * fold does not say itself whether that is open.
 * @param {"dials" | "more"} name
 * @param {boolean} unfolded
 */
export function showFold(name, unfolded) {
  document.documentElement.classList.toggle(`tc-${name}`, unfolded);
  byId(`tc-${name}`)?.setAttribute("aria-expanded", String(unfolded));
}

/** @param {"dials" | "more"} name */
export function isUnfolded(name) {
  return document.documentElement.classList.contains(`tc-${name}`);
}

/**
 * Whether a key belongs to something that takes text or choices, or is part of a shortcut.
 * @param {KeyboardEvent} event
 * @param {string} typed what takes keys
 */
export function isTyping(event, typed = "input, textarea, select, [contenteditable]") {
  const target = /** @type {Element} */ (event.target);
  return event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || Boolean(target.closest?.(typed));
}
