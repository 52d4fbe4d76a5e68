// Texts as counts of known words, each times its weight: what ONNX's TfIdfVectorizer does.
import { log } from './lib/exact-math.mjs';

/** [word, weight] of all words that at least two texts have, in order; the weight is 1 for `counts`. */
export function learnWords(texts, model) {
  const found = new Map();
  for (const text of texts) for (const word of new Set(text.split(' '))) found.set(word, (found.get(word) ?? 0) + 1);
  return [...found]
    .filter(([word, count]) => word !== '' && count >= 2)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([word, count]) => [word, model === 'counts' ? 1 : Math.fround(log((1 + texts.length) / (1 + count)) / 2)]);
}

export function toVector(words, text) {
  const place = new Map(words.map(([word], index) => [word, index]));
  const vector = new Float64Array(words.length);
  for (const word of text.split(' ')) if (place.has(word)) vector[place.get(word)] += words[place.get(word)][1];
  return vector;
}
