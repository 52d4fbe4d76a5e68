import type { Page } from './entities.ts';

/** All items of a paged search. */
export async function everything<Item>(
  search: (pageToken: string | undefined) => Promise<Page<Item>>,
): Promise<Item[]> {
  const items: Item[] = [];
  let pageToken: string | undefined;
  do {
    const page = await search(pageToken);
    items.push(...page.items);
    pageToken = page.nextPageToken === '' ? undefined : page.nextPageToken;
  } while (pageToken !== undefined);
  return items;
}
