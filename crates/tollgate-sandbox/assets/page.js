// What every page of the sandbox needs: building elements, money and dates,
// asking the server, and the frame around a page. The calls' own code tells what is answered.

/** Builds an element; `props` are attributes, `on…` listeners, or `class`. Text is never markup. */
export function h(tag, props = {}, ...kids) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(props ?? {})) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith("on")) made.addEventListener(name.slice(2), value);
    else made.setAttribute(name, value === true && !name.startsWith("aria-") ? "" : value);
  }
  made.append(...kids.flat(3).filter((kid) => kid !== null && kid !== undefined && kid !== false));
  return made;
}

const MARKS = {
  done: "M5 12.5 10 17.5 19.5 7",
  late: "M12 7v5.5l3.5 2M12 3a9 9 0 1 0 0 18 9 9 0 0 0 0-18",
  lost: "M12 7v6M12 16.5v.5",
};

/** Returns a round sign for a page that tells an outcome: `done`, `late` or `lost`. */
export function mark(kind) {
  const space = "http://www.w3.org/2000/svg";
  const drawing = document.createElementNS(space, "svg");
  drawing.setAttribute("viewBox", "0 0 24 24");
  const path = document.createElementNS(space, "path");
  path.setAttribute("d", MARKS[kind]);
  drawing.append(path);
  const tone = { done: "mark", late: "mark warn", lost: "mark bad" }[kind];
  return h("span", { class: tone, "aria-hidden": "true" }, drawing);
}

/** The pages speak English; a reader's own English decides how numbers and dates look. */
const LOCALE = navigator.language.startsWith("en") ? navigator.language : "en-GB";

let exponents = {};

/** Learns the currencies' decimals; called with every page the server sends. */
export function learn(page) {
  exponents = { ...exponents, ...page.exponents };
  const clock = document.querySelector("[data-clock]");
  if (!clock || !page.clock) return page;
  clock.dateTime = new Date(page.clock * 1000).toISOString();
  clock.textContent = `Sandbox clock: ${time(page.clock)}`;
  return page;
}

/** Formats minor units; the server tells the exponent, `Intl` the rest. */
export function money(amount, currency) {
  const digits = exponents[currency] ?? 2;
  return new Intl.NumberFormat(LOCALE, {
    style: "currency",
    currency: currency.toUpperCase(),
    minimumFractionDigits: digits,
    maximumFractionDigits: digits,
  }).format(amount / 10 ** digits);
}

/** Formats a day. All pages use UTC, as the sandbox's clock does. */
export function day(seconds) {
  return new Date(seconds * 1000).toLocaleDateString(LOCALE, { dateStyle: "long", timeZone: "UTC" });
}

function time(seconds) {
  const form = { dateStyle: "medium", timeStyle: "short", timeZone: "UTC" };
  return `${new Date(seconds * 1000).toLocaleString(LOCALE, form)} UTC`;
}

/** "€12.00 per month", or only the amount where nothing repeats. */
export function rate({ amount, currency, per }) {
  return per ? `${money(amount, currency)} ${per}` : money(amount, currency);
}

/** An answer that is not what was asked for; `fault` is the server's `error`. */
export class Refusal extends Error {
  constructor(fault, status) {
    super(fault.message);
    this.fault = fault;
    this.status = status;
  }
}

/** Asks the server for JSON; throws a `Refusal` for an error it tells, or none at all. */
export async function ask(method, path, body) {
  const sent = body === undefined ? {} : { headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) };
  let answer;
  try {
    answer = await fetch(path, { method, cache: "no-store", ...sent });
  } catch {
    throw new Refusal({ message: "The sandbox does not answer. Is it still running? Try again." }, 0);
  }
  const told = await answer.json().catch(() => null);
  if (told?.error) throw new Refusal(told.error, answer.status);
  if (!answer.ok || told === null) {
    throw new Refusal({ message: `The sandbox answered ${answer.status} without saying why. Its log may tell more.` }, answer.status);
  }
  return told;
}

/** Asks, and lets the customer pass the bank's check as often as the server wants one. */
export async function settle(base, path, body) {
  let answer = await ask("POST", `${base}/${path}`, body);
  while (answer.status === "requires_action") {
    const outcome = await challenge(answer.action);
    answer = await ask("POST", `${base}/action`, { action: answer.action.id, outcome });
  }
  return answer;
}

/** Shows the stand-in for a bank's 3-D Secure page; resolves to `complete` or `fail`. */
function challenge(action) {
  return new Promise((resolve) => {
    let outcome = "fail";
    const choose = (chosen) => () => {
      outcome = chosen;
      box.close();
    };
    const sum = action.amount ? `a payment of ${money(action.amount, action.currency)} to ${action.merchant}` : `saving this card with ${action.merchant}`;
    const box = h("dialog", { "aria-labelledby": "bank-title", "aria-describedby": "bank-text" },
      h("div", { class: "sandbox" }, h("p", {}, h("strong", {}, "SANDBOX"), "Stand-in for the bank's page")),
      h("div", { class: "stack" },
        h("h2", { id: "bank-title" }, "Is this you?"),
        h("p", { id: "bank-text" }, `Your bank asks you to confirm ${sum}. Choose how the 3-D Secure check ends.`),
        h("div", { class: "pair" },
          h("button", { type: "button", onclick: choose("fail") }, "Fail"),
          h("button", { type: "button", class: "main", onclick: choose("complete") }, "Complete")),
        h("p", { class: "soft small" }, "Closing this window counts as a failure.")));
    box.addEventListener("close", () => {
      box.remove();
      resolve(outcome);
    });
    document.body.append(box);
    box.showModal();
    // Not by `autofocus`, which browsers refuse inside a page of another origin.
    box.querySelector("button.main").focus();
  });
}

/** Runs `work` once at a time with the button shown busy; the focus stays where it is. */
export async function busy(button, work) {
  if (button.getAttribute("aria-disabled") === "true") return;
  button.setAttribute("aria-disabled", "true");
  button.setAttribute("aria-busy", "true");
  try {
    await work();
  } finally {
    button.removeAttribute("aria-disabled");
    button.removeAttribute("aria-busy");
  }
}

/** Says something to screen readers without moving the focus. */
export function say(text) {
  document.querySelector("[data-said]").textContent = text;
}

/** Fills an alert box; an empty fault empties it. */
export function blame(box, fault) {
  const code = fault?.decline_code ?? fault?.code;
  box.replaceChildren(...(fault ? [fault.message, ...(code ? [h("small", {}, code)] : [])] : []));
}

/** Puts a view into the page; a later view takes the focus to its heading. */
export function show(title, ...view) {
  const place = document.querySelector("main");
  const first = place.querySelector(".loading") !== null;
  place.replaceChildren(...view.filter(Boolean));
  document.title = `${title} · Sandbox`;
  if (first) return;
  const heading = place.querySelector("h1") ?? place;
  heading.tabIndex = -1;
  heading.focus({ preventScroll: true });
  window.scrollTo(0, 0);
}

/** A whole page that tells one thing: an outcome, or what went wrong. */
export function ending({ sign, title, text, link, label }) {
  show(title, h("div", { class: "narrow" },
    h("div", { class: "card stack end" }, mark(sign), h("h1", {}, title), h("p", { class: "soft" }, text),
      link ? h("p", {}, h("a", { class: "button main", href: safe(link) }, label)) : null)));
}

/** The page for what could not be loaded. */
export function failed(refusal) {
  const unknown = refusal.status === 404;
  ending({
    sign: "lost",
    title: unknown ? "There is nothing at this address" : "This page could not be loaded",
    text: refusal.message,
  });
}

/** Returns an address a link may have: script addresses become `#`. */
export function safe(address) {
  try {
    const { protocol } = new URL(address, window.location.href);
    return ["javascript:", "data:", "vbscript:"].includes(protocol) ? "#" : address;
  } catch {
    return "#";
  }
}

/** Leaves for an address, unless it is a script. */
export function leave(address) {
  window.location.assign(safe(address));
}
