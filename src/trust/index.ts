/** What of a clone is believed: the private folder, and where outputs may lie. */
export { makePrivateFolder, privateFile, privateFolder, privateSubfolder } from './private-folder.ts';
export { isOwnFile } from './owner.ts';
export { requireTrusted } from './clone-check.ts';
export { OutputPlaces, requirePlace } from './output-places.ts';
