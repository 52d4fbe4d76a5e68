import * as fs from 'node:fs';
import { createRequire } from 'node:module';
import * as path from 'node:path';

import type { Shell } from '../../http/index.ts';
import type { ServingContext } from './context.ts';
import { openApi } from './openapi.ts';

const files: Readonly<Record<string, string>> = {
  'swagger-ui.css': 'text/css; charset=utf-8',
  'swagger-ui-bundle.js': 'text/javascript; charset=utf-8',
  'favicon-32x32.png': 'image/png',
};

const page = `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>mlops serve</title>
<link rel="stylesheet" href="docs/swagger-ui.css">
<link rel="icon" type="image/png" href="docs/favicon-32x32.png">
</head>
<body>
<div id="ui"></div>
<script src="docs/swagger-ui-bundle.js"></script>
<script src="docs/start.js"></script>
</body>
</html>
`;

const start = "SwaggerUIBundle({ url: 'openapi.json', dom_id: '#ui', deepLinking: true, tryItOutEnabled: true });\n";

/** Nothing may come from elsewhere: the page works without a network. Swagger UI needs inline styles. */
const policy = "default-src 'self'; img-src 'self' data:; style-src 'self' 'unsafe-inline'; frame-ancestors 'none'";

/** `/docs`, Swagger UI served from this machine, and `/openapi.json`. */
export function addDocsRoutes(shell: Shell, context: ServingContext): void {
  // Who opens the address in a browser wants to see something.
  shell.get('/', (_request, reply) => reply.redirect('docs'));
  shell.get('/openapi.json', () => openApi(context));
  shell.get('/docs', (_request, reply) =>
    reply.header('content-security-policy', policy).type('text/html; charset=utf-8').send(page),
  );
  shell.get('/docs/start.js', (_request, reply) => reply.type('text/javascript; charset=utf-8').send(start));
  for (const [name, type] of Object.entries(files)) {
    shell.get(`/docs/${name}`, async (_request, reply) => {
      const content = await fs.promises.readFile(path.join(uiFolder(), name));
      return reply.header('cache-control', 'public, max-age=3600').type(type).send(content);
    });
  }
}

/** In `dist` the build put the files beside the code; from source they are where their package is. */
function uiFolder(): string {
  const built = path.join(import.meta.dirname, '..', 'swagger-ui');
  if (fs.existsSync(built)) return built;
  return path.dirname(createRequire(import.meta.url).resolve('swagger-ui-dist/package.json'));
}
