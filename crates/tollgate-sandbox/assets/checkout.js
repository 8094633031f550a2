// The checkout page: hosted under /c/pay/{id}, and inside the app's page under /c/embed/{id}.
import { ask, blame, busy, day, ending, failed, h, learn, leave, money, rate, Refusal, safe, say, settle, show } from "./page.js";
import { emailField, payForm, payLabel } from "./pay-form.js";

const [, kind, id] = window.location.pathname.match(/^\/c\/(pay|embed)\/([^/]+)/) ?? [];
const base = `/_pages/checkout/${id}`;
const embedded = kind === "embed";

/** The origin of the page around us; messages go to no other. */
const around = embedded ? new URLSearchParams(window.location.search).get("parent") : null;

let session;
let form;
let summary;

start();

async function start() {
  if (embedded) frame();
  try {
    draw(learn(await ask("GET", base)));
    tell({ type: "ready", redirect_on_completion: session.redirect_on_completion });
  } catch (refusal) {
    if (!(refusal instanceof Refusal)) throw refusal;
    failed(refusal);
    tell({ type: "failed", message: refusal.message });
  }
}

function draw(loaded) {
  session = loaded;
  if (session.status === "complete") return complete();
  if (session.status === "expired") return expired();
  summary = h("div", {}, ticket());
  form = payment();
  const alone = session.mode === "setup";
  show(title(), h("div", { class: alone ? "stack wide narrow" : "columns checkout" },
    h("section", { class: alone ? "stack wide" : "stack wide still", "aria-label": "Order" }, back(), headline(), alone ? null : summary),
    h("section", { class: "card stack", "aria-labelledby": "pay-with" }, h("h2", { id: "pay-with" }, heading()), form.element)),
  h("footer", { class: alone ? "foot narrow" : "foot" }, h("span", {}, "Sandbox checkout"), h("span", { class: "code" }, session.id)));
}

function back() {
  if (embedded || !session.cancel_url) return null;
  return h("a", { class: "back", href: safe(session.cancel_url) }, h("span", { "aria-hidden": "true" }, "←"), `Back to ${session.merchant}`);
}

function what() {
  return session.lines.length === 1 ? session.lines[0].name : session.merchant;
}

function title() {
  if (session.mode === "setup") return `Save a payment method with ${session.merchant}`;
  if (session.mode === "payment") return `Pay ${session.merchant}`;
  return session.trial ? `Try ${what()}` : `Subscribe to ${what()}`;
}

function heading() {
  if (!session.payment_required) return "Your details";
  return session.mode === "setup" ? "Payment method" : "Pay";
}

/** The first thing to read: what this is, and its price. */
function headline() {
  const price = () => {
    if (session.mode === "setup") return h("p", { class: "soft" }, "Nothing is charged today.");
    if (session.trial) return [h("p", { class: "price" }, session.trial.text), h("p", { class: "soft" }, `then ${rate(session.recurring)}`)];
    if (!session.recurring) return h("p", { class: "price" }, money(session.total, session.currency));
    return h("p", { class: "price" }, money(session.recurring.amount, session.currency), h("small", {}, ` ${session.recurring.per}`));
  };
  return h("div", { class: "stack tight" }, session.lines.length === 1 && session.mode !== "setup" ? h("p", { class: "soft" }, session.merchant) : null,
    h("h1", {}, title()), h("div", { "data-price": true }, price()));
}

function ticket() {
  return h("div", { class: "ticket" },
    h("div", {}, h("ul", { class: "list" }, session.lines.map(line))),
    h("div", { class: "stack" }, promotion(), sums()));
}

function line(one) {
  const detail = [one.quantity > 1 ? `${one.quantity} × ${money(one.unit_amount, session.currency)}` : null, one.per, one.description].filter(Boolean).join(" · ");
  return h("li", { class: "stack tight" },
    h("div", { class: "line" }, h("span", { class: "name" }, one.name), h("span", {}, money(one.amount, session.currency)),
      detail ? h("span", { class: "soft small" }, detail) : null),
    one.adjustable ? stepper(one) : null);
}

function stepper(one) {
  const change = (by) => (event) => busy(event.currentTarget, async () => {
    const quantity = one.quantity + by;
    if (quantity < one.adjustable.minimum || quantity > one.adjustable.maximum) return say("No other quantity is possible.");
    await redraw("POST", "quantity", { line: one.id, quantity }, `[data-step="${one.id}${by}"]`);
    say(`Quantity ${quantity}. Due today: ${money(session.total, session.currency)}.`);
  });
  const button = (by, sign, label) => h("button", { type: "button", "aria-label": `${label}: ${one.name}`, "data-step": `${one.id}${by}`, onclick: change(by),
    "aria-disabled": by < 0 ? one.quantity <= one.adjustable.minimum : one.quantity >= one.adjustable.maximum }, sign);
  return h("div", { class: "stepper" }, button(-1, "−", "One less"), h("output", {}, String(one.quantity)), button(1, "+", "One more"));
}

function sums() {
  const row = (name, amount, style) => h("div", { class: style ?? null }, h("dt", {}, name), h("dd", {}, amount));
  const now = session.mode === "subscription" ? "Due today" : "Total";
  const plain = session.total === session.subtotal && !session.discount;
  return [h("dl", { class: "sums" }, plain ? null : row("Subtotal", money(session.subtotal, session.currency)),
    session.discount ? row([session.discount.name, h("span", { class: "soft small" }, ` ${session.discount.text}`)], money(-session.discount.amount, session.currency), "less") : null,
    row(now, money(session.total, session.currency), "total")), later()];
}

function later() {
  if (!session.recurring) return null;
  const start = session.trial ? `From ${day(session.recurring.from)}:` : `Renews on ${day(session.recurring.from)} at`;
  return h("p", { class: "soft small" }, `${start} ${rate(session.recurring)}, until you cancel.`);
}

/** The promotion code: a button, a field, or the code that is in use. */
function promotion() {
  if (session.discount?.removable) {
    return h("div", { class: "row" }, h("span", { class: "badge good" }, session.discount.name),
      h("button", { type: "button", class: "plain", "data-remove": true, "aria-label": `Remove code ${session.discount.name}`, onclick: (event) => busy(event.currentTarget, remove) }, "Remove"));
  }
  if (!session.promotion_code || session.discount) return null;
  const fault = h("p", { class: "fault", id: "code-fault", role: "alert" });
  const input = h("input", { id: "code", type: "text", autocomplete: "off", autocapitalize: "characters", spellcheck: "false", "aria-describedby": fault.id, oninput: () => { blame(fault, null); input.removeAttribute("aria-invalid"); } });
  const apply = h("button", { type: "submit" }, "Apply");
  const enter = () => busy(apply, async () => {
    if (input.value.trim() === "") return input.focus();
    try {
      await redraw("POST", "promotion_code", { code: input.value.trim() }, "[data-remove]");
      say(`Code applied. Due today: ${money(session.total, session.currency)}.`);
    } catch (refusal) {
      if (!(refusal instanceof Refusal)) throw refusal;
      fault.textContent = refusal.message;
      input.setAttribute("aria-invalid", "true");
      input.select();
    }
  });
  return h("form", { class: "field", novalidate: true, onsubmit: (event) => { event.preventDefault(); enter(); } },
    h("label", { for: "code" }, "Promotion code"), h("div", { class: "enter" }, input, apply), fault);
}

async function remove() {
  await redraw("DELETE", "promotion_code", undefined, "#code");
  say(`Code removed. Due today: ${money(session.total, session.currency)}.`);
}

/** Sends a change and draws the summary anew; what is typed in the form stays. */
async function redraw(method, path, body, focus) {
  session = learn(await ask(method, `${base}/${path}`, body));
  if (session.status !== "open") return draw(session);
  summary.replaceChildren(ticket());
  document.querySelector("[data-price]").parentElement.replaceWith(headline());
  form.relabel(payLabel(session));
  summary.querySelector(focus)?.focus();
}

function payment() {
  const email = emailField(session.customer.email, session.customer.email_fixed);
  return payForm({
    methods: session.methods, merchant: session.merchant, name: session.customer.name, clock: session.clock,
    label: payLabel(session), above: [email], note: session.note, method: session.payment_required,
    choose: session.mode === "setup" ? "Kind" : "Pay with",
    submit: async (given) => {
      const answer = await settle(base, "pay", { ...given, email: email.input.value.trim() });
      session = { ...session, status: "complete", redirect: answer.redirect };
      finish();
    },
  });
}

/** After the payment: our own page, and from there the app's if there is one to go to. */
function finish() {
  complete();
  if (!session.redirect) return tell({ type: "complete" });
  if (embedded) return tell({ type: "redirect", url: session.redirect });
  return leave(session.redirect);
}

function complete() {
  const saved = session.mode === "setup";
  ending({
    sign: "done",
    title: saved ? "Payment method saved" : "This order is complete",
    text: saved ? `${session.merchant} can use it from now on.` : `Thank you. ${session.merchant} has your order; there is nothing left to do here.`,
    link: embedded ? null : session.redirect,
    label: `Continue to ${session.merchant}`,
  });
}

function expired() {
  ending({
    sign: "late",
    title: "This checkout has expired",
    text: `Nothing was charged. Go back to ${session.merchant} and start again.`,
    link: session.recovery_url ?? (embedded ? null : session.cancel_url),
    label: session.recovery_url ? "Start again" : `Back to ${session.merchant}`,
  });
}

/** Inside another page: as tall as the content, and no taller. */
function frame() {
  document.body.dataset.embedded = "";
  new ResizeObserver(() => tell({ type: "height", height: Math.ceil(document.body.getBoundingClientRect().height) })).observe(document.body);
}

function tell(message) {
  if (around && window.parent !== window) window.parent.postMessage({ sandbox_checkout: id, ...message }, around);
}
