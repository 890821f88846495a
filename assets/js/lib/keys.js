// The two keys of a clicker, and those that step through a run as they do.

/** @type {Record<string, string>} */
export const CLICKER = { PageUp: ",", PageDown: "." };
