// The playground: a form made from what /models/info says, one request, its answer. No framework, nothing from elsewhere.

const at = (id) => document.getElementById(id);
const make = (tag, properties = {}, ...children) => {
  const element = Object.assign(document.createElement(tag), properties);
  element.append(...children);
  return element;
};

const state = { models: [], fields: [], pictures: [], language: 'curl', prediction: undefined };

function headers() {
  const key = at('key').value.trim();
  return key === '' ? {} : { authorization: `Bearer ${key}` };
}

async function ask(path, options = {}) {
  const answer = await fetch(path, { ...options, headers: { ...headers(), ...options.headers } });
  const text = await answer.text();
  let body;
  try {
    body = JSON.parse(text);
  } catch {
    body = text;
  }
  return { ok: answer.ok, status: answer.status, body };
}

// What is served.

async function start() {
  at('key').value = sessionStorage.getItem('mlops-key') ?? '';
  const { ok, status, body } = await ask('models/info');
  if (!ok) {
    if (status === 401 || status === 403) at('access').open = true;
    showFailure(status, body);
    return;
  }
  state.models = body.models.filter((model) => model.versions.length > 0);
  at('model').replaceChildren(...state.models.map(({ name }) => make('option', { textContent: name, value: name })));
  if (state.models.length === 0) at('about').textContent = 'No model is loaded yet.';
  else chooseModel();
}

function chooseModel() {
  const model = state.models.find(({ name }) => name === at('model').value);
  at('version').replaceChildren(
    make('option', { textContent: model.version === null ? 'default' : `${model.version} (default)`, value: '' }),
    ...model.versions
      .filter(({ version }) => version !== model.version)
      .map(({ version }) => make('option', { textContent: version, value: version })),
  );
  chooseVersion();
}

function chosen() {
  const model = state.models.find(({ name }) => name === at('model').value);
  const wanted = at('version').value || model.version;
  return model.versions.find(({ version }) => version === wanted) ?? model.versions[0];
}

function chooseVersion() {
  const version = chosen();
  const takes = version.request.kind === 'tensors' ? 'tensors' : version.request.kind;
  at('about').textContent = `Takes ${takes}; from ${version.uri ?? 'a file'}`;
  const { kind, row } = version.request;
  const example = version.example?.inputs ?? {};
  state.pictures = [];
  state.fields =
    kind === 'tensors'
      ? tensorFields(version, example)
      : Object.entries(row?.properties ?? {}).map(([name, schema]) =>
          rowField(name, schema, example, row.required ?? []),
        );
  const box = make('div', { className: kind === 'table' ? 'columns' : '' });
  box.append(...state.fields.map(({ element }) => element));
  at('fields').replaceChildren(box);
  showSnippet();
}

function labelled(name, input, hint = '') {
  const id = `field-${state.fields.length}-${name}`;
  input.id = id;
  input.addEventListener('input', showSnippet);
  const parts = [make('label', { htmlFor: id, textContent: name }), input];
  if (hint !== '') parts.push(make('small', { textContent: hint }));
  return make('div', { className: 'field' }, ...parts);
}

function tensorFields({ inputs }, example) {
  return inputs.map(({ name, dtype, shape }) => {
    const input = make('textarea', { value: JSON.stringify(example[name] ?? []), spellcheck: false });
    const hint = `${dtype} ${shape === null ? '' : JSON.stringify(shape)}`;
    const read = () => {
      try {
        return JSON.parse(input.value);
      } catch (error) {
        throw new Error(`${name}: ${error.message}`, { cause: error });
      }
    };
    return { name, element: labelled(name, input, hint), read };
  });
}

/** One value of a row: a picture, a choice, a switch, a number or a text. */
function rowField(name, schema, example, required) {
  const given = firstOf(example[name] ?? schema.default);
  if (chosen().request.pictures?.includes(name)) return pictureField(name);
  const choices = schema.enum ?? schema.items?.enum;
  const type = [schema.type ?? schema.items?.type].flat().find((one) => one !== 'null' && one !== 'array') ?? 'string';
  const optional = !required.includes(name);
  if (choices !== undefined) {
    const input = make('select');
    if (optional) input.append(make('option', { textContent: '', value: '' }));
    for (const one of choices) input.append(make('option', { textContent: String(one), value: JSON.stringify(one) }));
    if (given !== undefined) input.value = JSON.stringify(given);
    return {
      name,
      element: labelled(name, input),
      read: () => (input.value === '' ? undefined : JSON.parse(input.value)),
    };
  }
  if (type === 'boolean') {
    const input = make('input', { type: 'checkbox', checked: given === true });
    return { name, element: labelled(name, input), read: () => input.checked };
  }
  if (type === 'number' || type === 'integer') {
    const input = make('input', { type: 'number', step: type === 'integer' ? 1 : 'any', value: given ?? '' });
    if (schema.minimum !== undefined) input.min = schema.minimum;
    if (schema.maximum !== undefined) input.max = schema.maximum;
    const range = [schema.minimum, schema.maximum].every((one) => one !== undefined)
      ? `${schema.minimum} to ${schema.maximum}`
      : '';
    return {
      name,
      element: labelled(name, input, range),
      read: () => (input.value === '' ? undefined : Number(input.value)),
    };
  }
  const input = make('textarea', { value: given ?? '' });
  const upload = make('input', { type: 'file', accept: 'text/*' });
  upload.setAttribute('aria-label', `${name} from a file`);
  upload.addEventListener('change', async () => {
    input.value = (await upload.files[0]?.text()) ?? '';
    showSnippet();
  });
  const element = labelled(name, input);
  element.append(upload);
  return { name, element, read: () => (input.value === '' && optional ? undefined : textOrList(input.value)) };
}

/** Members of an ensemble may take lists of numbers. */
function textOrList(text) {
  if (chosen().request.kind !== 'ensemble' || !text.trim().startsWith('[')) return text;
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

function firstOf(value) {
  return Array.isArray(value) ? firstOf(value[0]) : value;
}

function pictureField(name) {
  const input = make('input', { type: 'file', accept: 'image/*' });
  const element = labelled(name, input, 'or drop or paste a picture here');
  element.classList.add('drop');
  const field = { name, element, picture: () => state.pictures.find((one) => one.name === name)?.file };
  const take = (file) => {
    state.pictures = [...state.pictures.filter((one) => one.name !== name), { name, file }];
    showSnippet();
  };
  input.addEventListener('change', () => input.files[0] && take(input.files[0]));
  element.addEventListener('dragover', (event) => {
    event.preventDefault();
    element.classList.add('over');
  });
  element.addEventListener('dragleave', () => element.classList.remove('over'));
  element.addEventListener('drop', (event) => {
    event.preventDefault();
    element.classList.remove('over');
    if (event.dataTransfer.files.length > 0) {
      input.files = event.dataTransfer.files;
      take(event.dataTransfer.files[0]);
    }
  });
  document.addEventListener('paste', (event) => {
    const file = [...(event.clipboardData?.files ?? [])].find(({ type }) => type.startsWith('image/'));
    if (file !== undefined && element.isConnected) take(file);
  });
  return field;
}

// One request.

function target() {
  const query = new URLSearchParams();
  if (state.models.length > 1) query.set('model', at('model').value);
  if (at('version').value !== '') query.set('model_version', at('version').value);
  const text = query.toString();
  return text === '' ? 'predict' : `predict?${text}`;
}

function values() {
  const read = state.fields
    .filter(({ picture }) => picture === undefined)
    .map(({ name, read: take }) => [name, take()]);
  return Object.fromEntries(read.filter(([, value]) => value !== undefined));
}

function pictureFields() {
  return state.fields.filter(({ picture }) => picture !== undefined);
}

async function send(event) {
  event?.preventDefault();
  at('send').disabled = true;
  try {
    let body;
    let type = {};
    if (pictureFields().length > 0) {
      const absent = pictureFields().find(({ picture }) => picture() === undefined);
      if (absent !== undefined) throw new Error(`${absent.name}: choose a picture first`);
      body = new FormData();
      for (const { name, picture } of pictureFields()) body.append(name, picture());
      for (const [name, value] of Object.entries(values())) body.append(name, String(value));
    } else {
      body = JSON.stringify({ inputs: values() });
      type = { 'content-type': 'application/json' };
    }
    const answer = await ask(target(), { method: 'POST', body, headers: type });
    if (answer.ok) await showAnswer(answer.body);
    else showFailure(answer.status, answer.body);
  } catch (error) {
    showFailure(undefined, error.message);
  } finally {
    at('send').disabled = false;
  }
}

// Its answer.

function showFailure(status, body) {
  const said = typeof body === 'string' ? body : (body?.error?.message ?? JSON.stringify(body));
  const hint = body?.error?.hint;
  const lines = [make('p', { className: 'wrong', textContent: status === undefined ? said : `${status}: ${said}` })];
  if (hint !== undefined) lines.push(make('p', { textContent: hint }));
  at('result').replaceChildren(...lines);
}

async function showAnswer(body) {
  state.prediction = body.prediction_id;
  const by = `version ${body.model_version}${body.arm === undefined ? '' : `, arm ${body.arm}`}, ${body.latency_ms} ms`;
  const parts = [make('p', { className: 'quiet', textContent: `${body.model} ${by}` })];
  for (const label of (body.labels ?? []).slice(0, 20))
    parts.push(make('p', { className: 'label', textContent: label }));
  const top = body.top?.[0] ?? scoresOf(body);
  if (top !== undefined) parts.push(scoreTable(top));
  const boxes = body.outputs.boxes?.[0];
  const [picture] = state.pictures;
  if (Array.isArray(boxes) && picture !== undefined) parts.push(...(await drawing(picture.file, boxes)));
  parts.push(
    make(
      'details',
      { open: top === undefined && boxes === undefined },
      make('summary', { textContent: 'JSON' }),
      make('pre', { textContent: JSON.stringify(body, null, 1), tabIndex: 0 }),
    ),
  );
  parts.push(feedback());
  at('result').replaceChildren(...parts);
}

/** Scores of the first row, where the model has names for them. */
function scoresOf(body) {
  const { classes } = chosen();
  if (!Array.isArray(classes)) return undefined;
  const scores = Object.values(body.outputs).find(
    (rows) => Array.isArray(rows?.[0]) && rows[0].length === classes.length && typeof rows[0][0] === 'number',
  );
  if (scores === undefined) return undefined;
  const named = scores[0].map((score, i) => ({ label: classes[i], score }));
  return named.toSorted((a, b) => b.score - a.score).slice(0, 10);
}

function scoreTable(rows) {
  const lines = rows.map(({ label, score }) =>
    make(
      'tr',
      {},
      make('td', { textContent: label }),
      make('td', {}, make('meter', { min: 0, max: 1, value: Math.min(1, Math.max(0, score)), ariaLabel: label })),
      make('td', { textContent: score.toPrecision(4) }),
    ),
  );
  return make('table', {}, make('tbody', {}, ...lines));
}

const colours = ['#e6194b', '#3cb44b', '#4363d8', '#f58231', '#911eb4', '#008080', '#9a6324', '#808000'];

/** The picture as it is seen, with what was found in it: outlines, names, key points. */
async function drawing(file, boxes) {
  const bitmap = await createImageBitmap(file);
  const canvas = make('canvas', { width: bitmap.width, height: bitmap.height });
  canvas.setAttribute('role', 'img');
  canvas.setAttribute('aria-label', `${boxes.length} found: ${boxes.map(({ label }) => label).join(', ')}`);
  const pen = canvas.getContext('2d');
  pen.drawImage(bitmap, 0, 0);
  const size = Math.max(12, Math.round(Math.max(bitmap.width, bitmap.height) / 40));
  pen.font = `${size}px system-ui, sans-serif`;
  pen.textBaseline = 'top';
  const labels = [...new Set(boxes.map(({ label }) => label))];
  for (const { label, score, box, polygon, keypoints } of boxes) {
    const colour = colours[labels.indexOf(label) % colours.length];
    const [x1, y1, x2, y2] = cornersOf(box, bitmap);
    Object.assign(pen, { strokeStyle: colour, fillStyle: colour, lineWidth: Math.max(2, size / 8) });
    pen.strokeRect(x1, y1, x2 - x1, y2 - y1);
    if (Array.isArray(polygon)) outline(pen, polygon);
    for (const point of keypoints ?? []) {
      const [x, y] = Array.isArray(point) ? point : [point.x, point.y];
      pen.fillRect(x - size / 6, y - size / 6, size / 3, size / 3);
    }
    const text = `${label} ${score.toFixed(2)}`;
    const top = Math.max(0, y1 - size * 1.2);
    pen.fillRect(x1, top, pen.measureText(text).width + size / 2, size * 1.2);
    pen.fillStyle = '#fff';
    pen.fillText(text, x1 + size / 4, top + size / 10);
  }
  const rows = boxes.slice(0, 50).map(({ label, score }) => ({ label, score }));
  return [canvas, rows.length === 0 ? make('p', { textContent: 'Nothing was found.' }) : scoreTable(rows)];
}

function outline(pen, polygon) {
  const points = polygon.flat(3);
  pen.beginPath();
  for (let i = 0; i + 1 < points.length; i += 2) pen.lineTo(points[i], points[i + 1]);
  pen.closePath();
  pen.stroke();
}

/** Boxes come as the model's serving.yaml says: two corners, a corner and a size, or shares of the picture. */
function cornersOf([a, b, c, d], { width, height }) {
  const format = chosen().request.boxes ?? 'xyxy';
  if (format === 'relative') return [a * width, b * height, c * width, d * height];
  return format === 'xywh' ? [a, b, a + c, b + d] : [a, b, c, d];
}

function feedback() {
  const input = make('input', { id: 'truth', autocomplete: 'off' });
  const said = make('span', { className: 'quiet', role: 'status' });
  const button = make('button', { type: 'submit', className: 'plain', textContent: 'Send' });
  const form = make(
    'form',
    { className: 'row' },
    make('label', { htmlFor: 'truth', textContent: 'What is true?' }),
    input,
    button,
    said,
  );
  form.addEventListener('submit', async (event) => {
    event.preventDefault();
    const body = JSON.stringify({ prediction_id: state.prediction, label: asLabel(input.value) });
    const answer = await ask('feedback', { method: 'POST', body, headers: { 'content-type': 'application/json' } });
    said.textContent = answer.ok ? 'noted' : (answer.body?.error?.message ?? String(answer.status));
  });
  return form;
}

function asLabel(text) {
  if (text === 'true' || text === 'false') return text === 'true';
  return text.trim() !== '' && Number.isFinite(Number(text)) ? Number(text) : text;
}

// The same request elsewhere.

function quoted(text) {
  return `'${text.replaceAll("'", "'\\''")}'`;
}

function pythonText(value) {
  return JSON.stringify(value).replaceAll(
    /("(?:[^"\\]|\\.)*")|\btrue\b|\bfalse\b|\bnull\b/g,
    (word, text) => text ?? { true: 'True', false: 'False', null: 'None' }[word],
  );
}

function snippet() {
  const url = new URL(target(), document.baseURI).href;
  const key = at('key').value.trim() !== '';
  let rows;
  try {
    rows = values();
  } catch (error) {
    return error.message;
  }
  const pictures = pictureFields().map(({ name, picture }) => [name, picture()?.name ?? 'picture.jpg']);
  if (state.language === 'curl') {
    const auth = key ? ' -H "Authorization: Bearer $MLOPS_API_KEY"' : '';
    if (pictures.length === 0) {
      return `curl -s ${quoted(url)}${auth} -H 'content-type: application/json' \\\n  -d ${quoted(JSON.stringify({ inputs: rows }))}`;
    }
    const parts = [
      ...pictures.map(([name, file]) => `${name}=@${file}`),
      ...Object.entries(rows).map(([name, value]) => `${name}=${value}`),
    ];
    return `curl -s ${quoted(url)}${auth}${parts.map((part) => ` \\\n  -F ${quoted(part)}`).join('')}`;
  }
  const server = JSON.stringify(new URL('.', document.baseURI).href.replace(/\/$/, ''));
  const options = [`model=${JSON.stringify(at('model').value)}`];
  if (at('version').value !== '') options.push(`version=${JSON.stringify(at('version').value)}`);
  if (key) options.push('key=os.environ["MLOPS_API_KEY"]');
  const files = pictures.map(([name, file]) => `${JSON.stringify(name)}: open(${JSON.stringify(file)}, "rb").read()`);
  const given = pythonText(rows).slice(1, -1);
  const all = [given, ...files].filter((part) => part !== '').join(', ');
  return `${key ? 'import os\n' : ''}from mlops_client import Client  # examples/clients/mlops_client.py\n\nmlops = Client(${server}, ${options.join(', ')})\nanswer = mlops.predict({${all}})\nprint(answer["outputs"])`;
}

function showSnippet() {
  at('snippet').textContent = snippet();
}

function chooseLanguage(language) {
  state.language = language;
  for (const name of ['curl', 'python']) {
    const tab = at(`tab-${name}`);
    tab.setAttribute('aria-selected', String(name === language));
    tab.tabIndex = name === language ? 0 : -1;
  }
  at('snippet').setAttribute('aria-labelledby', `tab-${language}`);
  showSnippet();
}

at('model').addEventListener('change', chooseModel);
at('version').addEventListener('change', chooseVersion);
at('form').addEventListener('submit', send);
at('form').addEventListener('reset', (event) => {
  event.preventDefault();
  chooseVersion();
});
at('key').addEventListener('change', () => {
  sessionStorage.setItem('mlops-key', at('key').value.trim());
  void start();
});
for (const name of ['curl', 'python']) {
  at(`tab-${name}`).addEventListener('click', () => chooseLanguage(name));
  at(`tab-${name}`).addEventListener('keydown', (event) => {
    if (event.key !== 'ArrowLeft' && event.key !== 'ArrowRight') return;
    const other = name === 'curl' ? 'python' : 'curl';
    chooseLanguage(other);
    at(`tab-${other}`).focus();
  });
}
at('copy').addEventListener('click', async () => {
  await navigator.clipboard.writeText(at('snippet').textContent);
  at('copy').textContent = 'Copied';
  setTimeout(() => (at('copy').textContent = 'Copy'), 1_500);
});
document.addEventListener('keydown', (event) => {
  if (event.key === 'Enter' && (event.ctrlKey || event.metaKey)) void send(event);
});
void start();
