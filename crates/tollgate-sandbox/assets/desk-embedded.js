// Stands for an app that embeds Checkout: it asks its server for a session and mounts it.
import { ask, blame, busy, h, learn, rate } from "/_pages/page.js";

const form = document.querySelector("[data-choose]");
const frame = document.querySelector("[data-frame]");
const alertBox = document.querySelector("[data-alert]");
const button = form.querySelector("button");

const shop = learn(await ask("GET", "/_sandbox/shop"));
const rows = shop.products.flatMap((product) => product.prices.map((price) => ({ product, price })));
form.price.replaceChildren(...rows.map(({ product, price }) =>
  h("option", { value: price.id }, `${product.name}, ${rate(price)}${price.per ? "" : " once"}`)));
if (rows.length === 0) blame(alertBox, { message: "Nothing is for sale. Make a product and a price first." });

let living = null;

form.addEventListener("submit", async (event) => {
  event.preventDefault();
  blame(alertBox, null);
  await busy(button, async () => {
    try {
      living?.destroy();
      living = null;
      const wanted = { user: form.user.value.trim(), price: form.price.value, embedded: true };
      const session = await ask("POST", "/_sandbox/shop/session", wanted);
      const stripe = window.Stripe(shop.publishable_key);
      living = await stripe.createEmbeddedCheckoutPage({ clientSecret: session.client_secret });
      living.mount(frame);
    } catch (refusal) {
      blame(alertBox, refusal.fault ?? { message: refusal.message });
    }
  });
});
