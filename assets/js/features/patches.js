// What each token looks like: one sheet of patches per pack, fetched once, shown as a background.

import { MASK } from "../draw/frame.js";
import { el } from "../lib/dom.js";
import { ask } from "../transport/server.js";

export class Patches {
  /** @param {HTMLElement} root whose style names the sheet */
  constructor(root) {
    this.root = root;
    /** @type {Record<string, Promise<{sheet?: string, across?: number, codes?: number}>>} */
    this.known = {};
    this.pack = "";
    this.codes = 0; // of the pack, once they are here
  }

  /** Show the patches of a pack; until they are here patches are blank. @param {string} pack */
  async use(pack) {
    this.pack = pack;
    this.codes = 0;
    this.known[pack] ??= ask("patches", { pack }).catch(() => {
      delete this.known[pack]; // asked for again
      return {};
    });
    const { sheet, across = 1, codes = 0 } = await this.known[pack];
    if (this.pack !== pack || !sheet) return;
    this.codes = codes;
    this.root.style.setProperty("--tc-sheet", `url("${sheet}")`);
    this.root.style.setProperty("--tc-across", String(across));
  }

  /** @param {number} token */
  node(token) {
    if (token === MASK) return el("i", { class: "tc-patch tc-key tc-masked" });
    return el("i", { class: "tc-patch", style: `--t:${token}` });
  }
}
