import { createHmac } from 'node:crypto';
import * as fs from 'node:fs';
import * as net from 'node:net';
import * as path from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';

import { temporaryFolder } from '../../../test/cli.ts';
import { mailServer, receiver } from '../../../test/support/receivers.ts';
import { SegmentWriter, type Alert, type Notice } from '../../monitor/index.ts';
import { look, sendAgain, type LookOptions } from './look.ts';
import { openAlerting } from './open-alerting.ts';
import { sendNotices } from './send-notices.ts';
import { testChannels } from './test-channels.ts';

const start = Date.parse('2026-06-01T12:00:00Z');
const minute = 60_000;

interface Given {
  readonly rules?: readonly string[];
  readonly channels?: readonly string[];
  readonly more?: string;
  readonly env?: Readonly<Record<string, string>>;
}

/** A project with rules and channels, whose clock stands still until it is moved. */
async function project({ rules = [], channels = [], more = '', env = {} }: Given) {
  const root = temporaryFolder();
  const list = (items: readonly string[]): string => items.map((item) => `\n    - {${item}}`).join('');
  const alerts = `alerts:\n  rules:${list(rules) || ' []'}\n  channels:${list(channels) || ' []'}\n`;
  fs.writeFileSync(path.join(root, 'monitor.yaml'), `version: 1\n${more}\n${alerts}`);
  const log = path.join(root, 'log');
  const alerting = await openAlerting({ cwd: root, env: { PATH: process.env['PATH'], ...env }, log });
  onTestFinished(() => alerting.close());
  let now = start;
  let count = 0;
  const troubles: string[] = [];
  const options = (): LookOptions => ({
    found: alerting.settings(),
    places: alerting.places,
    book: alerting.book,
    channels: alerting.channels(),
    now: () => now,
    onTrouble: (line) => troubles.push(line),
  });
  return {
    root,
    alerting,
    troubles,
    options,
    pass: (milliseconds: number) => (now += milliseconds),
    /** Predictions that were made just now. */
    predict(many: number, fields: (i: number) => object = () => ({})) {
      const writer = new SegmentWriter(log);
      for (let i = 0; i < many; i++) {
        writer.prediction({ id: `p${count++}`, at: now, model: 'm', prediction: 'a', ...fields(i) });
      }
      writer.finish();
    },
    look: () => look(options()),
    again: () => sendAgain(options()),
    book: alerting.book,
  };
}

const failing = 'name: errors, on: error_rate, above: 0.1, window: 10m';
const error = { error: 'boom' };
const notices = (received: readonly { readonly body: string }[]): Notice[] =>
  received.map(({ body }) => JSON.parse(body) as Notice);

describe('an alert', () => {
  it('is told once when it fires and once when it is over, under one id, signed', async () => {
    const { url, received } = await receiver();
    const channels = [`name: hook, type: webhook, url: "${url}/in", secret_env: KEY`];
    const one = await project({ rules: [failing], channels, env: { KEY: 'geheim' } });
    one.predict(10);
    expect((await one.look()).alerts).toEqual([]);
    one.predict(10, () => error);
    expect((await one.look()).begun).toMatchObject([{ rule: 'errors', model: 'm', state: 'firing', value: 0.5 }]);
    await one.look();
    one.pass(20 * minute);
    one.predict(10);
    expect((await one.look()).ended).toMatchObject([{ state: 'resolved' }]);
    await one.look();
    const [first, last] = notices(received);
    expect(received).toHaveLength(2);
    expect(first).toMatchObject({ state: 'firing', rule: 'errors', model: 'm', text: expect.any(String) });
    expect(last).toMatchObject({ state: 'resolved', id: first?.id });
    const signature = createHmac('sha256', 'geheim')
      .update(received[0]?.body ?? '')
      .digest('hex');
    expect(received[0]).toMatchObject({ path: '/in', headers: { 'x-signature': `sha256=${signature}` } });
    // Another time is another alert.
    one.pass(20 * minute);
    one.predict(10, () => error);
    await one.look();
    expect(notices(received)[2]).toMatchObject({ state: 'firing', id: expect.not.stringMatching(first?.id ?? '') });
  });

  it('waits for as long as its rule says, and is forgotten when that does not last', async () => {
    const one = await project({ rules: [`${failing}, for: 5m`], channels: ['name: f, type: file, path: out'] });
    const files = (): readonly string[] =>
      fs.readdirSync(path.join(one.root, 'out')).filter((name) => name.endsWith('json'));
    one.predict(10, () => error);
    expect((await one.look()).alerts).toMatchObject([{ state: 'pending' }]);
    one.pass(4 * minute);
    expect((await one.look()).alerts).toMatchObject([{ state: 'pending' }]);
    one.predict(1000);
    expect((await one.look()).alerts).toEqual([]);
    expect(await one.book.alerts()).toEqual([]);
    one.pass(20 * minute);
    one.predict(10, () => error);
    await one.look();
    // A clock that was put back does not make it wait longer.
    one.pass(-60 * minute);
    one.predict(5000, () => error);
    await one.look();
    one.pass(5 * minute);
    expect((await one.look()).alerts).toMatchObject([{ state: 'firing' }]);
    expect(files()).toHaveLength(1);
    expect(fs.readFileSync(path.join(one.root, 'out/.gitignore'), 'utf8')).toBe('*\n');
  });

  it('waits no longer, and is told no more often, where the clock is put back or ahead', async () => {
    const { url, received } = await receiver();
    const channels = [`name: hook, type: webhook, url: "${url}"`];
    const one = await project({ rules: ['name: full, on: disk, above: 0, for: 5m'], channels });
    expect((await one.look()).alerts).toMatchObject([{ state: 'pending' }]);
    one.pass(-60 * minute);
    expect((await one.look()).alerts).toMatchObject([{ state: 'pending' }]);
    one.pass(5 * minute);
    expect((await one.look()).begun).toHaveLength(1);
    for (const step of [-300, 9_000, -9_000]) {
      one.pass(step * minute);
      expect((await one.look()).begun).toEqual([]);
    }
    expect(received).toHaveLength(1);
  });

  it('is kept quiet by a silence, told when that ends, and not again within the cool-down', async () => {
    const { url, received } = await receiver();
    const channels = [`name: hook, type: webhook, url: "${url}"`];
    const one = await project({ rules: [failing], channels });
    const yaml = path.join(one.root, 'monitor.yaml');
    fs.appendFileSync(yaml, '  cooldown: 3h\n');
    const by = { reason: '', by: 'me' };
    await one.book.silence({ rule: 'errors', until: new Date(start + 5 * minute).toISOString(), ...by });
    one.predict(10, () => error);
    expect((await one.look()).alerts).toMatchObject([{ state: 'firing', told: null }]);
    expect(received).toEqual([]);
    one.pass(6 * minute);
    await one.look();
    expect(notices(received)).toMatchObject([{ state: 'firing' }]);
    one.pass(20 * minute);
    one.predict(10);
    await one.look();
    one.predict(90, () => error);
    expect((await one.look()).alerts).toMatchObject([{ state: 'firing', told: null }]);
    expect(notices(received).map(({ state }) => state)).toEqual(['firing', 'resolved']);
    one.pass(3 * 60 * minute);
    one.predict(10, () => error);
    await one.look();
    expect(notices(received).map(({ state }) => state)).toEqual(['firing', 'resolved', 'firing']);
  });

  it('of a rule that was removed is over; what cannot be judged stays as it is', async () => {
    const one = await project({ rules: [failing] });
    one.predict(10, () => error);
    await one.look();
    one.pass(60 * minute);
    expect((await one.look()).alerts).toMatchObject([{ state: 'firing' }]);
    fs.writeFileSync(path.join(one.root, 'monitor.yaml'), 'version: 1\n');
    expect((await one.look()).ended).toMatchObject([{ state: 'resolved', text: 'the rule was removed' }]);
  });
});

describe('delivery', () => {
  it('repeats what fails under the same id, in order, and other channels do not wait for it', async () => {
    let away = true;
    const { url, received } = await receiver(() => (away ? 500 : 200));
    const good = await receiver();
    const channels = [`name: bad, type: webhook, url: "${url}"`, `name: good, type: webhook, url: "${good.url}"`];
    const one = await project({ rules: [failing], channels });
    one.predict(10, () => error);
    expect((await one.look()).waiting).toBe(1);
    expect(one.troubles).toEqual(["channel 'bad': answered with 500"]);
    one.pass(20 * minute);
    one.predict(10);
    expect((await one.look()).waiting).toBe(2);
    expect(await one.again()).toBe(2);
    expect(good.received).toHaveLength(2);
    away = false;
    const before = received.length;
    expect(await one.again()).toBe(0);
    const sent = notices(received.slice(before));
    expect(sent.map(({ state }) => state)).toEqual(['firing', 'resolved']);
    expect(new Set([...notices(received), ...notices(good.received)].map(({ id }) => id)).size).toBe(1);
    const [alert] = await one.book.alerts();
    expect(alert?.deliveries[0]).toMatchObject({ channel: 'bad', state: 'delivered', attempts: 4, problem: null });
    expect(await one.again()).toBe(0);
    expect(received).toHaveLength(before + 2);
  });

  it('is made up for when a process died before, during or after it', async () => {
    const { url, received } = await receiver();
    const one = await project({ rules: [failing], channels: [`name: hook, type: webhook, url: "${url}"`] });
    one.predict(10, () => error);
    // What a killed process leaves: the alert is kept, its letter is claimed, nothing was sent.
    const dead = {
      ...one.options(),
      channels: [{ name: 'hook', grouped: false, send: () => new Promise<void>(() => undefined) }],
    };
    const killed = look({ ...dead, book: one.alerting.book, signal: AbortSignal.timeout(200) });
    await expect(
      Promise.race([killed.then(() => 'ended'), new Promise((resolve) => setTimeout(resolve, 400, 'hangs'))]),
    ).resolves.toBe('hangs');
    const [alert] = await one.book.alerts();
    expect(alert).toMatchObject({ told: 'firing', deliveries: [{ state: 'waiting' }] });
    const other = await openAlerting({ cwd: one.root, env: {}, log: path.join(one.root, 'log') });
    onTestFinished(() => other.close());
    await sendNotices(other.book, await other.book.alerts(), one.options().channels, {
      now: () => start,
      onTrouble: () => undefined,
    });
    expect(notices(received)).toMatchObject([{ id: alert?.id, state: 'firing' }]);
  });
});

describe('channels', () => {
  const told = async (channel: string, env: Readonly<Record<string, string>> = {}) => {
    const one = await project({ channels: [channel], env });
    return testChannels(one.options().channels);
  };

  it('mail by SMTP with STARTTLS, a login and several receivers, all of a look in one message', async () => {
    const { port, mails } = await mailServer({ authOptional: false });
    const mail = `name: mail, type: smtp, host: 127.0.0.1, port: ${port}, starttls: true, username: watcher, password_env: PASS, from: mlops@example.org, to: [a@example.org, b@example.org]`;
    const rules = [failing, 'name: "drift\\nBcc: x@y.z", on: traffic, below: 100'];
    const one = await project({ rules, channels: [mail], env: { PASS: 'secret' } });
    one.predict(10, () => error);
    const { alerts, waiting } = await one.look();
    expect(waiting).toBe(0);
    expect(mails).toMatchObject([
      { from: 'mlops@example.org', to: ['a@example.org', 'b@example.org'], secure: true, user: 'watcher' },
    ]);
    const text = mails[0]?.text.replaceAll(/=\r\n/g, '') ?? '';
    expect(text).toContain('Subject: 2 alerts: 2 firing');
    for (const { id } of alerts) expect(text).toContain(id);
    expect(text.split('\r\n\r\n')[0]).not.toMatch(/^Bcc/m);
    expect(await told(mail, { PASS: 'wrong' })).toMatchObject([{ problem: expect.stringContaining('wrong login') }]);
    expect(await told(mail)).toMatchObject([
      { problem: 'the environment variable PASS with the mail password is not set' },
    ]);
  });

  it('mail says what the server refused, and that there is none', async () => {
    const { port } = await mailServer({
      disabledCommands: ['STARTTLS', 'AUTH'],
      onRcptTo: ({ address }, _session, done) => (address.startsWith('no') ? done(new Error('nobody here')) : done()),
    });
    const to = (port: number, more: string): string =>
      `name: mail, type: smtp, host: 127.0.0.1, port: ${port}, from: a@b.c, ${more}`;
    expect(await told(to(port, 'to: x@y.z'))).toMatchObject([{ problem: null }]);
    expect(await told(to(port, 'to: [x@y.z, no@y.z]'))).toMatchObject([{ problem: 'the mail server refused no@y.z' }]);
    expect(await told(to(port, 'to: x@y.z, starttls: true'))).toMatchObject([{ problem: expect.any(String) }]);
    expect(await told(to(1, 'to: x@y.z'))).toMatchObject([{ problem: expect.stringContaining('ECONNREFUSED') }]);
  });

  it.each(['', 'hello\r\n', '220 mail.example.org ESMTP\r\n', 'HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nha'])(
    'a server that stops after %j is left after the time that a channel has',
    async (said) => {
      const sockets: net.Socket[] = [];
      const server = net.createServer((socket) => {
        sockets.push(socket.on('error', () => undefined));
        socket.write(said);
      });
      await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
      onTestFinished(() => {
        for (const socket of sockets) socket.destroy();
        server.close();
      });
      const { port } = server.address() as net.AddressInfo;
      const one = await project({
        channels: [
          `name: mail, type: smtp, host: 127.0.0.1, port: ${port}, from: a@b.c, to: x@y.z`,
          `name: hook, type: webhook, url: "http://127.0.0.1:${port}/in"`,
          `name: am, type: alertmanager, url: "http://127.0.0.1:${port}"`,
        ],
      });
      const notice: Notice = {
        ...{ id: 'x', state: 'firing', rule: 'r', on: 'disk', model: null, severity: 'info', text: 't' },
        ...{ value: null, threshold: null, since: '2026-01-01T00:00:00Z', at: '2026-01-01T00:00:00Z' },
      };
      const sent = one.options().channels.map((channel) => channel.send([notice], AbortSignal.timeout(400)));
      const results = await Promise.allSettled(sent);
      const [mail, ...posts] = results.map(({ status }) => status);
      expect(mail).toBe('rejected');
      // Of an answer the first line says enough.
      if (!said.startsWith('HTTP')) expect(posts).toEqual(['rejected', 'rejected']);
    },
  );

  it('Slack, Teams and Alertmanager in their shapes', async () => {
    const { url, received } = await receiver();
    const channels = [
      `name: s, type: webhook, url_env: WHERE, format: slack`,
      `name: t, type: webhook, url: "${url}/t", format: teams`,
      `name: a, type: alertmanager, url: "${url}/am/"`,
    ];
    const one = await project({ rules: [failing], channels, env: { WHERE: `${url}/s` } });
    one.predict(10, () => error);
    const { alerts } = await one.look();
    const id = alerts[0]?.id ?? '';
    const by = new Map(received.map((item) => [item.path, JSON.parse(item.body) as unknown]));
    expect(by.get('/s')).toEqual({ text: expect.stringContaining(id) });
    expect(by.get('/t')).toMatchObject({ type: 'message', attachments: [{ content: { type: 'AdaptiveCard' } }] });
    expect(by.get('/am/api/v2/alerts')).toMatchObject([
      {
        labels: { alertname: 'errors', model: 'm', severity: 'warning' },
        annotations: { id },
        startsAt: expect.any(String),
      },
    ]);
  });

  it('a command gets the notice on stdin, and must end well and in time', async () => {
    const one = await project({ channels: ['name: c, type: command, command: "cat > got.json"'] });
    await testChannels(one.options().channels);
    expect(JSON.parse(fs.readFileSync(path.join(one.root, 'got.json'), 'utf8'))).toMatchObject({
      rule: 'test',
      state: 'firing',
    });
    expect(await told('name: c, type: command, command: "echo no >&2; exit 3"')).toMatchObject([
      { problem: 'the command ended with 3: no' },
    ]);
    const [slow] = (await project({ channels: ['name: c, type: command, command: "sleep 60 & sleep 60"'] })).options()
      .channels;
    const notice = { id: 'x' } as Notice;
    await expect(slow?.send([notice], AbortSignal.timeout(300))).rejects.toThrow('took too long');
  });
});

describe('rules', () => {
  it('judge latency, traffic, missing inputs, performance, drift and the disk', async () => {
    const rules = [
      'name: slow, on: latency, above: 100',
      'name: idle, on: no_traffic, after: 1h',
      'name: few, on: traffic, below: 5, window: 1h',
      'name: holes, on: quality, above: 0.3',
      'name: worse, on: performance, metric: accuracy, below: 0.9',
      'name: drifted, on: drift',
      'name: full, on: disk, above: 0.0001',
      'name: old, on: age, after: 1d',
    ];
    const one = await project({ rules, more: 'models:\n  m: {reference: train.csv, window: 1d}' });
    const rows = Array.from({ length: 200 }, (_, i) => `${i % 20}`);
    fs.writeFileSync(path.join(one.root, 'train.csv'), ['x', ...rows].join('\n'));
    const states = async (): Promise<Record<string, string>> =>
      Object.fromEntries((await one.look()).alerts.map(({ rule, state }) => [rule, state]));
    expect(await states()).toEqual({ idle: 'firing', few: 'firing', full: 'firing' });
    one.predict(100, (i) => ({ latency_ms: 200, inputs: { x: i % 2 === 0 ? null : 50 + (i % 20) } }));
    const writer = new SegmentWriter(path.join(one.root, 'log'));
    for (let i = 0; i < 100; i++) writer.feedback({ id: `p${i}`, label: i < 50 ? 'a' : 'b', at: start });
    writer.finish();
    const ringing = { slow: 'firing', holes: 'firing', worse: 'firing', drifted: 'firing', full: 'firing' };
    expect(await states()).toMatchObject({ ...ringing, idle: 'resolved', few: 'resolved' });
    one.pass(2 * 86_400_000);
    expect(await states()).toMatchObject({ ...ringing, idle: 'firing', few: 'firing' });
    expect(one.troubles).toEqual([]);
  });

  it('hold logged rows to a schema, and count what the log lost', async () => {
    const rules = [
      'name: rows, on: quality, schema: data.schema.yaml',
      'name: many, on: quality, schema: data.schema.yaml, above: 0.3',
      'name: lost, on: dropped, window: 1h',
    ];
    const one = await project({ rules });
    fs.writeFileSync(
      path.join(one.root, 'data.schema.yaml'),
      'version: 1\ncolumns:\n  age: {type: integer, min: 0}\n  sex: {type: string, values: [f, m]}\n',
    );
    const ringing = async (): Promise<string[]> => (await one.look()).alerts.map(({ rule }) => rule).sort();
    one.predict(20, (i) => ({ inputs: { age: i, sex: 'f' } }));
    expect(await ringing()).toEqual([]);
    one.predict(5, () => ({ inputs: { age: -1, sex: 'f' } }));
    const { alerts } = await one.look();
    expect(alerts).toMatchObject([
      { rule: 'rows', value: 0.2, text: expect.stringContaining('min of age: 5 rows are not at least 0') },
    ]);
    one.predict(20, () => ({ inputs: { age: 4, sex: 'x' } }));
    fs.writeFileSync(path.join(one.root, 'log', 'dropped.jsonl'), `{"at":${start - 1000},"count":7}\n{"at":`);
    expect(await ringing()).toEqual(['lost', 'many', 'rows']);
    one.pass(2 * 3_600_000);
    expect((await one.look()).ended.map(({ rule }) => rule)).toEqual(['lost']);
    expect(one.troubles).toEqual([]);
    fs.rmSync(path.join(one.root, 'data.schema.yaml'));
    expect((await one.look()).looked.problems).toHaveLength(2);
  });

  it('that cannot be judged are told of, and stop no others', async () => {
    const rules = ['name: drifted, on: drift', failing];
    const one = await project({ rules, more: 'models:\n  m: {reference: none.csv}' });
    one.predict(40, () => ({ ...error, inputs: { x: 1 } }));
    const { alerts, looked } = await one.look();
    expect(alerts.map(({ rule }: Alert) => rule)).toEqual(['errors']);
    expect(looked.problems).toEqual([expect.stringContaining("rule 'drifted' for 'm': ")]);
  });

  it.each([
    ['alerts: {rules: [{name: a, on: latency}]}', 'a rule on latency needs above or below'],
    ['alerts: {rules: [{name: a, on: drift}, {name: a, on: drift}]}', "two rules are called 'a'"],
    ['alerts: {rules: [{name: a, on: drifft}]}', "did you mean 'drift'?"],
    ['alerts: {channels: [{name: a, type: smtp, host: h, from: a, to: b, password: x}]}', 'password_env'],
    ['modles: {}', "did you mean 'models'?"],
    ['version: 2', 'expected 1'],
    ['interval: 6', 'a time such as'],
  ])('are refused: %s', async (yaml, said) => {
    const one = await project({});
    fs.writeFileSync(path.join(one.root, 'monitor.yaml'), yaml);
    const wrong = (): unknown => one.alerting.settings();
    expect(wrong).toThrow(expect.objectContaining({ code: 'bad_settings' }));
    try {
      wrong();
    } catch (found) {
      const { message, hint } = found as { message: string; hint?: string };
      expect(`${message} ${hint ?? ''}`).toContain(said);
    }
  });
});
