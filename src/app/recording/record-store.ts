/** What recording loads when a stage is about to run, in one piece. */
export { lazyEndpoint } from '../endpoint/lazy-endpoint.ts';
export { afterGrace, openPlace, trackingPlace } from '../places/tracking-home.ts';
