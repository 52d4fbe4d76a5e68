import type { Page } from '../../mlflow/index.ts';

interface Paging {
  readonly maxResults?: number | undefined;
  readonly pageToken?: string | undefined;
}

/** Rows looked at for one answer, at most: who may read hardly anything gets a short page and goes on from there. */
const mostLooked = 20_000;

/**
 * A page of what the caller may read. Each further question asks for what is missing only, so its token continues
 * exactly behind the last item that is given out.
 */
export async function readable<Item>(
  search: Paging,
  ask: (page: Paging) => Promise<Page<Item>>,
  mayRead: (item: Item) => boolean,
): Promise<Page<Item>> {
  const items: Item[] = [];
  const first = await ask({ maxResults: search.maxResults, pageToken: search.pageToken });
  items.push(...first.items.filter(mayRead));
  let { nextPageToken } = first;
  // Without a wish the store's own size of a page is what it gave.
  const wanted = search.maxResults ?? first.items.length;
  let looked = first.items.length;
  while (nextPageToken !== undefined && nextPageToken !== '' && items.length < wanted && looked < mostLooked) {
    const page = await ask({ maxResults: wanted - items.length, pageToken: nextPageToken });
    items.push(...page.items.filter(mayRead));
    looked += page.items.length;
    ({ nextPageToken } = page);
  }
  return { ...first, items, nextPageToken };
}
