// What this browser remembers. One that keeps nothing, as in some frames, remembers it until the page is closed at most.

/** @param {string} key */
export function recall(key) {
  try {
    return localStorage.getItem(key) ?? "";
  } catch {
    return "";
  }
}

/** @param {string} key @param {string} text */
export function remember(key, text) {
  try {
    localStorage.setItem(key, text);
  } catch {
    // then it is forgotten
  }
}

/**
 * A value that was remembered as JSON; `other` where there is none, or something else wrote it.
 * @template Value
 * @param {string} key
 * @param {Value} other
 * @returns {Value}
 */
export function recallValue(key, other) {
  try {
    const found = JSON.parse(recall(key));
    return typeof found === typeof other && Array.isArray(found) === Array.isArray(other) ? (found ?? other) : other;
  } catch {
    return other;
  }
}
