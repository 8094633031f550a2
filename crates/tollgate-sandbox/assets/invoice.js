// An invoice by itself, /i/{id}: what it is for, what is paid, and the way to pay the rest.
import { ask, day, failed, h, learn, money, Refusal, safe, settle, show } from "./page.js";
import { payForm } from "./pay-form.js";

const id = window.location.pathname.match(/^\/i\/([^/]+)/)?.[1];
const base = `/_pages/invoice/${id}`;

const STATUS = {
  draft: ["Draft", "", "This invoice is not final yet. It can change."],
  open: ["Open", "warn", null],
  processing: ["Processing", "warn", "The payment is under way. The bank takes days to settle it."],
  paid: ["Paid", "good", null],
  void: ["Void", "", "This invoice is void: nothing is owed."],
  uncollectible: ["Uncollectible", "bad", null],
};

start();

async function start() {
  try {
    draw(learn(await ask("GET", base)));
  } catch (refusal) {
    if (!(refusal instanceof Refusal)) throw refusal;
    failed(refusal);
  }
}

function draw(invoice) {
  const [word, tone, text] = STATUS[invoice.status];
  const owed = invoice.payable && invoice.amount_due > 0;
  const title = invoice.number ? `Invoice ${invoice.number}` : "Invoice";
  const told = invoice.status === "paid" && invoice.paid_at ? `Paid on ${day(invoice.paid_at)}. Thank you.` : text;
  show(title, h("div", { class: owed ? "columns checkout" : "narrow" },
    h("section", { class: "stack wide", "aria-label": "Invoice" },
      h("header", { class: "stack tight" }, invoice.back_url ? h("a", { class: "back", href: safe(invoice.back_url) }, h("span", { "aria-hidden": "true" }, "←"), "Back") : null,
        h("p", { class: "soft" }, invoice.merchant), h("div", { class: "row" }, h("h1", {}, title), h("span", { class: `badge ${tone}` }, word)),
        told ? h("p", { class: invoice.status === "paid" ? "notice" : "soft" }, told) : null),
      ticket(invoice)),
    owed ? h("section", { class: "card stack", "aria-labelledby": "pay" }, h("h2", { id: "pay" }, `Pay ${money(invoice.amount_due, invoice.currency)}`), payment(invoice)) : null),
  h("footer", { class: owed ? "foot" : "foot narrow" }, h("span", {}, "Sandbox invoice"), h("span", { class: "code" }, invoice.id)));
}

function ticket(invoice) {
  const fact = (name, value) => (value ? h("div", {}, h("dt", { class: "soft" }, name), h("dd", {}, value)) : null);
  const sum = (name, amount, style) => h("div", { class: style ?? null }, h("dt", {}, name), h("dd", {}, money(amount, invoice.currency)));
  const owed = ["open", "uncollectible"].includes(invoice.status);
  const balance = invoice.applied_balance;
  return h("div", { class: "ticket" },
    h("div", {}, h("dl", { class: "sums" }, fact("For", invoice.customer.name ?? invoice.customer.email), invoice.customer.name ? fact("E-mail", invoice.customer.email) : null,
      fact("Date", day(invoice.created)), fact("Due", invoice.due_date ? day(invoice.due_date) : null))),
    h("div", {}, h("ul", { class: "list" }, invoice.lines.map((line) => row(line, invoice.currency)))),
    h("div", {}, h("dl", { class: "sums" }, invoice.discounts.length > 0 ? sum("Subtotal", invoice.subtotal) : null,
      invoice.discounts.map((one) => sum(one.text, -one.amount, "less")),
      sum("Total", invoice.total, "total"),
      balance === 0 ? null : sum(balance < 0 ? "Credit used" : "Earlier balance", balance, balance < 0 ? "less" : null),
      invoice.amount_paid > 0 ? sum("Paid", invoice.amount_paid) : null,
      owed ? sum("Still due", invoice.amount_due, "strong") : null)));
}

function row(line, currency) {
  const period = line.period ? `${day(line.period.start)} – ${day(line.period.end)}` : null;
  return h("li", { class: "line" }, h("span", { class: "name" }, line.description), h("span", {}, money(line.amount, currency)), period ? h("span", { class: "soft small" }, period) : null);
}

function payment(invoice) {
  return payForm({
    methods: invoice.methods, merchant: invoice.merchant, name: invoice.customer.name, clock: invoice.clock, label: `Pay ${money(invoice.amount_due, invoice.currency)}`,
    submit: async (given) => draw(learn((await settle(base, "pay", given)).invoice)),
  }).element;
}
