// The form that takes a test card or a test IBAN, with cards to click.
// Checkout, the portal and the invoice page all use it.
import { blame, busy, h, money, Refusal } from "./page.js";

const CARDS = [
  ["Succeeds", "4242424242424242"],
  ["Declined", "4000000000000002"],
  ["No funds", "4000000000009995"],
  ["3-D Secure", "4000002500003155"],
  ["Fails later", "4000000000000341"],
];
const IBANS = [
  ["Succeeds later", "DE89370400440532013000"],
  ["Fails later", "DE62370400440532013001"],
];
const BRANDS = [
  ["Visa", /^4/], ["Mastercard", /^(5[1-5]|2[2-7])/], ["American Express", /^3[47]/],
  ["Discover", /^6(011|5)/], ["Diners Club", /^3(0|6|8)/], ["JCB", /^35/], ["UnionPay", /^62/],
];

/** A labelled input with room for its fault; `read` checks it and tells the value. */
export function field({ id, label, type = "text", value = "", check = () => "", side = null, ...more }) {
  const fault = h("p", { class: "fault", id: `${id}-fault` });
  const input = h("input", { id, type, value, "aria-describedby": fault.id, ...more });
  const complain = (text) => {
    fault.textContent = text;
    input.setAttribute("aria-invalid", text ? "true" : "false");
  };
  input.addEventListener("input", () => complain(""));
  const element = h("div", { class: "field" }, h("label", { for: id }, label), h("div", { class: "holds" }, input, side), fault);
  return { element, input, complain, fits: () => { complain(check(input.value)); return fault.textContent === ""; } };
}

/** The field for an e-mail address; fixed where the customer already has one. */
export function emailField(value, fixed) {
  return field({
    id: "email", label: "E-mail", type: "email", value: value ?? "", autocomplete: "email",
    readonly: fixed, required: !fixed, placeholder: "you@example.com",
    check: (text) => (/^\S+@\S+\.\S+$/.test(text.trim()) ? "" : "Enter an e-mail address, like you@example.com."),
  });
}

/**
 * Builds the form. `submit` gets `{card | iban, name}` and answers when it is over; a `Refusal` is
 * shown where it belongs. `above` are further fields, with `fits()`; `method` false asks for none.
 */
export function payForm({ methods, merchant, name, clock, label, above = [], note, method = true, choose = "Pay with", submit }) {
  const parts = { card: cardPart(clock), sepa_debit: ibanPart(merchant) };
  const offered = method ? methods.filter((kind) => parts[kind]) : [];
  let chosen = offered[0];
  const holder = field({ id: "name", label: "Name on the account (optional)", value: name ?? "", autocomplete: "cc-name" });
  const alert = h("p", { class: "alert", role: "alert" });
  const button = h("button", { class: "main big", type: "submit" }, label);
  const body = h("div", { class: "stack" });
  const pick = (kind) => {
    chosen = kind;
    holder.element.querySelector("label").textContent = kind === "card" ? "Name on the card (optional)" : "Account holder (optional)";
    body.replaceChildren(parts[kind].element, holder.element);
    blame(alert, null);
  };
  const form = h("form", { class: "stack", novalidate: true, onsubmit: (event) => { event.preventDefault(); busy(button, send); } },
    above.map((one) => one.element), offered.length > 1 ? methodChoice(choose, offered, pick) : null, body, alert, button,
    note ? h("p", { class: "soft small" }, note) : null);
  if (chosen) pick(chosen);

  async function send() {
    blame(alert, null);
    const asked = [...above, ...(chosen ? [...parts[chosen].fields, holder] : [])];
    const wrong = asked.filter((one) => !one.fits());
    if (wrong.length > 0) return wrong[0].input.focus();
    try {
      await submit({ ...(chosen ? parts[chosen].read() : {}), name: holder.input.value.trim() || null });
    } catch (refusal) {
      if (!(refusal instanceof Refusal)) throw refusal;
      place(refusal.fault, asked);
    }
  }
  function place(fault, asked) {
    const named = asked.find((one) => one.input.id === fault.param);
    if (!named) return blame(alert, fault);
    named.complain(fault.message);
    named.input.focus();
  }
  return { element: form, relabel: (text) => { button.textContent = text; } };
}

function methodChoice(title, kinds, pick) {
  const names = { card: "Card", sepa_debit: "SEPA debit" };
  return h("fieldset", {}, h("legend", {}, title),
    h("div", { class: "choices across" }, kinds.map((kind, at) => h("label", { class: "choice" },
      h("input", { type: "radio", name: "method", value: kind, checked: at === 0, onchange: () => pick(kind) }),
      h("span", { class: "name" }, names[kind])))));
}

function cardPart(clock) {
  const brand = h("span", { "aria-live": "polite" });
  const number = field({ id: "number", label: "Card number", inputmode: "numeric", autocomplete: "cc-number", placeholder: "1234 1234 1234 1234", side: brand, check: checkNumber });
  const expiry = field({ id: "expiry", label: "Expiry date", inputmode: "numeric", autocomplete: "cc-exp", placeholder: "MM / YY", check: (text) => checkExpiry(text, clock) });
  const cvc = field({ id: "cvc", label: "Security code", inputmode: "numeric", autocomplete: "cc-csc", placeholder: "CVC", check: (text) => checkCvc(text, number.input.value) });
  retype(number.input, groupNumber);
  retype(expiry.input, groupExpiry);
  retype(cvc.input, (text) => digits(text).slice(0, 4));
  number.input.addEventListener("input", () => { brand.textContent = brandOf(number.input.value); });
  const year = String((new Date(clock * 1000).getUTCFullYear() + 4) % 100).padStart(2, "0");
  const fill = (chosen) => {
    for (const [one, value] of [[number, groupNumber(chosen)], [expiry, `12 / ${year}`], [cvc, "123"]]) {
      one.input.value = value;
      one.input.dispatchEvent(new Event("input"));
    }
  };
  const element = h("div", { class: "stack" }, tests("Test cards: click one to fill it in", CARDS, number, fill, (card) => `•••• ${card.slice(-4)}`),
    number.element, h("div", { class: "pair" }, expiry.element, cvc.element));
  return { element, fields: [number, expiry, cvc], read: () => ({ card: readCard(number, expiry, cvc) }) };
}

function readCard(number, expiry, cvc) {
  const [month, year] = digits(expiry.input.value).match(/../g).map(Number);
  return { number: digits(number.input.value), exp_month: month, exp_year: 2000 + year, cvc: cvc.input.value };
}

function ibanPart(merchant) {
  const iban = field({ id: "iban", label: "IBAN", autocomplete: "off", spellcheck: "false", placeholder: "DE00 0000 0000 0000 0000 00", check: checkIban });
  retype(iban.input, (text) => compact(text).slice(0, 34).replace(/(.{4})(?=.)/g, "$1 "));
  const fill = (chosen) => {
    iban.input.value = chosen;
    iban.input.dispatchEvent(new Event("input"));
  };
  const element = h("div", { class: "stack" }, tests("Test accounts: click one to fill it in", IBANS, iban, fill, (text) => `${text.slice(0, 4)} … ${text.slice(-4)}`), iban.element,
    h("p", { class: "soft small" }, `A debit takes days to settle. With a real account this would let ${merchant} collect from it; here nothing is collected.`));
  return { element, fields: [iban], read: () => ({ iban: compact(iban.input.value) }) };
}

/** The row of things to click; the one that is filled in shows as pressed. */
function tests(title, known, target, fill, short) {
  const buttons = known.map(([outcome, value]) => h("button", { type: "button", "aria-pressed": "false", "data-value": value, onclick: () => fill(value) },
    outcome, h("small", {}, short(value))));
  target.input.addEventListener("input", () => {
    for (const one of buttons) one.setAttribute("aria-pressed", String(one.dataset.value === compact(target.input.value)));
  });
  return h("fieldset", { class: "tests" }, h("legend", {}, title), h("div", {}, buttons));
}

const digits = (text) => text.replace(/\D/g, "");
const compact = (text) => text.replace(/[^0-9a-z]/gi, "").toUpperCase();
const brandOf = (text) => BRANDS.find(([, start]) => start.test(digits(text)))?.[0] ?? "";

function groupNumber(text) {
  const plain = digits(text).slice(0, 19);
  return brandOf(plain) === "American Express"
    ? plain.slice(0, 15).replace(/^(.{4})(.{1,6})(.*)$/, "$1 $2 $3").trim()
    : plain.replace(/(.{4})(?=.)/g, "$1 ");
}

function groupExpiry(text) {
  const all = digits(text);
  let plain = all.length === 6 ? all.slice(0, 2) + all.slice(4) : all.slice(0, 4);
  if (/^[2-9]/.test(plain)) plain = `0${plain}`.slice(0, 4);
  return plain.length > 2 ? `${plain.slice(0, 2)} / ${plain.slice(2)}` : plain;
}

/** Keeps what is typed in shape, and the caret after the same character. */
function retype(input, shape) {
  input.addEventListener("input", () => {
    const kept = compact(input.value.slice(0, input.selectionStart)).length;
    const atEnd = input.selectionStart === input.value.length;
    const shaped = shape(input.value);
    if (shaped === input.value) return;
    input.value = shaped;
    if (atEnd || document.activeElement !== input) return;
    let seen = 0;
    let caret = 0;
    while (seen < kept && caret < shaped.length) seen += compact(shaped[caret++]).length;
    input.setSelectionRange(caret, caret);
  });
}

function checkNumber(text) {
  const plain = digits(text);
  if (plain === "") return "Enter a card number, or click a test card.";
  const sum = [...plain].reverse().reduce((all, digit, at) => all + (at % 2 ? [0, 2, 4, 6, 8, 1, 3, 5, 7, 9][digit] : Number(digit)), 0);
  return plain.length >= 13 && sum % 10 === 0 ? "" : "This is not a card number. A digit may be wrong or missing.";
}

function checkExpiry(text, clock) {
  const [month, year] = (digits(text).match(/../g) ?? []).map(Number);
  if (!month || year === undefined || month > 12) return "Enter month and year.";
  return Date.UTC(2000 + year, month, 1) > clock * 1000 ? "" : "This date is past by the sandbox's clock.";
}

function checkCvc(text, number) {
  const length = brandOf(number) === "American Express" ? 4 : 3;
  return text.length === length ? "" : `Enter ${length} digits.`;
}

function checkIban(text) {
  const plain = compact(text);
  if (plain === "") return "Enter an IBAN, or click a test account.";
  if (!/^[A-Z]{2}\d{2}[A-Z0-9]{10,30}$/.test(plain)) return "This is not an IBAN.";
  const moved = plain.slice(4) + plain.slice(0, 4);
  const rest = [...moved].reduce((left, sign) => Number(`${left}${parseInt(sign, 36)}`) % 97, 0);
  return rest === 1 ? "" : "This is not an IBAN. A character may be wrong or missing.";
}

/** The words on a pay button. */
export function payLabel({ button, total, currency, methods }) {
  const words = { subscribe: "Subscribe", start_trial: "Start trial", save: methods.join() === "card" ? "Save card" : "Save payment method", book: "Book", donate: "Donate" };
  if (button === "pay") return `Pay ${money(total, currency)}`;
  if (button === "book" || button === "donate") return `${words[button]} ${money(total, currency)}`;
  return words[button];
}
