/** What recording loads when a stage is about to run, in one piece. */
export { lazyEndpoint } from './lazy-endpoint.ts';
export { afterGrace, openPlace, trackingPlace } from './tracking-home.ts';
