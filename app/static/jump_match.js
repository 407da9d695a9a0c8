// Ranks places by a typed text: beginnings before parts of words, these before letters in their order, and those before a slip.

export const plain = (text) =>
  text
    .normalize("NFKD")
    .replace(/\p{M}/gu, "")
    .toLowerCase();

// The number of letters that are wrong, missing, too many or swapped; `most` where it is more.
const countSlips = (one, other, most) => {
  let before = [];
  let row = Array.from({ length: other.length + 1 }, (_, nth) => nth);
  for (let i = 1; i <= one.length; i++) {
    const next = [i];
    for (let j = 1; j <= other.length; j++) {
      const isSame = one[i - 1] === other[j - 1];
      let least = Math.min(row[j] + 1, next[j - 1] + 1, row[j - 1] + (isSame ? 0 : 1));
      if (i > 1 && j > 1 && one[i - 1] === other[j - 2] && one[i - 2] === other[j - 1]) least = Math.min(least, before[j - 2] + 1);
      next.push(least);
    }
    if (Math.min(...next) > most) return most + 1;
    [before, row] = [row, next];
  }
  return row[other.length];
};

const hasInOrder = (letters, text) => {
  let at = 0;
  for (const letter of letters) {
    at = text.indexOf(letter, at) + 1;
    if (!at) return false;
  }
  return true;
};

// How well a word of the query fits a text: 0 not at all, 100 at its beginning.
const scoreWord = (word, text, words) => {
  if (text.startsWith(word)) return text.length === word.length ? 100 : 90;
  if (words.some((each) => each.startsWith(word))) return 75;
  if (text.includes(word)) return 55;
  if (word.length < 3) return 0;
  if (word.length < 30 && words.some((each) => each[0] === word[0] && hasInOrder(word, each))) return 30;
  const most = word.length < 4 ? 0 : word.length < 8 ? 1 : 2;
  const isNear = (each) =>
    [0, -1, 1].some((more) => each.length >= word.length + more && countSlips(word, each.slice(0, word.length + more), most) <= most);
  return most && word.length < 30 && words.some(isNear) ? 20 : 0;
};

// The places that have every word of the query, best first, each with its score.
export const rank = (query, places) => {
  const asked = plain(query).split(/\s+/).filter(Boolean);
  if (!asked.length) return places.map((place) => ({ place, score: 0 }));
  const whole = asked.join(" ");
  return places
    .map((place) => {
      const text = plain(place.name);
      const also = plain(place.also ?? "");
      const words = `${text} ${also}`.split(/[^\p{L}\p{N}]+/u).filter(Boolean);
      if (text.startsWith(whole)) return { place, score: text === whole ? 110 : 95 };
      const scores = asked.map((word) => scoreWord(word, text, words) || (also.includes(word) ? 40 : 0));
      return { place, score: scores.every(Boolean) ? scores.reduce((sum, each) => sum + each, 0) / scores.length : 0 };
    })
    .filter(({ score }) => score > 0)
    .sort((one, other) => other.score - one.score);
};
