import manifest from '../../../package.json' with { type: 'json' };

export const version: string = manifest.version;

/** The DVC whose commands, formats and texts are spoken here: what we say to be when called as `dvc`. */
export const dvcVersion = '3.67.1';
