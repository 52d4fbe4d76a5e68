// Stage 1: the corpus, written by rules and a seed, so that nothing is downloaded. Eight topics of three roles each; a
// profile is some sentences of words of its role, of its topic, and of words that everybody uses. (mlops needs Node in any
// case: this stage is JavaScript also where the others are Python.)
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';

const TOPICS = {
  kitchen: [['bread', 'oven', 'dough', 'flour'], ['knife', 'sauce', 'grill', 'butcher'], ['cake', 'sugar', 'cream', 'icing']],
  garden: [['rose', 'prune', 'hedge', 'lawn'], ['tomato', 'compost', 'seedling', 'harvest'], ['oak', 'chainsaw', 'timber', 'forest']],
  workshop: [['lathe', 'steel', 'weld', 'bolt'], ['plank', 'chisel', 'joint', 'varnish'], ['circuit', 'solder', 'sensor', 'wire']],
  clinic: [['nurse', 'ward', 'bandage', 'shift'], ['surgeon', 'scalpel', 'theatre', 'suture'], ['tooth', 'drill', 'crown', 'gum']],
  music: [['violin', 'bow', 'orchestra', 'score'], ['guitar', 'amplifier', 'chord', 'stage'], ['choir', 'voice', 'hymn', 'breath']],
  harbour: [['crane', 'container', 'dock', 'cargo'], ['net', 'trawler', 'herring', 'tide'], ['pilot', 'radar', 'channel', 'tug']],
  office: [['invoice', 'ledger', 'audit', 'tax'], ['hiring', 'interview', 'contract', 'payroll'], ['lawyer', 'court', 'clause', 'appeal']],
  software: [['server', 'kernel', 'network', 'deploy'], ['screen', 'button', 'layout', 'font'], ['query', 'table', 'index', 'schema']],
};
const COMMON = 'I work with my team every day and like to learn new things about it since many years for our customers'.split(' ');
const SHARED = {
  kitchen: ['recipe', 'menu', 'taste'], garden: ['soil', 'season', 'rain'], workshop: ['tool', 'bench', 'measure'],
  clinic: ['patient', 'care', 'health'], music: ['concert', 'rehearsal', 'tune'], harbour: ['ship', 'sea', 'quay'],
  office: ['deadline', 'client', 'meeting'], software: ['code', 'test', 'release'],
};

const params = readFileSync('params.yaml', 'utf8');
const setting = (name) => Number(new RegExp(`^load_data:\\n(?:  .*\\n)*?  ${name}: (\\d+)`, 'm').exec(params)?.[1]);
const [count, seed] = ['profiles', 'seed'].map(setting);

let state = seed >>> 0;
/** Tommy Ettinger's mulberry32: from 0 (included) to 1 (excluded). */
function random() {
  state = (state + 0x6d2b79f5) >>> 0;
  let mixed = Math.imul(state ^ (state >>> 15), state | 1);
  mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
  return ((mixed ^ (mixed >>> 14)) >>> 0) / 0x1_0000_0000;
}
const pick = (list) => list[Math.floor(random() * list.length)];

const topics = Object.keys(TOPICS);
const lines = ['id,topic,role,text'];
for (let n = 0; n < count; n++) {
  const topic = topics[n % topics.length];
  const role = Math.floor(random() * 3);
  const stranger = pick(topics);
  const words = Array.from({ length: 8 + Math.floor(random() * 12) }, () => {
    const dice = random();
    if (dice < 0.5) return pick(COMMON);
    if (dice < 0.68) return pick(SHARED[topic]);
    if (dice < 0.88) return pick(TOPICS[topic][role]);
    return pick(TOPICS[stranger][Math.floor(random() * 3)]); // everybody has hobbies
  });
  lines.push(`p${n},${topic},${topic}-${role + 1},${words.join(' ')}`);
}
mkdirSync('data/raw', { recursive: true });
writeFileSync('data/raw/profiles.csv', `${lines.join('\n')}\n`);
console.log(`${count} profiles of ${topics.length} topics`);
