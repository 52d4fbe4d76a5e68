import { randomInt } from 'node:crypto';

const adjectives =
  'amber brave calm deft eager fair glad hardy ideal jolly keen lively mellow noble open plush quick rosy solid tidy upbeat vivid warm young zesty'.split(
    ' ',
  );
const nouns =
  'acorn birch cedar delta ember fjord grove heron islet jay knoll larch maple north olive pine quartz river spruce tern umber vale willow yarrow zenith'.split(
    ' ',
  );

/** A name that nobody took yet, easy to say and to type: `mellow-fjord`. */
export function freshName(taken: ReadonlySet<string>): string {
  for (let attempt = 0; attempt < 200; attempt++) {
    const name = `${adjectives[randomInt(adjectives.length)]}-${nouns[randomInt(nouns.length)]}`;
    if (!taken.has(name)) return name;
  }
  return `exp-${randomInt(2 ** 32).toString(16)}`;
}
