// Writes crates/tollgate-sandbox/src/params/endpoints.json: the parameters of every endpoint that
// the sandbox serves, read from the types of the official npm package.
//
//   node tools/stripe-params.mjs [path of the package `stripe`]
//
// A parameter is `name` with marks behind it, `!` required, `?` may be sent empty to unset it,
// `<20` a list of at most 20, and its type:
//   "string" "integer" "timestamp" "number" "decimal" "boolean" "metadata" "range" "any"
//   "=a|b" one of these words        "#Name" the type of that name
//   [T] a list                       [T, U] one of several
//   {…} an object                    {"*": T} an object with names of the caller's choice
import { readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const stripe = process.argv[2] ?? join(root, 'tests/official/node_modules/stripe');
const target = join(root, 'crates/tollgate-sandbox/src/params/endpoints.json');

// Each resource's file, and which of its paths are served (all where nothing is said).
const RESOURCES = {
  Customers: /^\/v1\/customers(\/search|\/{id}(\/payment_methods|\/discount)?|\/{customer}\/payment_methods\/{id})?$/,
  Products: null,
  Prices: null,
  Coupons: null,
  PromotionCodes: null,
  PaymentMethods: null,
  Tokens: null,
  SetupIntents: /^\/v1\/setup_intents(\/{id}(\/confirm|\/cancel)?)?$/,
  PaymentIntents: /^\/v1\/payment_intents(\/search|\/{id}(\/confirm|\/cancel|\/capture)?)?$/,
  Charges: /^\/v1\/charges(\/search|\/{id}(\/capture)?)?$/,
  Refunds: null,
  Disputes: null,
  'Checkout/Sessions': null,
  'BillingPortal/Sessions': null,
  'BillingPortal/Configurations': null,
  Subscriptions: null,
  SubscriptionItems: null,
  SubscriptionSchedules: null,
  Invoices: null,
  InvoiceItems: null,
  InvoicePayments: null,
  'Entitlements/Features': null,
  'Entitlements/ActiveEntitlements': null,
  Events: null,
  WebhookEndpoints: null,
  'TestHelpers/TestClocks': null,
  BalanceTransactions: null,
  'V2/Core/Events': null,
  'V2/Core/EventDestinations': null,
};

// The types say `number` for integers, too; these are the ones with a fraction.
const FRACTIONS = /^(percent_off|percentage|percent_ownership|application_fee_percent|amount_percent|tax_percent|cb_score|height|length|weight|width)$/;
const TIMES = /(_at|_date|^timestamp|^trial_end|^billing_cycle_anchor|^redeem_by|^frozen_time|^resumes_at|^start|^end)$/;

// Options of payment methods that the sandbox does not play are taken as they come.
const METHODS = new Set(['card', 'sepa_debit', 'us_bank_account', 'link']);

// The API takes a card here; the libraries leave it out, for whoever sends one needs a permit.
const CARD = {
  token: 'string', number: 'string', exp_month: 'integer', exp_year: 'integer', cvc: 'string',
  networks: { preferred: '=cartes_bancaires|mastercard|visa' },
};

// --- reading the declarations -------------------------------------------------------------------

function tokens(text) {
  const found = [];
  const pattern = /\/\*\*([\s\S]*?)\*\/|\/\/[^\n]*|'((?:[^'\\]|\\.)*)'|([A-Za-z_$][\w$]*|-?\d+(?:\.\d+)?)|(=>|[^\s])/g;
  for (const [, doc, quoted, word, sign] of text.matchAll(pattern)) {
    if (doc !== undefined) found.push({ doc: doc.replace(/\s*\*\s*/g, ' ').trim() });
    else if (quoted !== undefined) found.push({ quoted });
    else if (word !== undefined) found.push({ word });
    else if (sign !== undefined) found.push({ sign });
  }
  return found;
}

class Scope {
  constructor(parent) {
    this.parent = parent;
    this.types = new Map();
    this.inner = new Map();
  }

  namespace(name) {
    if (!this.inner.has(name)) this.inner.set(name, new Scope(this));
    return this.inner.get(name);
  }

  // Finds `A.B` from here outward; the answer brings the scope that the type was declared in.
  find(path) {
    const names = path.split('.');
    for (let scope = this; scope; scope = scope.parent) {
      let at = scope;
      for (const name of names.slice(0, -1)) at = at?.inner.get(name);
      const type = at?.types.get(names.at(-1));
      if (type) return { type, scope: at, name: names.at(-1) };
    }
    return undefined;
  }
}

class Reader {
  constructor(text, scope) {
    this.all = tokens(text);
    this.at = 0;
    this.classes = new Map();
    this.declarations(scope);
  }

  get now() { return this.all[this.at]; }
  is(sign) { return this.now?.sign === sign; }
  take(sign) {
    if (!this.is(sign)) return false;
    this.at += 1;
    return true;
  }
  need(sign) {
    if (!this.take(sign)) throw new Error(`expected ${sign}, found ${JSON.stringify(this.now)} at ${this.at}`);
  }
  word() {
    const { word } = this.all[this.at++];
    if (word === undefined) throw new Error(`expected a word at ${this.at}`);
    return word;
  }

  declarations(scope) {
    while (this.now && !this.is('}')) {
      const { word } = this.now;
      this.at += 1;
      if (word === 'interface') this.interface(scope);
      else if (word === 'type' && this.now.word) this.alias(scope);
      else if (word === 'namespace') {
        const inner = scope.namespace(this.word());
        this.need('{');
        this.declarations(inner);
        this.need('}');
      } else if (word === 'class') this.class();
      else if (word === 'import' || word === 'from') while (!this.take(';')) this.at += 1;
      else if (word === undefined && this.all[this.at - 1].sign === '{') this.skip();
    }
  }

  // Goes past the end of a brace that is open already.
  skip() {
    for (let depth = 1; depth > 0; this.at += 1) {
      if (this.is('{')) depth += 1;
      if (this.is('}')) depth -= 1;
    }
  }

  // `type A = …;` with or without parameters, of which we need none.
  alias(scope) {
    const name = this.word();
    if (this.is('<')) while (!this.is('=')) this.at += 1;
    this.need('=');
    scope.types.set(name, this.typeOrAny());
    this.take(';');
  }

  interface(scope) {
    const name = this.word();
    const bases = [];
    if (this.is('<')) while (!this.is('{')) this.at += 1;
    if (this.now.word === 'extends') {
      this.at += 1;
      do bases.push(this.type()); while (this.take(','));
    }
    this.need('{');
    scope.types.set(name, { kind: 'object', name, bases, members: this.members() });
  }

  members() {
    const members = [];
    let doc = '';
    while (!this.take('}')) {
      if (this.now.doc !== undefined) {
        ({ doc } = this.all[this.at++]);
      } else if (this.take('[')) {
        while (!this.take(']')) this.at += 1;
        this.need(':');
        members.push({ name: '*', type: this.type(), doc });
        this.take(';');
      } else {
        const name = this.now.quoted ?? this.now.word;
        this.at += 1;
        const optional = this.take('?');
        // A method: no parameter of ours has one.
        if (this.is('(') || this.is('<')) while (!this.is(';')) this.at += 1;
        else if (this.take(':')) members.push({ name, optional, type: this.typeOrAny(), doc });
        this.take(';');
        doc = '';
      }
    }
    return members;
  }

  // The parameters' type of each method of a resource.
  class() {
    const name = this.word();
    while (!this.take('{')) this.at += 1;
    const methods = new Map();
    for (let depth = 1, method; depth > 0; this.at += 1) {
      if (this.is('{')) depth += 1;
      if (this.is('}')) depth -= 1;
      if (depth === 1 && this.now.word && this.all[this.at + 1]?.sign === '(' && this.all[this.at - 1].sign !== ':') method = this.now.word;
      if (this.now.word === 'params' && method && !methods.has(method)) {
        let path = '';
        for (let at = this.at + (this.all[this.at + 1].sign === '?' ? 3 : 2); this.all[at].word || this.all[at].sign === '.'; at += 1) {
          path += this.all[at].word ?? '.';
        }
        methods.set(method, path);
      }
    }
    this.classes.set(name, methods);
  }

  // Functions and computed types occur only beside what we read.
  typeOrAny() {
    try {
      return this.type();
    } catch {
      while (!this.is(';')) this.at += 1;
      return { kind: 'name', path: 'any', args: [] };
    }
  }

  type() {
    const options = [];
    this.take('|');
    do options.push(this.postfix()); while (this.take('|') || this.take('&'));
    return options.length === 1 ? options[0] : { kind: 'union', options };
  }

  postfix() {
    let type = this.primary();
    while (this.is('[')) {
      this.at += 1;
      if (!this.take(']')) throw new Error('indexed access');
      type = { kind: 'list', of: type };
    }
    return type;
  }

  primary() {
    const token = this.all[this.at++];
    if (token.quoted !== undefined) return { kind: 'literal', value: token.quoted };
    if (token.sign === '{') return { kind: 'object', bases: [], members: this.members() };
    if (token.sign === '(') {
      const type = this.type();
      this.need(')');
      return type;
    }
    let path = token.word;
    if (path === undefined) throw new Error(`no type begins with ${JSON.stringify(token)}`);
    while (this.take('.')) path += `.${this.word()}`;
    const args = [];
    if (this.take('<')) {
      do args.push(this.type()); while (this.take(','));
      this.need('>');
    }
    return { kind: 'name', path, args };
  }
}

// --- from declarations to parameters ------------------------------------------------------------

const shared = new Scope();
new Reader(readFileSync(join(stripe, 'esm/shared.d.ts'), 'utf8'), shared);

// Objects and long enums by their JSON, to name what several endpoints have in common.
const pool = new Map();

function pooled(type, name) {
  const key = JSON.stringify(type);
  if (key.length < 60) return type;
  const entry = pool.get(key) ?? { type, name, uses: 0 };
  entry.uses += 1;
  pool.set(key, entry);
  return entry;
}

function isEntry(type) {
  return type !== null && typeof type === 'object' && 'uses' in type && 'type' in type;
}

function number(name, doc) {
  if (FRACTIONS.test(name)) return 'number';
  return TIMES.test(name) || /timestamp|epoch/i.test(doc) ? 'timestamp' : 'integer';
}

// Returns the type and whether it may be sent empty.
function convert(type, scope, name, doc, near) {
  const plain = (of) => ({ of, empty: false });
  // Where '' is all there is, a parameter can only be unset.
  if (type.kind === 'literal') return type.value === '' ? { of: 'string', empty: true } : plain(`=${type.value}`);
  if (type.kind === 'object') return plain(pooled(object(type, scope, near), type.name ?? near));
  if (type.kind === 'list') return plain([convert(type.of, scope, name, doc, near).of]);
  if (type.kind === 'union') return union(type, scope, name, doc, near);
  if (type.path === 'Array') return plain([convert(type.args[0], scope, name, doc, near).of]);
  if (type.path === 'Emptyable') return { ...convert(type.args[0], scope, name, doc, near), empty: true };
  const known = {
    string: 'string', boolean: 'boolean', Decimal: 'decimal', any: 'any',
    Metadata: 'metadata', MetadataParam: 'metadata', RangeQueryParam: 'range',
  }[type.path];
  if (known) return plain(known);
  if (type.path === 'number') return plain(number(name, doc));
  const found = scope.find(type.path);
  if (!found) return plain('any');
  const inner = found.scope.inner.get(found.name) ?? found.scope;
  // A type's own namespace is inside the scope that declares it.
  const from = found.type.kind === 'object' ? found.scope : inner;
  const answer = convert(found.type, from, name, doc, found.name);
  if (typeof answer.of === 'string' && answer.of.startsWith('=')) answer.of = pooled(answer.of, found.name);
  return answer;
}

function union(type, scope, name, doc, near) {
  const words = [];
  const others = [];
  let empty = false;
  for (const option of type.options) {
    if (option.kind === 'literal') option.value === '' ? (empty = true) : words.push(option.value);
    else if (['null', 'undefined'].includes(option.path)) empty = true;
    else if (option.path !== 'OtherString') {
      const answer = convert(option, scope, name, doc, near);
      empty ||= answer.empty;
      others.push(answer.of);
    }
  }
  if (others.includes('range')) return { of: 'range', empty };
  if (others.includes('string') && words.length > 0) words.length = 0;
  if (words.length > 0) others.unshift(`=${words.join('|')}`);
  return { of: others.length === 1 ? others[0] : others, empty };
}

function members(type, scope) {
  const inherited = type.bases.flatMap((base) => {
    const found = base.kind === 'name' && scope.find(base.path);
    return found ? members(found.type, found.scope) : [];
  });
  const own = type.members.map((member) => ({ ...member, scope }));
  const names = new Set(own.map((member) => member.name));
  return [...inherited.filter((member) => !names.has(member.name)), ...own];
}

const COUNTS = { one: 1, two: 2, three: 3, four: 4, five: 5 };

function object(type, scope, near) {
  const answer = {};
  for (const member of members(type, scope)) {
    if (member.name === 'expand') continue;
    const drop = /^PaymentMethodOptions/.test(near ?? '') && !METHODS.has(member.name);
    const { of, empty } = drop ? { of: 'any', empty: true } : convert(member.type, member.scope, member.name, member.doc, `${near}.${member.name}`);
    let key = member.name;
    if (member.optional === false) key += '!';
    if (empty) key += '?';
    const most = Array.isArray(of) && of.length === 1 && /(?:up to|maximum of|at most) (\d+|one|two|three|four|five)\b(?! (?:characters|decimal))/i.exec(member.doc);
    if (most) key += `<${COUNTS[most[1].toLowerCase()] ?? most[1]}`;
    answer[key] = of;
  }
  return /PaymentMethodData$/.test(near ?? '') && 'type!' in answer ? withCard(answer) : answer;
}

function withCard(data) {
  const words = data['type!'].type ?? data['type!'];
  return { ...data, card: CARD, 'type!': pooled(`${words}|card`, 'PaymentMethodDataType') };
}

// --- endpoints ----------------------------------------------------------------------------------

function requests(source) {
  const found = [];
  let method;
  for (const line of source.split('\n')) {
    method = /^ {4}(\w+)\(.*\) \{$/.exec(line)?.[1] ?? method;
    const call = /_makeRequest\('(\w+)', (?:'([^']*)'|`([^`]*)`)/.exec(line);
    if (call && method) {
      const path = (call[2] ?? call[3]).replace(/\$\{encodeURIComponent\((\w+)\)\}/g, (_, name) => `{${name.replace(/(\w)Id$/, '$1')}}`);
      found.push({ method, endpoint: `${call[1]} ${path}`, path });
    }
  }
  return found;
}

function endpointsOf(resource, served) {
  const base = join(stripe, 'esm/resources', resource);
  const scope = new Scope(shared);
  const { classes } = new Reader(readFileSync(`${base}.d.ts`, 'utf8'), scope);
  const methods = [...classes.values()].at(0);
  const found = {};
  for (const { method, endpoint, path } of requests(readFileSync(`${base}.js`, 'utf8'))) {
    if (served && !served.test(path)) continue;
    const name = methods.get(method);
    const type = name && scope.find(name);
    if (name && !type) throw new Error(`${resource}.${method}: no type ${name}`);
    found[endpoint] = type ? object(type.type, type.scope, type.name) : {};
  }
  return found;
}

const endpoints = Object.assign({}, ...Object.entries(RESOURCES).map(([name, served]) => endpointsOf(name, served)));

// What is used twice gets a name; the rest is written where it stands.
const names = new Map();
const written = {};

function write(type) {
  if (!isEntry(type)) {
    if (Array.isArray(type)) return type.map(write);
    if (type === null || typeof type !== 'object') return type;
    return Object.fromEntries(Object.entries(type).map(([key, of]) => [key, write(of)]));
  }
  if (type.uses < 2) return write(type.type);
  if (!names.has(type)) {
    const short = type.name.split('.').at(-1).replace(/(^|_)(\w)/g, (_, __, letter) => letter.toUpperCase());
    let name = short;
    for (let count = 2; name in written; count += 1) name = `${short}${count}`;
    written[name] = null;
    names.set(type, name);
    written[name] = write(type.type);
  }
  return `#${names.get(type)}`;
}

const lines = (entries) => entries.map(([key, of]) => `${JSON.stringify(key)}:${JSON.stringify(of)}`).join(',\n');
const sorted = Object.entries(endpoints).sort(([a], [b]) => (a < b ? -1 : 1)).map(([key, of]) => [key, write(of)]);
const version = readFileSync(join(stripe, 'VERSION'), 'utf8').trim();
const text = `{"source":"npm stripe ${version}",\n"types":{\n${lines(Object.entries(written).sort(([a], [b]) => (a < b ? -1 : 1)))}\n},\n"endpoints":{\n${lines(sorted)}\n}}\n`;
writeFileSync(target, text);
console.log(`${sorted.length} endpoints, ${Object.keys(written).length} types, ${text.length} bytes`);
