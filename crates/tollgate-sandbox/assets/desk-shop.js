// The shop: what the account sells, and the way to Checkout and to the portal for a user.
import { ask, blame, busy, h, learn, leave, money } from "/_pages/page.js";

const at = (name) => document.querySelector(`[data-${name}]`);
const user = document.querySelector("#user");
const alertBox = at("alert");
const ONCE = "once";

const period = (price) => price.per ?? ONCE;
const NAMES = { "per month": "Monthly", "per year": "Yearly", "per week": "Weekly", "per day": "Daily" };

let shop = { products: [] };
let chosen = null;

/** Periods that repeat; what is paid once stands beside each of them. */
function periods() {
  const all = shop.products.flatMap((product) => product.prices.map(period));
  const order = ["per month", "per year", "per week", "per day"];
  const place = (one) => (order.includes(one) ? order.indexOf(one) : order.length);
  return [...new Set(all)].filter((one) => one !== ONCE).sort((a, b) => place(a) - place(b));
}

function tabs() {
  const all = periods();
  if (!all.includes(chosen)) chosen = all[0] ?? ONCE;
  at("periods").hidden = all.length < 2;
  at("periods").replaceChildren(...all.map((one) => h("label", {},
    h("input", { type: "radio", name: "period", value: one, checked: one === chosen, onchange: () => { chosen = one; plans(); } }),
    NAMES[one] ?? one)));
}

function plan(product, price) {
  const button = h("button", { type: "button", class: "main big", onclick: () => buy(button, price) },
    price.trial_days ? `Try ${price.trial_days} days` : price.per ? "Subscribe" : "Buy");
  return h("article", { class: "card plan", "aria-label": product.name },
    h("div", { class: "stack tight" },
      h("h2", {}, product.name),
      product.description ? h("p", { class: "soft small" }, product.description) : null),
    h("p", { class: "price" }, money(price.amount, price.currency), " ", h("small", {}, price.per ?? "once")),
    h("ul", {}, product.features.map((name) => h("li", {}, name))),
    button);
}

function plans() {
  const cards = shop.products.flatMap((product) => {
    const fitting = product.prices.filter((price) => [chosen, ONCE].includes(period(price)));
    return fitting.map((price) => plan(product, price));
  });
  const none = h("p", { class: "empty" }, "Nothing is for sale. Make a product and a price through the API, or begin with `tollgate dev`.");
  at("plans").replaceChildren(...(cards.length ? cards : [none]));
}

async function doing(button, work) {
  blame(alertBox, null);
  await busy(button, async () => {
    try {
      await work();
    } catch (refusal) {
      blame(alertBox, refusal.fault ?? { message: refusal.message });
    }
  });
}

function buy(button, price) {
  return doing(button, async () => {
    const session = await ask("POST", "/_sandbox/shop/session", { user: user.value.trim(), price: price.id });
    leave(session.url);
  });
}

at("portal").addEventListener("click", (event) => doing(event.currentTarget, async () => {
  const { url } = await ask("POST", "/_sandbox/shop/portal", { user: user.value.trim() });
  leave(url);
}));

async function look() {
  const query = new URLSearchParams({ user: user.value.trim() });
  try {
    shop = learn(await ask("GET", `/_sandbox/shop?${query}`));
  } catch (refusal) {
    blame(alertBox, refusal.fault ?? { message: refusal.message });
    return;
  }
  const codes = shop.codes.flatMap((code, i) => [i ? ", " : "", h("code", {}, code)]);
  at("codes").replaceChildren(...(codes.length ? [codes.length > 2 ? "Promotion codes: " : "Promotion code: ", ...codes, "."] : []));
  at("portal").hidden = shop.customer === null;
  at("known").textContent = shop.customer === null ? "a new customer" : "a customer already";
}

at("who").addEventListener("submit", (event) => event.preventDefault());
user.addEventListener("change", look);

const named = new URLSearchParams(window.location.search).get("user");
if (named) user.value = named;
await look();
tabs();
plans();
