import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import type { Opened } from './contract.ts';
import type { WebhookStore } from './webhook-store.ts';

/** What every kind does with webhooks; an address of its own takes no look-up by name. */
export function webhookContract(kind: string, open: () => Promise<Opened>): void {
  describe(`webhooks: ${kind}`, () => {
    let opened: Opened;
    let webhooks: WebhookStore;
    const url = 'https://192.0.9.1/hook';
    const events = [{ entity: 'model_version', action: 'created' }] as const;
    beforeEach(async () => {
      opened = await open();
      ({ webhooks } = opened.store);
    });
    afterEach(() => opened.close());

    it('are made, listed newest first in pages, changed and deleted', async () => {
      const hook = await webhooks.createWebhook({ name: 'ci', url, events, description: 'first', secret: 's' });
      expect(hook).toMatchObject({ name: 'ci', url, events, description: 'first', status: 'ACTIVE' });
      expect(hook.creationTime).toBeGreaterThan(1e12);
      const second = await webhooks.createWebhook({ name: 'two', url, events, status: 'DISABLED' });
      expect(second).toMatchObject({ description: undefined, status: 'DISABLED' });
      const page = await webhooks.listWebhooks({ maxResults: 1 });
      expect(page.items.map(({ name }) => name)).toEqual(['two']);
      const rest = await webhooks.listWebhooks({ maxResults: 1, pageToken: page.nextPageToken });
      expect(rest.items.map(({ name }) => name)).toEqual(['ci']);
      expect(rest.nextPageToken).toBeUndefined();
      const wider = [...events, { entity: 'prompt_tag', action: 'deleted' }] as const;
      await webhooks.updateWebhook(hook.id, { status: 'DISABLED', secret: '', events: wider });
      expect(await webhooks.getWebhook(hook.id)).toMatchObject({
        ...{ name: 'ci', description: 'first', status: 'DISABLED', secret: undefined },
        events: wider,
      });
      await webhooks.deleteWebhook(hook.id);
      for (const ask of [
        () => webhooks.getWebhook(hook.id),
        () => webhooks.updateWebhook(hook.id, { name: 'x' }),
        () => webhooks.deleteWebhook(hook.id),
      ]) {
        await expect(ask()).rejects.toMatchObject({ code: 'resource_missing' });
      }
    });

    it('have names of letters and digits', async () => {
      await expect(webhooks.createWebhook({ name: '-bad', url, events })).rejects.toMatchObject({
        code: 'invalid_value',
      });
    });
  });
}
