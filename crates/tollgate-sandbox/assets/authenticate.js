// The stand-in for a bank's 3-D Secure page, /authenticate/{intent}: the customer confirms, or does
// not, and goes back to the app.
import { ask, blame, busy, ending, failed, h, learn, leave, money, Refusal, safe, show } from "./page.js";

const id = window.location.pathname.match(/^\/authenticate\/([^/]+)/)?.[1];
const base = `/_pages/authenticate/${id}`;

start();

async function start() {
  try {
    draw(learn(await ask("GET", base)));
  } catch (refusal) {
    if (!(refusal instanceof Refusal)) throw refusal;
    failed(refusal);
  }
}

function draw(asked) {
  if (!asked.waits) {
    over("Nothing is left to confirm", asked.back_url);
    return;
  }
  const sum = asked.amount === null ? `saving this card with ${asked.merchant}` : `a payment of ${money(asked.amount, asked.currency)} to ${asked.merchant}`;
  const alert = h("p", { class: "alert", role: "alert" });
  const choose = (outcome) => (event) => busy(event.currentTarget, () => answer(outcome, alert));
  show("Is this you?", h("div", { class: "narrow" },
    h("section", { class: "card stack", "aria-labelledby": "bank-title" },
      h("p", { class: "soft" }, "Stand-in for the bank's page"),
      h("h1", { id: "bank-title" }, "Is this you?"),
      h("p", {}, `Your bank asks you to confirm ${sum}. Choose how the 3-D Secure check ends.`),
      alert,
      h("div", { class: "pair" },
        h("button", { type: "button", onclick: choose("fail") }, "Fail"),
        h("button", { type: "button", class: "main", onclick: choose("complete") }, "Complete")))));
}

async function answer(outcome, alert) {
  blame(alert);
  try {
    const { status, back_url } = await ask("POST", `${base}/answer`, { outcome });
    if (back_url && safe(back_url) !== "#") leave(back_url);
    else over(status === "succeeded" ? "You have confirmed it" : "It was not confirmed", null);
  } catch (refusal) {
    if (!(refusal instanceof Refusal)) throw refusal;
    blame(alert, refusal);
  }
}

function over(title, back) {
  ending({ sign: "done", title, text: back ? "You can go back to where you came from." : "You can close this page.", link: back, label: "Go back" });
}
