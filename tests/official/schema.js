// Whether what the sandbox answers and sends has Stripe's shapes, to the field: the JSON schemas of
// every object (no unknown field, exact nullability), and around them the envelopes that have none
// of their own: lists, events, errors, deleted objects, v2.

import { readFileSync } from "node:fs";
import Ajv from "ajv";

export const CURRENT_VERSION = "2026-10-28.endive";

const REASONS_SHOWN_MAX = 6;

const file = new URL("../../crates/tollgate-sandbox/tests/object-schemas.json", import.meta.url);
const objects = JSON.parse(readFileSync(file, "utf8"));
const ajv = new Ajv({ allErrors: true, strict: true, strictTypes: false, strictRequired: false });
ajv.addSchema(objects);

const text = { type: "string" };
const flag = { type: "boolean" };
const whole = { type: "integer" };
const orNull = (schema) => ({ anyOf: [{ type: "null" }, schema] });
const ref = (name) => ({ $ref: `stripe-objects#/$defs/${encodeURIComponent(name)}` });

// An object with all of `required`, any of `optional`, and nothing else.
function exactly(required, optional = {}) {
  const properties = { ...required, ...optional };
  return { type: "object", properties, required: Object.keys(required), additionalProperties: false };
}

const whoAsked = exactly({ id: orNull(text), idempotency_key: orNull(text) });
const anything = { type: "object" };
const deleted = exactly({ id: text, object: text, deleted: { const: true } });

// What stripe's own types say of the objects that the file of schemas leaves out.
const ENVELOPES = {
  list: exactly({ object: { const: "list" }, data: { type: "array" }, has_more: flag, url: text }),
  search_result: exactly(
    { object: { const: "search_result" }, data: { type: "array" }, has_more: flag, next_page: orNull(text), url: text },
    { total_count: whole },
  ),
  v2_list: exactly({ data: { type: "array" }, next_page_url: orNull(text), previous_page_url: orNull(text) }),
  event: exactly(
    {
      id: { type: "string", pattern: "^evt_" },
      object: { const: "event" },
      api_version: orNull(text),
      created: whole,
      data: exactly({ object: anything }, { previous_attributes: anything }),
      livemode: { const: false },
      pending_webhooks: { type: "integer", minimum: 0 },
      request: orNull(whoAsked),
      type: text,
    },
    { account: text, context: text },
  ),
  "v2.core.event": exactly(
    {
      id: { type: "string", pattern: "^evt_" },
      object: { const: "v2.core.event" },
      created: { type: "string", pattern: "^\\d{4}-\\d\\d-\\d\\dT\\d\\d:\\d\\d:\\d\\d\\.\\d{3}Z$" },
      livemode: { const: false },
      type: { type: "string", pattern: "^v[12]\\." },
    },
    {
      changes: anything,
      context: text,
      data: anything,
      reason: exactly({ type: text }, { request: exactly({ id: text, idempotency_key: text }) }),
      related_object: exactly({ id: text, type: text, url: { type: "string", pattern: "^/v[12]/" } }),
      snapshot_event: { type: "string", pattern: "^evt_" },
    },
  ),
  v2_deleted: exactly({ id: text }, { object: text }),
  deleted,
  token: exactly(
    { id: text, object: { const: "token" }, client_ip: orNull(text), created: whole, livemode: flag, type: text, used: flag },
    { bank_account: ref("bank_account"), card: ref("card") },
  ),
  product_feature: exactly({
    id: text,
    object: { const: "product_feature" },
    entitlement_feature: ref("entitlements.feature"),
    livemode: flag,
  }),
  error: exactly(
    { type: { enum: ["api_error", "card_error", "idempotency_error", "invalid_request_error"] }, message: text },
    {
      ...Object.fromEntries(
        ["advice_code", "charge", "code", "decline_code", "doc_url", "network_advice_code", "network_decline_code"]
          .concat("param", "payment_method_type", "request_log_url")
          .map((name) => [name, text]),
      ),
      payment_intent: ref("payment_intent"),
      payment_method: ref("payment_method"),
      setup_intent: ref("setup_intent"),
      source: anything,
    },
  ),
};

// The endpoints behind the hosted checkout: nobody documents what they answer.
const UNDOCUMENTED = "/v1/payment_pages/";

// Every code that an error may have: the library's types list them where objects keep an error, and
// leave out the last one, of which its changelog tells.
const CODES = new Set([...codesOf("PaymentIntents"), ...codesOf("Invoices"), "payment_method_types_no_longer_supported"]);

function codesOf(resource) {
  const types = readFileSync(new URL(`node_modules/stripe/esm/resources/${resource}.d.ts`, import.meta.url), "utf8");
  const rows = [...types.matchAll(/type Code = (.*);/g)].map(([, row]) => [...row.matchAll(/'(\w+)'/g)]);
  return rows.flat().map(([, code]) => code);
}

const envelopes = Object.fromEntries(Object.entries(ENVELOPES).map(([name, it]) => [name, ajv.compile(it)]));

// What is wrong with the answer to a call: sentences, none for a good one.
export function faultsOfAnswer(body, method, path) {
  const where = `${method} ${path.split("?")[0]}`;
  if (body === null || typeof body !== "object") {
    return [`${where}: no object but ${JSON.stringify(body)}`];
  }
  if ("error" in body) {
    const { code } = body.error;
    const unknown = code !== undefined && /^\/v1\/(?!payment_pages)/.test(path) && !CODES.has(code);
    return [
      ...faults(envelopes.error, body.error, `${where}: error`),
      ...extra(body, ["error"], where),
      ...(unknown ? [`${where}: no error of Stripe's has the code ${code}`] : []),
    ];
  }
  if (path.startsWith(UNDOCUMENTED)) {
    return [];
  }
  if (path.startsWith("/v2/") && method === "DELETE") {
    return faults(envelopes.v2_deleted, body, where);
  }
  return faultsOfObject(body, where);
}

export function faultsOfObject(body, where) {
  if (body.object === "list" || body.object === "search_result") {
    return [...faults(envelopes[body.object], body, `${where}: list`), ...faultsOfEach(body.data, where)];
  }
  if (body.object === undefined && "next_page_url" in body) {
    return [...faults(envelopes.v2_list, body, `${where}: list`), ...faultsOfEach(body.data, where)];
  }
  if (body.object === "event") {
    return faultsOfEvent(body, where);
  }
  const validate = validator(body);
  return validate ? faults(validate, body, where) : [`${where}: no object has the name ${body.object}`];
}

// An event's object is rendered in the event's version: there are schemas of the current one.
function faultsOfEvent(event, where) {
  const here = `${where}: event ${event.type}`;
  const { object, previous_attributes: before = {} } = event.data ?? {};
  const found = faults(envelopes.event, event, here);
  if (found.length > 0 || event.api_version !== CURRENT_VERSION) {
    return found;
  }
  const unknown = Object.keys(before).filter((name) => !(name in object));
  // An invoice that will come has no id yet.
  const coming = event.type === "invoice.upcoming" && !("id" in object);
  return [
    ...faultsOfObject(coming ? { ...object, id: "in_none_yet" } : object, here),
    ...unknown.map((name) => `${here}: previous_attributes has ${name}, the object has not`),
  ];
}

function faultsOfEach(data, where) {
  return Array.isArray(data) ? data.flatMap((it) => faultsOfObject(it, `${where}: in the list`)) : [];
}

function validator(body) {
  const name = body.deleted === true ? `${body.object}#deleted` : body.object;
  if (name in objects.$defs) {
    return ajv.getSchema(`stripe-objects#/$defs/${encodeURIComponent(name)}`);
  }
  return body.deleted === true ? envelopes.deleted : envelopes[name];
}

function extra(body, known, where) {
  return Object.keys(body)
    .filter((name) => !known.includes(name))
    .map((name) => `${where}: ${name} stands beside ${known.join()}`);
}

function faults(validate, value, where) {
  if (validate(value)) {
    return [];
  }
  const told = telling(validate.errors).slice(0, REASONS_SHOWN_MAX);
  return told.map((it) => `${where} ${value?.id ?? ""}: ${it.instancePath} ${it.message} ${JSON.stringify(it.params)}`);
}

// A union reports every branch that does not fit. What names another object's type says nothing,
// and of the rest the innermost is the cause.
function telling(errors) {
  const foreign = errors.filter((it) => it.keyword === "const" && it.instancePath.endsWith("/object"));
  const rest = errors.filter((it) => {
    const branch = foreign.find((other) => it.schemaPath.startsWith(other.schemaPath.replace(/properties\/object\/const$/, "")));
    return !branch && it.keyword !== "anyOf" && it.params.type !== "null";
  });
  const depth = (it) => it.instancePath.split("/").length;
  return (rest.length > 0 ? rest : errors).sort((one, other) => depth(other) - depth(one));
}
