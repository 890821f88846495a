/**
 * Draws avatars for engine/data/avatars: reads one JSON document from stdin, writes pictures to stdout.
 *
 * In: {size, styles: [{package, options, derived, differ, needs, scale, translateY}], ranges: [{split, first, last}]}.
 * Out, for each picture first <= i < last of each range: one line of JSON with its parts, then
 * size * size * 3 bytes of RGB. Picture i shows style i mod S and depends on nothing but (style, split, i).
 */

import { createHash } from "node:crypto";
import { readFileSync, writeSync } from "node:fs";

import { createAvatar } from "@dicebear/core";
import { Resvg } from "@resvg/resvg-js";

const TEST_SHARE = 0.1; // of a style's recipes are only ever drawn for the held-out split
const SILENT = ["backgroundType", "backgroundRotation", "primaryBackgroundColor", "secondaryBackgroundColor"];

/** Random numbers in [0, 1) for a name (sfc32): DiceBear's own draw the same parts for names that differ little. */
function stream(name) {
  const digest = createHash("sha256").update(name).digest();
  let [a, b, c, d] = [0, 4, 8, 12].map((at) => digest.readInt32LE(at));
  return () => {
    const sum = (((a + b) | 0) + d) | 0;
    d = (d + 1) | 0;
    a = b ^ (b >>> 9);
    b = (c + (c << 3)) | 0;
    c = (((c << 21) | (c >>> 11)) + sum) | 0;
    return (sum >>> 0) / 2 ** 32;
  };
}

/** DiceBear's options with one choice each, which leaves it nothing to draw by lot. */
function choose(style, next) {
  const pick = (values) => values[Math.floor(next() * values.length)];
  const chosen = {};
  for (const [key, values] of style.choices) {
    if (key in style.probabilities) {
      const shown = next() * 100 < style.probabilities[key];
      chosen[`${key}Probability`] = shown ? 100 : 0;
    }
    if (style.integers.has(key)) {
      const [low, high] = values;
      const value = low + Math.floor(next() * (high - low + 1));
      chosen[key] = [value, value];
    } else {
      const other = chosen[style.differ[key]] ?? [];
      chosen[key] = [pick(values.filter((value) => !other.includes(value)))];
    }
  }
  return chosen;
}

/** What was drawn: the parts and colours that are there, without what never differs. */
function recipeOf(avatar, style, chosen) {
  const { extra, svg } = avatar.toJson();
  const recipe = {};
  for (const [key, value] of Object.entries(extra)) {
    const absent = style.needs[key] && extra[style.needs[key]] === undefined;
    const unused = key.endsWith("Color") && !svg.includes(value); // by this head, say
    const told = value !== undefined && !SILENT.includes(key) && !style.constant.has(key);
    if (told && !absent && !unused) recipe[key] = value;
  }
  for (const key of style.integers) recipe[key] = chosen[key][0];
  if (chosen.backgroundColor) recipe.backgroundColor = `#${chosen.backgroundColor[0]}`;
  return Object.fromEntries(Object.entries(recipe).sort(([one], [other]) => (one < other ? -1 : 1)));
}

/** Whether a recipe is only drawn for the held-out split, so that none is in both. */
function isHeldOut(name, recipe) {
  const digest = createHash("sha256").update(`${name}/${JSON.stringify(recipe)}`).digest();
  return digest.readUIntBE(0, 6) / 2 ** 48 < TEST_SHARE;
}

/** The parts, colours and numbers that can be chosen for a style, from its schema and our options. */
async function prepare(style) {
  const { schema, create, meta } = await import(`@dicebear/${style.package}`);
  const prepared = { name: style.package, style: { schema, create, meta }, probabilities: {}, integers: new Set() };
  const given = style.options ?? {};
  const choices = {};
  for (const [key, property] of Object.entries(schema.properties)) {
    const value = given[key] ?? property.default;
    if (key.endsWith("Probability")) prepared.probabilities[key.slice(0, -"Probability".length)] = value;
    else if (property.type === "array" && !(style.derived ?? []).includes(key)) choices[key] = value;
    if (property.items?.type === "integer") prepared.integers.add(key);
  }
  const unknown = Object.keys(given).filter((key) => !(key in schema.properties));
  if (unknown.length) throw new Error(`${style.package} has no option ${unknown[0]}`);
  const late = (key) => (key in (style.differ ?? {}) ? 1 : 0); // after the one that it must differ from
  prepared.choices = Object.entries(choices).sort(
    ([one], [other]) => late(one) - late(other) || (one < other ? -1 : 1),
  );
  prepared.constant = new Set(
    prepared.choices
      .filter(([key, values]) => values.length < 2 && !(key in prepared.probabilities))
      .map(([key]) => key),
  );
  prepared.needs = style.needs ?? {};
  prepared.differ = style.differ ?? {};
  prepared.place = { scale: style.scale ?? 100, translateY: style.translateY ?? 0, clip: false };
  return prepared;
}

/** Recipe and SVG of picture i: the first draw whose recipe belongs to the split. */
function design(style, split, i) {
  for (let attempt = 0; ; attempt++) {
    const chosen = choose(style, stream(`${style.name}/${split}/${i}/${attempt}`));
    const avatar = createAvatar(style.style, { ...chosen, ...style.place });
    const recipe = recipeOf(avatar, style, chosen);
    if (isHeldOut(style.name, recipe) === (split !== "train")) return { recipe, svg: avatar.toString() };
  }
}

/** RGB bytes of an SVG on white. */
function render(svg, size) {
  const options = { fitTo: { mode: "width", value: size }, background: "white", font: { loadSystemFonts: false } };
  const rgba = new Resvg(svg, options).render().pixels;
  const rgb = Buffer.alloc(size * size * 3);
  for (let from = 0, to = 0; to < rgb.length; from += 4, to += 3) {
    rgb[to] = rgba[from];
    rgb[to + 1] = rgba[from + 1];
    rgb[to + 2] = rgba[from + 2];
  }
  return rgb;
}

function write(buffer) {
  for (let done = 0; done < buffer.length; ) done += writeSync(1, buffer, done);
}

const { size, styles, ranges } = JSON.parse(readFileSync(0, "utf8"));
const prepared = await Promise.all(styles.map(prepare));
const spent = { svg: 0, render: 0, pictures: 0 };
for (const { split, first, last } of ranges) {
  for (let i = first; i < last; i++) {
    const start = performance.now();
    const { recipe, svg } = design(prepared[i % prepared.length], split, Math.floor(i / prepared.length));
    const middle = performance.now();
    const rgb = render(svg, size);
    spent.svg += middle - start;
    spent.render += performance.now() - middle;
    spent.pictures++;
    write(Buffer.concat([Buffer.from(`${JSON.stringify(recipe)}\n`), rgb]));
  }
}
process.stderr.write(JSON.stringify(spent));
