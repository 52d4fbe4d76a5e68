import { createHash, createHmac, randomBytes } from 'node:crypto';

import type { Failure, Reply, Request, Shell } from '../../http/index.ts';
import { administered, type AuthApi } from './auth-api.ts';
import { caller, denied } from './needs.ts';
import { addRule } from './route-rules.ts';
import { beginSession, endSession, sameText } from './sessions.ts';
import { makeUser } from './user-routes.ts';

const style = `
:root { color-scheme: light dark; font: 16px/1.5 system-ui, sans-serif; }
body { margin: 0; display: grid; place-items: center; min-height: 100vh; }
main { width: min(22rem, 90vw); } h1 { font-size: 1.3rem; }
form { display: grid; gap: .7rem; } label { display: grid; gap: .2rem; font-size: .9rem; }
input { padding: .5rem .7rem; border: 1px solid GrayText; border-radius: 6px; font: inherit; }
button { padding: .55rem; border: 0; border-radius: 6px; background: #1558c0; color: #fff; font: inherit; font-weight: 600; }
.trouble { color: #b3261e; } @media (prefers-color-scheme: dark) { .trouble { color: #ff8f86; } }
`;
const styleHash = createHash('sha256').update(style).digest('base64');
const policy = `default-src 'none'; style-src 'sha256-${styleHash}'; img-src data:; form-action 'self'; base-uri 'none'; frame-ancestors 'none'`;
const bodyLimit = 16 * 1024;

/** Pages to log in and out, and MLflow's page to sign up a user. */
export function addLoginPages(shell: Shell, prefix: string, api: AuthApi): void {
  const { door, audit } = api;
  const key = randomBytes(32);
  const errors = (failure: Failure): string => `${failure.status}: ${failure.message}`;
  const open = { bodyLimit, config: { scope: 'public', errors } } as const;
  shell.get(`${prefix}/login`, open, (request, reply) => send(reply, loginPage(prefix, nextOf(request), '')));
  shell.post(`${prefix}/login`, open, async (request, reply) => {
    const form = formOf(request);
    const username = form.get('username') ?? '';
    const next = insideOf(form.get('next'), prefix);
    if (isForeign(request)) throw denied();
    const found = await door.byPassword(username, form.get('password') ?? '');
    await audit.done(request, 'sign-in', 'session', found === undefined ? 'refused' : 'done', username.slice(0, 200));
    if (found === undefined) {
      void reply.code(401);
      return send(reply, loginPage(prefix, next, 'That name and password do not belong together.'));
    }
    await beginSession(door, found.user, request, reply, prefix);
    return reply.redirect(next, 303);
  });
  shell.post(`${prefix}/logout`, open, async (request, reply) => {
    if (isForeign(request)) throw denied();
    await endSession(door, request, reply, prefix);
    return reply.redirect(`${prefix}/login`, 303);
  });
  addSignUp(shell, prefix, api, (name) => createHmac('sha256', key).update(name).digest('base64url'));
}

function addSignUp(shell: Shell, prefix: string, api: AuthApi, csrf: (name: string) => string): void {
  addRule('signed', ['GET /signup', 'POST /api/2.0/mlflow/users/create-ui']);
  const errors = (failure: Failure): string => failure.message;
  const needRight = (): string => {
    const { user, roles } = caller();
    if (!user.isAdmin && administered(roles).size === 0) throw denied();
    return user.username;
  };
  shell.get(`${prefix}/signup`, { config: { scope: 'read', errors } }, (_, reply) =>
    send(reply, signUpPage(prefix, csrf(needRight()))),
  );
  for (const root of ['api', 'ajax-api']) {
    const url = `${prefix}/${root}/2.0/mlflow/users/create-ui`;
    shell.post(url, { bodyLimit, config: { scope: 'admin', errors } }, async (request, reply) => {
      const name = needRight();
      const form = formOf(request);
      const token = form.get('csrf_token') ?? (request.headers['x-csrftoken'] as string | undefined) ?? '';
      const text = (status: number, message: string): Reply =>
        reply.code(status).header('content-type', 'text/html; charset=utf-8').send(message);
      if (token === '') return text(400, 'The CSRF token is missing.');
      if (!sameText(token, csrf(name))) return text(400, 'The CSRF token is invalid.');
      const [type = ''] = (request.headers['content-type'] ?? '').split(';', 1);
      if (type.trim() !== 'application/x-www-form-urlencoded') {
        return text(400, 'Invalid content type. Must be application/x-www-form-urlencoded');
      }
      const username = form.get('username') ?? '';
      const password = form.get('password') ?? '';
      if (username === '' || password === '') return text(400, 'Username and password cannot be empty.');
      if ((await api.door.store.findUser(username)) !== undefined) {
        return send(reply, notePage(prefix, '/signup', `Username has already been taken: ${username}`));
      }
      await makeUser(api, username, password);
      await api.audit.done(request, 'users/create-ui', `username=${username}`, 'done');
      return send(reply, notePage(prefix, '/', `Successfully signed up user: ${username}`));
    });
  }
}

function formOf(request: Request): URLSearchParams {
  return new URLSearchParams(Buffer.isBuffer(request.body) ? request.body.toString('utf8') : '');
}

/** A form that another site made a browser send. */
function isForeign(request: Request): boolean {
  const site = request.headers['sec-fetch-site'];
  return site !== undefined && site !== 'same-origin' && site !== 'none';
}

function nextOf(request: Request): string {
  const next = (request.query as Record<string, unknown>)['next'];
  return typeof next === 'string' ? next : '';
}

/** Only a page of this server: an address elsewhere would lead a person away. */
function insideOf(next: string | null, prefix: string): string {
  const inside = next !== null && /^\/(?![/\\])[\x21-\x7e]*$/.test(next);
  return inside && !next.includes('\\') ? next : `${prefix}/`;
}

/** Text with no letter that HTML gives a meaning. */
function plain(text: string): string {
  return text.replaceAll(/[&<>"']/g, (letter) => `&#${letter.charCodeAt(0)};`);
}

function send(reply: Reply, page: string): Reply {
  return reply
    .headers({
      'content-type': 'text/html; charset=utf-8',
      'content-security-policy': policy,
      'cache-control': 'no-store',
      'referrer-policy': 'same-origin',
    })
    .send(page);
}

function frame(title: string, body: string): string {
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>${plain(title)} - mlops</title>
<link rel="icon" href="data:,">
<style>${style}</style>
</head>
<body>
<main>
<h1>${plain(title)}</h1>
${body}
</main>
</body>
</html>
`;
}

/** Fields of a form for a name and a password. */
function nameAndPassword(complete: 'current-password' | 'new-password'): string {
  const least = complete === 'new-password' ? ' minlength="12"' : '';
  return `<label>Username <input type="text" id="username" name="username" autocomplete="username" required autofocus></label>
<label>Password <input type="password" id="password" name="password" autocomplete="${complete}"${least} required></label>`;
}

function loginPage(prefix: string, next: string, trouble: string): string {
  return frame(
    'Log in',
    `${trouble === '' ? '' : `<p class="trouble" role="alert">${plain(trouble)}</p>`}
<form action="${prefix}/login" method="post">
<input type="hidden" name="next" value="${plain(next)}">
${nameAndPassword('current-password')}
<button>Log in</button>
</form>`,
  );
}

function signUpPage(prefix: string, csrf: string): string {
  return frame(
    'Sign up a user',
    `<form action="${prefix}/api/2.0/mlflow/users/create-ui" method="post">
<input type="hidden" name="csrf_token" value="${csrf}"/>
${nameAndPassword('new-password')}
<button>Sign up</button>
</form>`,
  );
}

function notePage(prefix: string, href: string, note: string): string {
  return frame(note, `<p><a href="${prefix}${href}">Go on</a></p>`);
}
