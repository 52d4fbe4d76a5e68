import { completionScript } from '../session/completion.ts';
import type { Verb } from '../parse/command.ts';

export const verb: Verb = {
  name: 'completion',
  owner: 'mlops',
  summary: 'Print a shell completion script',
  description:
    'The script asks mlops itself at each Tab, so stages, remotes and targets of the current project are offered too.',
  examples: [
    ['mlops completion bash > ~/.local/share/bash-completion/completions/mlops', 'for bash'],
    ['mlops completion zsh > "${fpath[1]}/_mlops"', 'for zsh'],
    ['mlops completion fish > ~/.config/fish/completions/mlops.fish', 'for fish'],
  ],
  args: [{ name: 'shell', optional: true, summary: 'bash, zsh or fish', choices: ['bash', 'zsh', 'fish'] }],
  flags: [
    {
      name: 'shell',
      short: 's',
      value: 'SHELL',
      summary: "as DVC spells it: the shell's name",
      choices: ['bash', 'zsh', 'fish'],
    },
  ],
  run(input, terminal) {
    terminal.write(completionScript(input.text('shell') ?? input.args[0] ?? 'bash'));
  },
};
