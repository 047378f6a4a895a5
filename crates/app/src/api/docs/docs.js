// Draws the page from openapi.json: paths by tag, their parameters and answers, and a form that asks.
'use strict';

const make = (name, attributes = {}, ...children) => {
  const node = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (key in node) node[key] = value;
    else node.setAttribute(key, value);
  }
  node.append(...children.filter((child) => child !== undefined && child !== null));
  return node;
};

const byId = (id) => document.getElementById(id);
let description;

/** The schema itself, wherever it stands. */
function resolve(schema) {
  const name = schema?.$ref?.split('/').pop();
  return name ? { name, ...description.components.schemas[name] } : (schema ?? {});
}

/** The kind of a value in a few words. */
function kind(schema) {
  const it = resolve(schema);
  const either = it.oneOf ?? it.anyOf;
  if (either) return either.map(kind).join(' or ');
  if (it.enum) return it.enum.map((value) => JSON.stringify(value)).join(' | ');
  const types = [it.type].flat().filter(Boolean);
  const named = types.map((type) => (type === 'array' ? `list of ${kind(it.items)}` : type));
  const range = [it.minimum !== undefined && `from ${it.minimum}`, it.maximum !== undefined && `to ${it.maximum}`];
  return [named.join(' or ') || 'any', ...range.filter(Boolean)].join(' ');
}

/** All fields of an object, those of its parts included. */
function fields(schema) {
  const it = resolve(schema);
  const own = Object.entries(it.properties ?? {});
  return [...(it.allOf ?? []).flatMap(fields), ...own];
}

/** The inner schema whose fields are worth showing: of a list, its items. */
function inside(schema) {
  const it = resolve(schema);
  const either = (it.oneOf ?? it.anyOf ?? []).find((one) => resolve(one).type !== 'null');
  if (either) return inside(either);
  return it.type === 'array' ? inside(it.items) : it;
}

function tree(schema, depth = 0) {
  const list = fields(schema).map(([name, field]) => {
    const help = field.description ?? resolve(field).description ?? '';
    const below = depth < 4 ? tree(inside(field), depth + 1) : null;
    return make('li', {}, make('code', {}, name), make('span', { className: 'kind' }, kind(field)), help, below);
  });
  return list.length ? make('ul', { className: 'fields' }, ...list) : null;
}

function parameters(operation) {
  const rows = (operation.parameters ?? []).map((it) => {
    const input = make('input', { name: it.name, size: 18, autocomplete: 'off', value: it.example ?? '' });
    input.dataset.where = it.in;
    input.setAttribute('aria-label', it.name);
    const word = it.required ? ' (wanted)' : '';
    return make('tr', {}, make('td', {}, make('code', {}, it.name), word), make('td', {}, kind(it.schema)),
      make('td', {}, it.description ?? ''), make('td', {}, input));
  });
  if (!rows.length) return null;
  const heads = ['Parameter', 'Kind', 'Meaning', 'Value'].map((head) => make('th', { scope: 'col' }, head));
  return make('table', {}, make('thead', {}, make('tr', {}, ...heads)), make('tbody', {}, ...rows));
}

async function ask(method, path, form, output, body) {
  const query = new URLSearchParams();
  let target = path;
  for (const input of form.querySelectorAll('input[name]')) {
    const value = input.value.trim();
    if (input.dataset.where === 'path') target = target.replace(`{${input.name}}`, encodeURIComponent(value));
    else if (value) query.set(input.name, value);
  }
  const address = query.size ? `${target}?${query}` : target;
  const token = byId('token').value.trim();
  const headers = token ? { authorization: `Bearer ${token}` } : {};
  if (body) headers['content-type'] = 'application/json';
  output.hidden = false;
  output.textContent = `${method} ${address} …`;
  try {
    const answer = await fetch(address, { method, headers, body: body?.value });
    const text = await answer.text();
    let shown = text;
    try { shown = JSON.stringify(JSON.parse(text), null, 1); } catch { /* not JSON: as it is */ }
    output.className = answer.ok ? '' : 'wrong';
    output.textContent = `${method} ${address}\n${answer.status} ${answer.headers.get('content-type') ?? ''}\n\n${shown.slice(0, 100000)}`;
  } catch (error) {
    output.className = 'wrong';
    output.textContent = `${method} ${address}\n${error}`;
  }
}

function operation(method, path, it) {
  const output = make('pre', { hidden: true, tabIndex: 0 });
  const wanted = it.requestBody?.content?.['application/json'];
  const body = wanted && make('textarea', { rows: 3, cols: 60, value: JSON.stringify(wanted.example ?? {}) });
  if (body) body.setAttribute('aria-label', 'body');
  const good = it.responses['200'] ?? it.responses['101'];
  const answer = Object.values(good?.content ?? {})[0];
  const form = make('form', {}, parameters(it), body, make('p', {}, make('button', { type: 'submit' }, 'Ask')));
  form.addEventListener('submit', (event) => {
    event.preventDefault();
    ask(method.toUpperCase(), path, form, output, body);
  });
  const summary = make('summary', {}, make('span', { className: 'method' }, method.toUpperCase()),
    make('span', { className: 'path' }, path), make('span', { className: 'help' }, it.summary ?? it.description ?? ''));
  const kinds = Object.keys(good?.content ?? {}).join(', ');
  const details = make('details', { id: it.operationId }, summary, make('div', { className: 'inside' },
    it.summary && it.description ? make('p', {}, it.description) : null, form, output,
    answer ? make('h3', {}, `Answer: ${kinds}`) : null, answer ? tree(inside(answer.schema)) : null));
  details.dataset.text = `${path} ${it.summary ?? ''} ${it.description ?? ''}`.toLowerCase();
  return details;
}

function draw() {
  const sections = new Map((description.tags ?? []).map((tag) => [tag.name, [make('h2', {}, tag.description ?? tag.name)]]));
  for (const [path, item] of Object.entries(description.paths)) {
    for (const method of ['get', 'post']) {
      const it = item[method];
      if (!it) continue;
      const tag = it.tags?.[0] ?? 'other';
      if (!sections.has(tag)) sections.set(tag, [make('h2', {}, tag)]);
      sections.get(tag).push(operation(method, path, it));
    }
  }
  byId('paths').replaceChildren(...[...sections.values()].map((parts) => make('section', {}, ...parts)));
}

function find() {
  const words = byId('find').value.toLowerCase().split(/\s+/).filter(Boolean);
  for (const it of document.querySelectorAll('main details')) {
    it.hidden = !words.every((word) => it.dataset.text.includes(word));
  }
}

async function begin() {
  byId('with').addEventListener('submit', (event) => event.preventDefault());
  byId('find').addEventListener('input', find);
  try {
    const answer = await fetch('/api/v1/openapi.json');
    if (!answer.ok) throw new Error(`${answer.status} ${answer.statusText}`);
    description = await answer.json();
    draw();
    if (location.hash) {
      const named = byId(decodeURIComponent(location.hash.slice(1)));
      if (named?.tagName === 'DETAILS') named.open = true;
      named?.scrollIntoView();
    }
  } catch (error) {
    byId('paths').replaceChildren(make('p', { className: 'wrong' }, `The description cannot be read: ${error}; reload to try again.`));
  }
}

begin();
