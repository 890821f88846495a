// What each token looks like: one sheet of patches per pack, fetched once, shown as a background.

class Patches {
  constructor(root, fetch) {
    Object.assign(this, { root, fetch, known: {}, across: 1 });
  }

  // The sheet of a pack; until it is here patches are blank.
  async use(pack) {
    this.pack = pack;
    this.known[pack] ??= this.fetch(pack).catch(() => ({}));
    const { sheet, across } = await this.known[pack];
    if (this.pack !== pack || !sheet) return;
    this.across = across;
    this.root.style.setProperty("--tc-sheet", `url("${sheet}")`);
    this.root.style.setProperty("--tc-across", across);
  }

  node(token) {
    if (token === MASK) return el("i", { class: "tc-patch tc-key tc-masked" });
    return el("i", { class: "tc-patch", style: `--c:${token % this.across};--r:${Math.floor(token / this.across)}` });
  }
}
