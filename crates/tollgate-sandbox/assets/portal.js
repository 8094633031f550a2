// The customer portal: its home, and the way between its views. What changes a
// subscription is in portal-change.js. Views are named in the address after #.
import { ask, day, ending, failed, h, leave, learn, money, rate, Refusal, safe, say, settle, show } from "./page.js";
import { emailField, field, payForm } from "./pay-form.js";
import { cancelView, updateView } from "./portal-change.js";

const token = window.location.pathname.match(/^\/p\/session\/([^/]+)/)?.[1];
const base = `/_pages/portal/${token}`;

let portal;
let said = "";
let over = false;

start();

async function start() {
  try {
    portal = learn(await ask("GET", base));
  } catch (refusal) {
    if (!(refusal instanceof Refusal)) throw refusal;
    return failed(refusal);
  }
  window.addEventListener("hashchange", draw);
  return draw();
}

/** A deep link opens its view; without one the address tells it. */
function view() {
  const flow = portal.flow && !over ? portal.flow : null;
  const names = { payment_method_update: "payment-method", customer_update: "details", subscription_cancel: "cancel", subscription_update: "update", subscription_update_confirm: "update" };
  if (flow) return { name: names[flow.type], id: flow.subscription, flow };
  const [name, id] = window.location.hash.slice(1).split("/");
  return { name, id, flow: null };
}

function draw() {
  const { name, id, flow } = view();
  const subscription = portal.subscriptions.find((one) => one.id === id);
  const way = { portal, flow, base, back: back(flow), done: (told, text) => done(flow, told, text) };
  if (name === "payment-method") return methodView(way);
  if (name === "details") return detailsView(way);
  if (name === "cancel" && subscription) return cancelView(way, subscription);
  if (name === "update" && subscription) return updateView(way, subscription);
  return home();
}

/** Takes the new state of the portal, and goes where a finished view leads. */
function done(flow, told, text) {
  portal = learn(told.portal);
  over = true;
  const after = flow?.after_completion ?? { type: "portal_homepage" };
  if (after.type === "redirect") {
    ending({ sign: "done", title: text, text: `Taking you back to ${portal.merchant}.`, link: after.return_url, label: "Continue" });
    return leave(after.return_url);
  }
  if (after.type === "hosted_confirmation") {
    return ending({ sign: "done", title: text, text: after.custom_message ?? "There is nothing left to do here.", link: portal.return_url, label: `Back to ${portal.merchant}` });
  }
  said = text;
  if (window.location.hash.length > 1) window.location.hash = "";
  else draw();
  return undefined;
}

function back(flow) {
  const arrow = h("span", { "aria-hidden": "true" }, "←");
  if (!flow) return h("a", { class: "back", href: "#" }, arrow, "Billing");
  return portal.return_url ? h("a", { class: "back", href: safe(portal.return_url) }, arrow, `Back to ${portal.merchant}`) : null;
}

function home() {
  show("Billing",
    h("div", { class: "stack wide" },
      h("header", { class: "stack tight" },
        portal.return_url ? h("a", { class: "back", href: safe(portal.return_url) }, h("span", { "aria-hidden": "true" }, "←"), `Back to ${portal.merchant}`) : null,
        h("h1", {}, portal.headline ?? `Your billing with ${portal.merchant}`)),
      said ? h("p", { class: "notice" }, said) : null,
      h("div", { class: "columns portal" },
        h("div", { class: "stack wide" }, subscriptions(), portal.invoices ? invoices() : null),
        h("div", { class: "stack wide" }, methods(), details()))),
    h("footer", { class: "foot" }, h("span", {}, "Sandbox billing portal"),
      portal.terms_of_service_url ? h("a", { href: safe(portal.terms_of_service_url) }, "Terms") : null,
      portal.privacy_policy_url ? h("a", { href: safe(portal.privacy_policy_url) }, "Privacy") : null));
  if (said) say(said);
  said = "";
}

function section(id, title, action, ...kids) {
  return h("section", { class: "stack", "aria-labelledby": id }, h("div", { class: "row apart" }, h("h2", { id }, title), action), ...kids);
}

function subscriptions() {
  const none = h("div", { class: "card soft" }, "You have no subscription.");
  return section("subscriptions", portal.subscriptions.length > 1 ? "Your plans" : "Your plan", null,
    portal.subscriptions.length === 0 ? none : portal.subscriptions.map(ticket));
}

function ticket(one) {
  const link = (name, text) => h("a", { class: "button", href: `#${name}/${one.id}`, "aria-label": `${text}: ${one.name}` }, text);
  const actions = [
    one.can.update ? link("update", one.can.update === "quantity" ? "Change quantity" : "Change plan") : null,
    one.can.cancel ? link("cancel", "Cancel plan") : null,
    one.can.resume ? h("button", { type: "button", class: "main", onclick: (event) => act(event.currentTarget, "resume", { subscription: one.id }, `${one.name} goes on.`) }, "Don't cancel") : null,
  ].filter(Boolean);
  return h("article", { class: "ticket" },
    h("div", { class: "stack" },
      h("div", { class: "row apart" }, h("h3", { class: "name" }, one.name), badges(one)),
      h("p", { class: "price" }, money(one.amount, one.currency), one.per ? h("small", {}, ` ${one.per}`) : null),
      one.items.length > 1 || one.items[0].quantity > 1 ? h("ul", { class: "list small soft" }, one.items.map((item) => h("li", { class: "line" },
        h("span", {}, `${item.quantity} × ${item.name}`), h("span", {}, rate({ ...item, currency: one.currency }))))) : null),
    h("div", { class: "stack" }, h("p", {}, ahead(one)), one.discount ? h("p", { class: "soft small" }, one.discount) : null,
      one.status === "past_due" || one.status === "unpaid" ? unpaid(one) : null,
      actions.length > 0 ? h("div", { class: "row fill-phone" }, actions) : null));
}

function badges(one) {
  const names = { active: ["Active", "good"], trialing: ["Trial", "good"], past_due: ["Payment overdue", "bad"], unpaid: ["Unpaid", "bad"], paused: ["Paused", "warn"], incomplete: ["Payment needed", "bad"], canceled: ["Canceled", ""] };
  const [text, tone] = names[one.status] ?? [one.status, ""];
  return h("span", { class: "row" }, h("span", { class: `badge ${tone}` }, text),
    one.next.kind === "ends" && one.status !== "canceled" ? h("span", { class: "badge warn" }, `Ends ${day(one.next.at)}`) : null);
}

/** What happens next to a subscription, in one sentence. */
function ahead({ next, currency, name }) {
  const sum = next.amount === null || next.amount === undefined ? "" : money(next.amount, currency);
  const with_ = next.payment_method ? ` with ${next.payment_method}` : "";
  const sentences = {
    renews: () => `Renews on ${day(next.at)} for ${sum}${with_}.`,
    trial_ends: () => `Trial until ${day(next.at)}, then ${sum}${with_}.`,
    ends: () => `Ends on ${day(next.at)}. You keep ${name} until then, and nothing more is charged.`,
    changes: () => `Changes to ${next.name} on ${day(next.at)}, for ${sum}.`,
    retries: () => `The last payment failed. It is tried again on ${day(next.at)}: ${sum}${with_}.`,
    ended: () => `Ended on ${day(next.at)}.`,
    none: () => "No payment is planned.",
  };
  return (sentences[next.kind] ?? sentences.none)();
}

function unpaid(one) {
  const invoice = portal.invoices?.find((each) => each.id === one.open_invoice);
  return h("div", { class: "notice warn row apart" }, h("span", {}, "A payment is missing."),
    invoice?.url ? h("a", { href: safe(invoice.url) }, `Pay ${money(invoice.amount_due, invoice.currency)}`) : h("a", { href: "#payment-method" }, "Add another payment method"));
}

function methods() {
  const add = portal.payment_method_update ? h("a", { href: "#payment-method", class: "small" }, "Add") : null;
  const none = h("p", { class: "soft" }, "No payment method is stored.");
  return section("methods", "Payment methods", add, h("div", { class: "card" }, portal.payment_methods.length === 0 ? none
    : h("ul", { class: "list" }, portal.payment_methods.map(method))));
}

function method(one) {
  const body = { payment_method: one.id };
  const end = one.exp_year ? `${one.expired ? "Expired" : "Expires"} ${String(one.exp_month).padStart(2, "0")}/${one.exp_year}` : "Bank account";
  const button = (text, label, path, after) => h("button", { type: "button", class: "plain", "aria-label": label, onclick: (event) => act(event.currentTarget, path, body, after) }, text);
  return h("li", {},
    h("div", { class: "row apart" },
      h("div", {}, h("p", { class: "name" }, one.name), h("p", { class: one.expired ? "fault" : "soft small" }, end)), one.is_default ? h("span", { class: "badge good" }, "Default") : null),
    portal.payment_method_update && !one.is_default ? h("div", { class: "row" },
      one.expired ? null : button("Make default", `Make ${one.name} the default`, "default_payment_method", `${one.name} pays from now on.`),
      button("Remove", `Remove ${one.name}`, "remove_payment_method", `${one.name} is removed.`)) : null);
}

/** Asks for a change that needs no view of its own; a refusal is told at the top. */
async function act(button, path, body, text) {
  if (button.getAttribute("aria-disabled") === "true") return;
  button.setAttribute("aria-disabled", "true");
  try {
    const told = await settle(base, path, body);
    portal = learn(told.portal);
    said = text;
    home();
  } catch (refusal) {
    if (!(refusal instanceof Refusal)) throw refusal;
    button.removeAttribute("aria-disabled");
    document.querySelector("[data-refused]")?.remove();
    document.querySelector("h1").after(h("p", { class: "alert", role: "alert", "data-refused": true }, refusal.message));
    window.scrollTo(0, 0);
  }
}

function invoices() {
  const tones = { paid: "good", open: "warn", uncollectible: "bad" };
  const row = (one) => h("li", { class: "row" },
    h("div", {}, h("p", {}, one.url ? h("a", { href: safe(one.url) }, day(one.created)) : day(one.created)), h("p", { class: "soft small" }, one.number ?? "Not numbered")),
    h("div", { class: "row push" }, h("span", { class: `badge ${tones[one.status] ?? ""}` }, one.status[0].toUpperCase() + one.status.slice(1)), h("span", {}, money(one.total, one.currency))));
  return section("invoices", "Invoices", null, h("div", { class: "card" }, portal.invoices.length === 0 ? h("p", { class: "soft" }, "No invoice yet.")
    : h("ul", { class: "list" }, portal.invoices.map(row))));
}

function details() {
  const { name, email } = portal.customer;
  const edit = portal.customer_update.length > 0 ? h("a", { href: "#details", class: "small" }, "Edit") : null;
  const row = (label, value) => h("li", { class: "line" }, h("span", { class: "soft" }, label), h("span", {}, value ?? "–"));
  return section("details", "Billing information", edit, h("div", { class: "card" }, h("ul", { class: "list" }, row("Name", name), row("E-mail", email))));
}

function methodView({ back: link, done: finish }) {
  const form = payForm({
    methods: portal.methods, merchant: portal.merchant, name: portal.customer.name, clock: portal.clock, label: "Save payment method", choose: "Kind",
    note: "It becomes the default: your next payments are made with it.",
    submit: async (given) => finish(await settle(base, "payment_methods", given), "Payment method saved"),
  });
  show("Add a payment method", h("div", { class: "narrow stack" }, link, h("h1", {}, "Add a payment method"), h("div", { class: "card" }, form.element)));
}

function detailsView({ back: link, done: finish }) {
  const allowed = (what) => portal.customer_update.includes(what);
  const email = allowed("email") ? emailField(portal.customer.email, false) : null;
  const name = allowed("name") ? field({ id: "name", label: "Name", value: portal.customer.name ?? "", autocomplete: "name" }) : null;
  const form = payForm({
    methods: [], merchant: portal.merchant, clock: portal.clock, label: "Save", method: false, above: [name, email].filter(Boolean),
    submit: async () => finish(await ask("POST", `${base}/customer`, { ...(email && { email: email.input.value.trim() }), ...(name && { name: name.input.value.trim() }) }), "Billing information saved"),
  });
  show("Billing information", h("div", { class: "narrow stack" }, link, h("h1", {}, "Billing information"), h("div", { class: "card" }, form.element)));
}
