import type * as http from 'node:http';
import { expect, it, vi } from 'vitest';

import type { Answer } from '../../../test/support/answers.ts';
import { errorAnswer, failure, storeOn } from '../../../test/support/fake-s3.ts';
import type { BlobStore } from '../port/blob-store.ts';
import { openStore } from '../index.ts';

vi.setConfig({ testTimeout: 60_000 });

it('a refusal is told at once, in the words of the server', async () => {
  let asked = 0;
  const store = await storeOn((_, response) => {
    asked++;
    errorAnswer(response, 403, 'AccessDenied');
  });
  const told = await failure(store.write('a', Buffer.from('x')));
  expect(told).toMatchObject({
    code: 'remote_denied',
    message: expect.stringContaining('Said AccessDenied') as string,
  });
  expect((await failure(keysOf(store))).code).toBe('remote_denied');
  expect((await failure(store.exists('a'))).code).toBe('remote_denied');
  expect(asked).toBe(3);
  const expired = await storeOn((_, response) => errorAnswer(response, 400, 'ExpiredToken'));
  expect(await failure(expired.read('a'))).toMatchObject({
    code: 'remote_denied',
    hint: expect.stringContaining('new credentials') as string,
  });
});

it('a clock that is wrong is set by the server’s; a server that is never content is told of', async () => {
  const ahead = 3 * 3600_000;
  const times: number[] = [];
  const strict: Answer = (request, response) => {
    const stamp = String(request.headers['x-amz-date']).replace(
      /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/,
      '$1-$2-$3T$4:$5:$6Z',
    );
    const now = Date.now() + ahead;
    times.push(Date.parse(stamp) - now);
    response.setHeader('date', new Date(now).toUTCString());
    if (Math.abs(Date.parse(stamp) - now) < 15 * 60_000) response.writeHead(200, { etag: '"e"' }).end();
    else if (request.method === 'HEAD') response.writeHead(403).end();
    else errorAnswer(response, 403, 'RequestTimeTooSkewed');
  };
  const store = await storeOn(strict);
  await store.write('a', Buffer.from('x'));
  await store.write('b', Buffer.from('x'));
  expect(times.map((time) => Math.abs(time) < 60_000)).toEqual([false, true, true]);
  expect(await (await storeOn(strict)).exists('a')).toBe(true);
  const never = await storeOn((_, response) => errorAnswer(response, 403, 'RequestTimeTooSkewed'));
  expect(await failure(never.read('a'))).toMatchObject({
    code: 'remote_denied',
    message: expect.stringContaining('clock') as string,
  });
});

it('a bucket of another region is found where the server says', async () => {
  const regions: string[] = [];
  const regional =
    (answer: (response: http.ServerResponse, method: string) => void): Answer =>
    (request, response) => {
      const region = /\/(\w+-\w+-\d)\/s3\//.exec(String(request.headers.authorization))?.[1] ?? '';
      regions.push(region);
      if (region === 'eu-west-3') response.writeHead(200, { etag: '"e"' }).end();
      else answer(response, request.method ?? '');
    };
  const header = { 'x-amz-bucket-region': 'eu-west-3' };
  for (const handler of [
    regional((response) => response.writeHead(301, header).end()),
    regional((response) => errorAnswer(response, 301, 'PermanentRedirect', '<Region>eu-west-3</Region>')),
    regional((response) => errorAnswer(response, 400, 'AuthorizationHeaderMalformed', '<Region>eu-west-3</Region>')),
  ]) {
    const store = await storeOn(handler, { region: 'us-west-2' });
    regions.length = 0;
    await store.write('a', Buffer.from('x'));
    await store.write('b', Buffer.from('x'));
    expect(regions).toEqual(['us-west-2', 'eu-west-3', 'eu-west-3']);
  }
  const head = await storeOn(regional((response) => response.writeHead(400, header).end()));
  expect(await head.exists('a')).toBe(true);
});

it('a redirect to elsewhere, and one in a circle, are told with the place, and not followed', async () => {
  const location = 'https://sso.example/login?token=abc';
  const away = await storeOn((_, response) => response.writeHead(302, { location }).end());
  const told = await failure(away.read('a'));
  expect(told).toMatchObject({ code: 'remote_misconfigured' });
  expect(told.message).toContain('302');
  expect(told.message).toContain('https://sso.example/login');
  expect(told.message).not.toContain('abc');
  const circle = await storeOn((request, response) => {
    const other = String(request.headers.authorization).includes('/eu-west-1/') ? 'eu-west-2' : 'eu-west-1';
    response.writeHead(301, { 'x-amz-bucket-region': other }).end();
  });
  expect((await failure(circle.read('a'))).code).toBe('remote_misconfigured');
});

it('lists odd names, escaped as the server says, over pages', async () => {
  const names = ['a b', 'a+b', 'ä/ü', '100%', '%41', '&<>"', '\u0001', '日本', 'x'];
  const queryEscaped = (name: string): string => encodeURIComponent(name).replaceAll('%20', '+').replaceAll('%2F', '/');
  const entry = (key: string): string =>
    `<Contents><Key>${key}</Key><Size>3</Size><ETag>&quot;e&quot;</ETag></Contents>`;
  const store = await storeOn((request, response) => {
    const query = new URL(request.url ?? '', 'http://x').searchParams;
    expect(query.get('encoding-type')).toBe('url');
    const rest = names.slice(Number(query.get('continuation-token') ?? 0));
    const page = rest.slice(0, 4).map((name) => entry(`p/${queryEscaped(name)}`));
    const next = names.length - rest.length + 4;
    const more = `<IsTruncated>${rest.length > 4}</IsTruncated><NextContinuationToken>${next}</NextContinuationToken>`;
    listing(response, `${page.join('')}${entry('p/folder/')}`, `<EncodingType>url</EncodingType>${more}`);
  });
  expect(await keysOf(store)).toEqual(names);
  const plain = await storeOn((_, response) => listing(response, ['p/a+b', 'p/100%', 'p/&lt;'].map(entry).join('')));
  expect(await keysOf(plain)).toEqual(['a+b', '100%', '<']);
});

it('a listing that never ends or says nothing of its next page is told, not taken for whole', async () => {
  const more = '<IsTruncated>true</IsTruncated>';
  for (const token of ['', '<NextContinuationToken>same</NextContinuationToken>']) {
    const store = await storeOn((_, response) => listing(response, '', more + token));
    expect(await failure(keysOf(store))).toMatchObject({
      code: 'remote_misconfigured',
      message: expect.stringContaining('to the end') as string,
    });
  }
});

it('access points and directory buckets are refused by name', async () => {
  for (const bucket of ['data--use1-az4--x-s3', 'arn:aws:s3:us-east-1:1:accesspoint']) {
    const told = await failure(openStore(`s3://${bucket}/x`));
    expect(told).toMatchObject({ code: 'remote_unsupported', message: expect.stringContaining(bucket) as string });
  }
});

it('an archived object is told as such', async () => {
  const store = await storeOn((_, response) => errorAnswer(response, 403, 'InvalidObjectState'));
  expect(await failure(store.read('a'))).toMatchObject({
    code: 'remote_unsupported',
    message: expect.stringContaining("'p/a'") as string,
    hint: expect.stringContaining('restore') as string,
  });
});

it('a bucket that is not there is named', async () => {
  const store = await storeOn((_, response) => errorAnswer(response, 404, 'NoSuchBucket'));
  for (const work of [() => keysOf(store), () => store.read('a'), () => store.write('a', Buffer.from('x'))]) {
    expect(await failure(work)).toMatchObject({
      code: 'bucket_not_found',
      message: expect.stringContaining("'bucket'") as string,
    });
  }
});

it('a web page where S3 should be is called that, and nothing counts as stored', async () => {
  for (const status of [200, 400, 404]) {
    const store = await storeOn((_, response) => {
      response.writeHead(status, { 'content-type': 'text/html' }).end('\n<!DOCTYPE html><html>Console</html>');
    });
    for (const work of [
      () => keysOf(store),
      () => store.write('a', Buffer.from('x')),
      () => store.remove(['a']),
      () => store.read('a'),
    ]) {
      expect(await failure(work)).toMatchObject({
        code: 'remote_misconfigured',
        hint: expect.stringContaining('endpointurl') as string,
      });
    }
  }
});

it('removal that the server refuses for one name is told', async () => {
  const store = await storeOn((_, response) => {
    response.end(
      '<DeleteResult><Error><Key>p/b</Key><Code>AccessDenied</Code><Message>locked</Message></Error></DeleteResult>',
    );
  });
  expect(await failure(store.remove(['a', 'b']))).toMatchObject({ code: 'remote_denied' });
});

function listing(response: http.ServerResponse, content: string, more = ''): void {
  response.writeHead(200, { 'content-type': 'application/xml' });
  response.end(`<?xml version="1.0"?><ListBucketResult>${more}${content}</ListBucketResult>`);
}

async function keysOf(store: BlobStore): Promise<string[]> {
  const keys: string[] = [];
  for await (const { key } of store.list('')) keys.push(key);
  return keys;
}
