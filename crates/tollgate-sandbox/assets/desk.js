// The desk: the clock and the cards, and what the account holds. It looks again every two seconds,
// and at once after whatever it did itself.
import { ask, blame, busy, day, h, learn, leave, money, safe, say } from "/_pages/page.js";

const LOOK_EVERY = 2000;
const at = (name) => document.querySelector(`[data-${name}]`);
const alertBox = at("alert");

const FULL = { weekday: "short", day: "numeric", month: "short", year: "numeric", hour: "2-digit", minute: "2-digit", hourCycle: "h23", timeZone: "UTC" };
const SHORT = { day: "numeric", month: "short", hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23", timeZone: "UTC" };
const moment = (seconds, form) => new Date(seconds * 1000).toLocaleString("en-GB", form);

/** "3 days", "2 hours": the largest unit that fits. */
function span(seconds) {
  const units = [["year", 31557600], ["month", 2629800], ["day", 86400], ["hour", 3600], ["minute", 60]];
  const [unit, length] = units.find(([, length]) => seconds >= length) ?? ["second", 1];
  const count = Math.floor(seconds / length);
  return `${count} ${unit}${count === 1 ? "" : "s"}`;
}

const TONES = {
  active: "good", trialing: "good", past_due: "warn", incomplete: "warn", paused: "warn",
  unpaid: "bad", canceled: "", incomplete_expired: "",
};

function badge(word) {
  return h("span", { class: `badge ${TONES[word] ?? ""}` }, word.replaceAll("_", " "));
}

function subscription(row) {
  const sum = row.amount === null ? "" : `${money(row.amount, row.currency)} ${row.per ?? ""}`;
  const next = {
    active: row.cancel_at ? `ends ${day(row.cancel_at)}` : `renews ${day(row.until)}`,
    trialing: `trial until ${day(row.trial_end ?? row.until)}`,
    past_due: "waits for its money",
  }[row.status] ?? (row.ended_at ? `ended ${day(row.ended_at)}` : "");
  return h("li", {},
    h("span", { class: "name" }, row.name ?? row.id),
    badge(row.status),
    h("span", { class: "soft small" }, next),
    h("span", { class: "small" }, sum));
}

function customer(row) {
  const portal = h("button", { type: "button", class: "plain", onclick: (event) => act(event.currentTarget, () => openPortal(row.id)) }, "Portal");
  return h("li", { "data-key": row.id },
    h("p", { class: "name" }, row.user ?? row.name ?? row.email ?? row.id),
    h("span", { class: "row" }, row.user ? h("a", { class: "small", href: `/shop?${new URLSearchParams({ user: row.user })}` }, "Plans") : null, portal),
    h("p", { class: "code whole" }, [row.id, row.email, row.test_clock && "on a test clock", row.failing && `declined: ${row.failing}`].filter(Boolean).join(" · ")),
    row.subscriptions.length ? h("ul", { class: "owned whole" }, row.subscriptions.map(subscription)) : null);
}

/** How an event fared: not sent anywhere, waiting, or answered. */
function fate(event, tries) {
  const last = tries.get(event.id);
  if (last) {
    const good = last.status >= 200 && last.status < 300;
    const word = last.status ?? "no answer";
    return h("span", { class: `badge ${good ? "good" : "bad"}`, title: last.next ? `again ${moment(last.next, SHORT)}` : "" }, String(word));
  }
  return event.pending > 0 ? h("span", { class: "badge" }, "waiting") : null;
}

function event(row, tries) {
  return h("li", { "data-key": row.id },
    h("p", { class: "name" }, h("button", { type: "button", class: "plain event", onclick: () => detail(row.id) },
      breakable(row.type))),
    fate(row, tries) ?? h("span"),
    h("p", { class: "code" }, row.object),
    h("p", { class: "soft small" }, moment(row.created, SHORT)));
}

/** A type may break after its dots, and so fits a phone. */
function breakable(type) {
  return type.split(/(?<=\.)/).flatMap((part) => [part, document.createElement("wbr")]);
}

/** Shows an event as it was sent. */
async function detail(id) {
  blame(alertBox, null);
  try {
    const answer = await fetch(`/v1/events/${id}`, { headers: { Authorization: "Bearer sk_test_sandbox" } });
    const told = await answer.json();
    if (told.error) throw new Error(told.error.message);
    const box = h("dialog", { class: "detail", "aria-labelledby": "detail-title" },
      h("div", { class: "stack" },
        h("h2", { id: "detail-title" }, breakable(told.type)),
        h("pre", { tabindex: "0" }, JSON.stringify(told, null, 2)),
        h("button", { type: "button", onclick: () => box.close() }, "Close")));
    box.addEventListener("close", () => box.remove());
    document.body.append(box);
    box.showModal();
  } catch (error) {
    blame(alertBox, { message: error.message });
  }
}

function endpoint(row) {
  return h("li", {},
    h("p", { class: "name" }, row.url),
    h("span", { class: `badge ${row.status === "enabled" ? "good" : ""}` }, row.status),
    h("p", { class: "code whole" }, `Signing secret ${row.secret}`));
}

/** Fills a list; rows that were not there before light up, but not the first time. */
function fill(place, rows, empty) {
  const known = new Set([...place.querySelectorAll("[data-key]")].map((row) => row.dataset.key));
  const first = !place.hasChildNodes();
  for (const row of rows) {
    if (!first && row.dataset.key && !known.has(row.dataset.key)) row.classList.add("fresh");
  }
  place.replaceChildren(rows.length ? h("ul", { class: "rows" }, rows) : h("p", { class: "empty" }, empty));
}

function clock(desk) {
  at("moment").dateTime = new Date(desk.clock * 1000).toISOString();
  at("moment").textContent = moment(desk.clock, FULL);
  const ahead = desk.clock - Date.now() / 1000;
  at("ahead").textContent = Math.abs(ahead) < 90 ? "Real time; move it as you like." : `${span(Math.abs(ahead))} ${ahead > 0 ? "ahead of" : "behind"} real time.`;
  at("renewal").textContent = desk.next_renewal ? `The next renewal is on ${moment(desk.next_renewal, FULL)}.` : "Nothing renews yet.";
  document.querySelector('[data-move="next"]').setAttribute("aria-disabled", String(desk.next_renewal === null));
  at("fail").checked = desk.failing !== null;
  if (!desk.failing) return;
  const known = [...at("code").options].some((option) => option.value === desk.failing);
  if (!known) at("code").append(h("option", { value: desk.failing }, desk.failing));
  at("code").value = desk.failing;
}

let shown = "";

async function look() {
  const desk = learn(await ask("GET", "/_sandbox/desk"));
  clock(desk);
  const text = JSON.stringify({ ...desk, clock: 0 });
  if (text === shown) return;
  // A reader who stands on a button keeps it: lists come anew once the focus is elsewhere.
  const stands = (name) => at(name).contains(document.activeElement);
  shown = stands("customers") || stands("events") ? "" : text;
  const tries = new Map();
  for (const one of desk.deliveries) if (!tries.has(one.event)) tries.set(one.event, one);
  at("customers-count").textContent = desk.customers_count || "";
  if (!stands("customers")) {
    fill(at("customers"), desk.customers.map(customer), "Nobody yet. Choose a plan on the pricing page, or let your app make a customer.");
  }
  fill(at("endpoints"), desk.endpoints.map(endpoint), "None. Make one through the API (POST /v1/webhook_endpoints), or run `tollgate listen --forward-to URL`.");
  if (!stands("events")) fill(at("events"), desk.events.map((row) => event(row, tries)), "Nothing has happened yet.");
  at("app").hidden = !desk.return_url;
  if (desk.return_url) at("app").href = safe(desk.return_url);
}

/** Does something with its button shown busy, and looks again. */
async function act(button, work) {
  await busy(button, async () => {
    blame(alertBox, null);
    try {
      await work();
      await look();
    } catch (refusal) {
      blame(alertBox, refusal.fault ?? { message: refusal.message });
    }
  });
}

async function openPortal(customer) {
  const { url } = await ask("POST", "/_sandbox/shop/portal", { customer });
  leave(url);
}

for (const button of document.querySelectorAll("[data-move]")) {
  const { move, by } = button.dataset;
  button.addEventListener("click", () => act(button, async () => {
    const state = await ask("POST", "/_sandbox/advance", { [move]: Number(by) || by });
    say(`It is ${moment(state.now, FULL)} now.`);
  }));
}

async function cards() {
  try {
    blame(alertBox, null);
    await ask("POST", "/_sandbox/cards", { fail: at("fail").checked, decline_code: at("code").value });
    await look();
  } catch (refusal) {
    blame(alertBox, refusal.fault ?? { message: refusal.message });
  }
}
at("fail").addEventListener("change", cards);
at("code").addEventListener("change", () => at("fail").checked && cards());

at("base").textContent = window.location.origin;
at("script").textContent = `${window.location.origin}/v3/`;

async function follow() {
  try {
    if (!document.hidden) await look();
    if (alertBox.dataset.lost) blame(alertBox, null);
    delete alertBox.dataset.lost;
  } catch (refusal) {
    blame(alertBox, refusal.fault ?? { message: refusal.message });
    alertBox.dataset.lost = "yes";
  }
  setTimeout(follow, LOOK_EVERY);
}
follow();
