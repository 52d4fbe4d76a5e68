/**
 * What of a clone is believed: the private folder, and where outputs may lie.
 *
 * Words: the *private folder* is `.mlops`, which only its owner may have written; a *place* is where an output lies.
 * Never: believes a path because a file that came with a clone says so.
 */
export { makePrivateFolder, privateFile, privateFolder, privateSubfolder } from './private-folder.ts';
export { isOwnFile } from './owner.ts';
export { requireTrusted } from './clone-check.ts';
export { OutputPlaces, requirePlace } from './output-places.ts';
