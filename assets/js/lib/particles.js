// Korean particles after words that are filled in: 을(를) becomes 을 or 를, by how the word before it ends.
// app/text/particles.py does the same; tests/fixtures/particles.json holds both to the same cases.

/** As it stands in a sentence: after a final consonant, after none. @type {Record<string, [string, string]>} */
const AFTER = {
  "은(는)": ["은", "는"],
  "이(가)": ["이", "가"],
  "을(를)": ["을", "를"],
  "과(와)": ["과", "와"],
  "(으)로": ["으로", "로"],
  "(이)": ["이", ""],
};
const BOTH = /은\(는\)|이\(가\)|을\(를\)|과\(와\)|\(으\)로|\(이\)/g;
/** 영, 일, 삼, 육, 칠, 팔; the others end in a vowel. @type {Record<string, string>} */
const NUMBERS = { 0: "ㅇ", 1: "ㄹ", 3: "ㅁ", 6: "ㄱ", 7: "ㄹ", 8: "ㄹ" };
/** 엘, 엠, 엔, 알. @type {Record<string, string>} */
const LETTERS = { l: "ㄹ", m: "ㅁ", n: "ㄴ", r: "ㄹ" };
const ENDINGS = [
  ["ng", "ㅇ"],
  ["l", "ㄹ"],
  ["m", "ㅁ"],
  ["n", "ㄴ"],
  ["b", "ㅂ"],
  ["c", "ㄱ"],
  ["k", "ㄱ"],
  ["p", "ㅂ"],
  ["t", "ㅅ"],
];
const SPELT = /(?:^|[^A-Za-z])(?:[A-Za-z]|[B-DF-HJ-NP-TV-Z]+)$|[a-z][A-Z]$/; // read letter by letter
const CLOSING = /[\s\u2060)\]}”’"'»」』]+$/; // with the word joiner, which holds a particle to its bracket
const IN_BRACKETS = /(?<=\S)\s*\([^()]*\)[\s\u2060]*$/;
const FINALS = 28; // of a syllable in Unicode: none, then 27 consonants
const RIEUL = 8;

/**
 * Each particle that is written in both forms becomes the one that fits the word before it.
 * @param {string} sentence
 */
export function chooseParticles(sentence) {
  return sentence.replace(BOTH, (both, /** @type {number} */ at) => {
    const [closed, open] = AFTER[both];
    const final = finalConsonant(sentence.slice(0, at));
    return final && !(final === "ㄹ" && both === "(으)로") ? closed : open;
  });
}

/**
 * The consonant with which a text ends when it is read aloud in Korean; "" where it ends in a vowel.
 * Of a Korean syllable only ㄹ is told from the others ("ㅇ"). Closing quotes are not read, nor what stands in brackets
 * after a word.
 * @param {string} text
 */
function finalConsonant(text) {
  const read = text.replace(IN_BRACKETS, "").replace(CLOSING, "");
  const last = read.at(-1) ?? "";
  if (last >= "가" && last <= "힣") {
    const final = (last.charCodeAt(0) - "가".charCodeAt(0)) % FINALS;
    return final ? (final === RIEUL ? "ㄹ" : "ㅇ") : "";
  }
  if (!/[A-Za-z]/.test(last)) return NUMBERS[last] ?? "";
  if (SPELT.test(read)) return LETTERS[last.toLowerCase()] ?? "";
  return ENDINGS.find(([ending]) => read.toLowerCase().endsWith(ending))?.[1] ?? "";
}
