import { randomInt } from 'node:crypto';

const adjectives =
  'able amber ample bold brave bright brisk calm clean clear clever cosmic crisp curious deft eager early fair fast fine fleet fond frank fresh gentle glad golden grand happy honest humble jolly keen kind light lively loyal lucid mellow merry mild modest neat nimble noble open patient placid polite proud quick quiet rapid rare ready rich robust rustic serene sharp silent sleek smart smooth snug solid spry steady still stoic sunny swift tidy tough trim upbeat valid vivid warm wise witty zesty'.split(
    ' ',
  );
const nouns =
  'ant ape asp bass bat bear bee bird boar bug carp cat chimp cod colt conch cow crab crane crow cub deer doe dog dolphin donkey dove duck eel elk fawn finch fish flea fly foal fowl fox frog gnat goat goose grouse gull hare hawk hen hog horse hound ibex jay kit koi lamb lark loon lynx mare midge mink mole moose moth mouse mule newt owl ox panda perch pig pug quail ram ray robin roo rook seal shad shark sheep shrew shrike skink skunk sloth slug smelt snail snake snipe sow sponge squid squirrel stag steed stoat stork swan tern toad trout turtle vole wasp whale wolf worm wren yak zebra'.split(
    ' ',
  );

/** A name for a run that was given none: `adjective-noun-number`, at most 20 characters, as MLflow makes them. */
export function randomRunName(): string {
  for (;;) {
    const name = `${pick(adjectives)}-${pick(nouns)}-${randomInt(1000)}`;
    if (name.length <= 20) return name;
  }
}

function pick(words: readonly string[]): string {
  return words[randomInt(words.length)] ?? 'run';
}
