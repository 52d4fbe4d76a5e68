/**
 * Messages to the outside that must arrive: webhooks, alerts.
 *
 * Words: a *letter* waits in an *outbox*, which a store keeps; a *courier* carries letters of one kind; the *postman*
 * takes out what is due and tries again what fails. A *public* address is one of the open internet.
 * Never: knows what a letter says, keeps letters itself, or dials an address that its caller did not allow.
 */
export { checkWebhookUrl, isPublicAddress, type AddressRules } from './address.ts';
export { httpPost, isWorthRepeating, type PostAnswer, type PostOptions } from './http-post.ts';
export type { Claim, Letter, NewLetter, Outbox } from './outbox.ts';
export { openPostman, type Courier, type Outcome, type Postman, type PostmanOptions } from './postman.ts';
