import { expect, it } from 'vitest';

import { escapePath, queryOf, s3Signer } from './signature.ts';

/** The examples of Amazon's documentation of signature version 4 for S3 ("Authorization header"). */
const keys = { accessKeyId: 'AKIAIOSFODNN7EXAMPLE', secretAccessKey: 'wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY' };
const date = new Date('2013-05-24T00:00:00.000Z');
const request = {
  method: 'GET',
  host: 'examplebucket.s3.amazonaws.com',
  path: '/',
  query: '',
  headers: {},
  body: undefined,
};

it.each([
  [
    'GET with a range',
    { path: '/test.txt', headers: { range: 'bytes=0-9' } },
    'host;range;x-amz-content-sha256;x-amz-date',
    'f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41',
  ],
  [
    'PUT with a body',
    {
      method: 'PUT',
      path: escapePath('/test$file.text'),
      headers: { date: 'Fri, 24 May 2013 00:00:00 GMT', 'x-amz-storage-class': 'REDUCED_REDUNDANCY' },
      body: Buffer.from('Welcome to Amazon S3.'),
    },
    'date;host;x-amz-content-sha256;x-amz-date;x-amz-storage-class',
    '98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd',
  ],
  [
    'a query without a value',
    { query: queryOf({ lifecycle: '' }) },
    'host;x-amz-content-sha256;x-amz-date',
    'fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543',
  ],
  [
    'a listing',
    { query: queryOf({ prefix: 'J', 'max-keys': '2', delimiter: undefined }) },
    'host;x-amz-content-sha256;x-amz-date',
    '34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7',
  ],
])('signs %s as Amazon does', (_, given, signedHeaders, signature) => {
  const sign = s3Signer();
  for (const again of [false, true]) {
    const { authorization } = sign({ ...request, ...given }, keys, 'us-east-1', date);
    expect(authorization, String(again)).toBe(
      `AWS4-HMAC-SHA256 Credential=${keys.accessKeyId}/20130524/us-east-1/s3/aws4_request, SignedHeaders=${signedHeaders}, Signature=${signature}`,
    );
  }
});

it('makes another key for another day, region or secret, and signs the token', () => {
  const sign = s3Signer();
  const others = [
    sign(request, keys, 'us-east-1', date),
    sign(request, keys, 'eu-west-1', date),
    sign(request, { ...keys, secretAccessKey: 'other' }, 'eu-west-1', date),
    sign(request, keys, 'eu-west-1', new Date('2013-05-25T00:00:00.000Z')),
    sign(request, { ...keys, sessionToken: 'token' }, 'us-east-1', date),
  ];
  expect(new Set(others.map((headers) => headers['authorization'])).size).toBe(others.length);
  expect(others.at(-1)).toMatchObject({
    'x-amz-security-token': 'token',
    authorization: expect.stringContaining(';x-amz-security-token,') as string,
  });
  expect(sign(request, keys, 'us-east-1', date)).toEqual(others[0]);
});

it('escapes what Amazon escapes, slashes of paths excepted', () => {
  expect(escapePath("a b/é+!'()*~-_.%41/@:=&")).toBe('a%20b/%C3%A9%2B%21%27%28%29%2A~-_.%2541/%40%3A%3D%26');
  expect(queryOf({ b: 'x/y', a: '1+1' })).toBe('a=1%2B1&b=x%2Fy');
});
