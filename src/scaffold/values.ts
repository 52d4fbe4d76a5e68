import { didYouMean, MlopsError } from '../base/index.ts';
import type { TemplateFolder } from './manifest.ts';
import type { Values } from './substitute.ts';

/** How a language's programs are started and called. */
const languages: Readonly<Record<string, Values>> = {
  node: { run: 'node', ext: 'mjs' },
  python: { run: 'python3', ext: 'py' },
};

/**
 * All variables of a template: those given, then those of its manifest, then what is usual. Besides `project` there are
 * `slug` (the name as containers and clusters allow it: a-z, 0-9 and dashes), `lang`, `run` and `ext` (how its programs
 * are started, and how their names end), `next` (its commands, a line each), `ci` (github, gitlab, both, none) and `containers` (yes, no).
 * Throws `usage` for a language that the template does not have.
 */
export function completeValues(template: TemplateFolder, given: Values): Values {
  const lang = given['lang'] ?? template.languages[0] ?? 'node';
  const offered = template.languages;
  if (given['lang'] !== undefined && offered.length > 0 && !offered.includes(lang)) {
    throw new MlopsError('usage', `template '${template.name}' has no code in '${lang}'`, {
      hint: didYouMean(lang, offered) ?? `languages: ${offered.join(', ')}`,
    });
  }
  if (given['lang'] !== undefined && offered.length === 0) {
    throw new MlopsError('usage', `template '${template.name}' has one language only: leave --lang away`);
  }
  const project = given['project'];
  return {
    ci: 'both',
    containers: 'yes',
    next: template.next.join('\n'),
    ...(project === undefined ? {} : { slug: slugOf(project) }),
    ...languages[lang],
    ...template.variables,
    ...given,
    lang,
  };
}

/** As RFC 1123 wants labels, at most 40 characters. */
function slugOf(project: string): string {
  const words = project.toLowerCase().split(/[^a-z0-9]/);
  const slug = words.filter((word) => word !== '').join('-');
  const cut = slug.slice(0, 40);
  return cut === '' ? 'project' : cut.endsWith('-') ? cut.slice(0, -1) : cut;
}
