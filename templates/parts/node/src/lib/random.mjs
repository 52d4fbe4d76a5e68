// Random numbers that are the same in every run and on every machine. Math.random() cannot be given a seed.

/**
 * A generator of numbers from 0 (included) to 1 (excluded), 32 random bits each.
 * The algorithm is Tommy Ettinger's mulberry32: tiny, and good enough to shuffle and to start a network.
 */
export function createRandom(seed) {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 0x1_0000_0000;
  };
}

/** Shuffles `items` in place (Fisher-Yates: every order is equally likely) and returns it. */
export function shuffle(items, random) {
  for (let last = items.length - 1; last > 0; last--) {
    const chosen = Math.floor(random() * (last + 1));
    [items[last], items[chosen]] = [items[chosen], items[last]];
  }
  return items;
}
