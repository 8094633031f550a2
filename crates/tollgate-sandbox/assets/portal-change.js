// The portal's views that change a subscription: to another price or quantity, or to its end.
// What a change costs is shown, from the server's preview, before it can be confirmed.
import { ask, blame, busy, day, h, money, rate, Refusal, say, settle, show } from "./page.js";

const REASONS = {
  too_expensive: "It costs too much", missing_features: "Something is missing", switched_service: "I use something else now", unused: "I don't use it",
  customer_service: "The support did not help", too_complex: "It is too complicated", low_quality: "It does not work well enough", other: "Something else",
};

/** Choosing another price or quantity; with a flow that fixes both, only the confirmation. */
export function updateView(way, subscription) {
  const fixed = way.flow?.type === "subscription_update_confirm" ? way.flow.update : null;
  const { price, quantity: count } = fixed ?? subscription;
  const chosen = { price, quantity: count };
  const cost = h("div", { class: "stack", "aria-live": "polite" });
  const alert = h("p", { class: "alert", role: "alert" });
  const confirm = h("button", { type: "button", class: "main big" }, "Confirm");
  let preview = null;
  let turn = 0;

  const same = () => chosen.price === subscription.price && chosen.quantity === subscription.quantity;
  const look = async () => {
    const mine = ++turn;
    preview = null;
    confirm.hidden = true;
    blame(alert, null);
    if (!fixed && same()) return cost.replaceChildren(h("p", { class: "soft" }, "Choose another plan to see what it costs."));
    cost.replaceChildren(h("p", { class: "soft" }, "Working out the price…"));
    try {
      const told = await ask("POST", `${way.base}/preview`, { subscription: subscription.id, ...chosen });
      if (mine !== turn) return;
      preview = told;
      cost.replaceChildren(...priced(told));
      confirm.textContent = confirmText(told);
      confirm.hidden = false;
    } catch (refusal) {
      if (!(refusal instanceof Refusal)) throw refusal;
      if (mine !== turn) return;
      cost.replaceChildren();
      blame(alert, refusal.fault);
    }
  };
  confirm.addEventListener("click", () => busy(confirm, async () => {
    blame(alert, null);
    try {
      const body = { subscription: subscription.id, ...chosen, proration_date: preview.proration_date };
      const told = await settle(way.base, "update", body);
      way.done(told, preview.when === "period_end" ? `Your plan changes on ${day(preview.starts_at)}` : "Your plan is changed");
    } catch (refusal) {
      if (!(refusal instanceof Refusal)) throw refusal;
      blame(alert, refusal.fault);
    }
  }));

  const heading = fixed ? `Change to ${fixed.name}?` : subscription.can.update === "quantity" ? "Change the quantity" : "Change your plan";
  const choice = fixed ? null : [options(subscription, chosen, look), quantity(subscription, chosen, look)];
  show(heading, h("div", { class: "narrow stack" }, way.back, h("h1", {}, heading), current(subscription),
    h("div", { class: "stack" }, choice), h("section", { class: "card stack", "aria-labelledby": "cost" }, h("h2", { id: "cost" }, "What it costs"), cost, alert, confirm)));
  look();
}

function current(subscription) {
  const sum = rate(subscription);
  return h("p", { class: "soft" }, `Now: ${subscription.name}, ${sum}.`);
}

function options(subscription, chosen, look) {
  if (subscription.options.length === 0) return null;
  const one = (option) => h("label", { class: "choice" },
    h("input", { type: "radio", name: "price", value: option.price, checked: option.price === chosen.price, onchange: () => { chosen.price = option.price; look(); } }),
    h("span", {}, h("span", { class: "name" }, option.name), option.price === subscription.price ? h("span", { class: "soft small" }, " · your plan") : null),
    h("span", {}, money(option.unit_amount, option.currency), h("span", { class: "soft small" }, ` ${option.per}`)));
  return h("fieldset", {}, h("legend", {}, "Plan"), h("div", { class: "choices" }, subscription.options.map(one)));
}

function quantity(subscription, chosen, look) {
  const limits = subscription.can.quantity;
  if (!limits) return null;
  const count = h("output", {}, String(chosen.quantity));
  const fits = (number) => number >= limits.minimum && (limits.maximum === null || number <= limits.maximum);
  const step = (by, sign, label) => h("button", { type: "button", "aria-label": label, onclick: () => {
    if (!fits(chosen.quantity + by)) return say("No other quantity is possible.");
    chosen.quantity += by;
    count.textContent = String(chosen.quantity);
    look();
  } }, sign);
  return h("fieldset", {}, h("legend", {}, "Quantity"), h("div", { class: "stepper" }, step(-1, "−", "One less"), count, step(1, "+", "One more")));
}

/** The preview: the lines of the change, what is due now, and what follows. */
function priced(preview) {
  const line = (one) => h("div", {}, h("dt", {}, one.description), h("dd", { class: one.amount < 0 ? "less" : null }, money(one.amount, preview.currency)));
  const total = (name, amount) => h("div", { class: "total" }, h("dt", {}, name), h("dd", {}, money(amount, preview.currency)));
  const then = `Then ${rate({ ...preview.then, currency: preview.currency })}${preview.then.at ? `, from ${day(preview.then.at)}` : ""}.`;
  if (preview.when === "period_end") {
    return [h("dl", { class: "sums" }, total("Due now", 0)), h("p", { class: "soft" }, `The change happens on ${day(preview.starts_at)}, when the period you paid for ends. ${then}`)];
  }
  const sums = h("dl", { class: "sums" }, preview.lines.map(line), total("Due now", preview.due_now),
    preview.when === "next_invoice" ? h("div", {}, h("dt", {}, `On your invoice of ${day(preview.next_invoice.at)}`), h("dd", {}, money(preview.next_invoice.amount, preview.currency))) : null);
  return [sums, h("p", { class: "soft" }, preview.credit > 0 ? `The rest of ${money(preview.credit, preview.currency)} stays as credit for your next invoices. ${then}` : then)];
}

function confirmText(preview) {
  if (preview.when === "period_end") return `Change on ${day(preview.starts_at)}`;
  return preview.due_now > 0 ? `Pay ${money(preview.due_now, preview.currency)} and change` : "Confirm the change";
}

/** Ending a subscription, with what is lost and when, and a reason where one is asked for. */
export function cancelView(way, subscription) {
  const { mode, reasons, refund } = way.portal.cancel;
  const alert = h("p", { class: "alert", role: "alert" });
  const atEnd = mode === "at_period_end";
  const confirm = h("button", { type: "button", class: "grave" }, "Cancel plan");
  const comment = h("input", { id: "comment", type: "text", maxlength: 500 });
  confirm.addEventListener("click", () => busy(confirm, async () => {
    blame(alert, null);
    try {
      const feedback = document.querySelector("input[name=reason]:checked")?.value ?? null;
      const told = await ask("POST", `${way.base}/cancel`, { subscription: subscription.id, feedback, comment: comment.value.trim() || null });
      way.done(told, atEnd ? `${subscription.name} ends on ${day(subscription.cancels_at)}` : `${subscription.name} is canceled`);
    } catch (refusal) {
      if (!(refusal instanceof Refusal)) throw refusal;
      blame(alert, refusal.fault);
    }
  }));
  const what = atEnd ? `You keep ${subscription.name} until ${day(subscription.cancels_at)}. After that nothing is charged. You can change your mind until then.`
    : `${subscription.name} ends at once, and nothing more is charged. ${refund ? "The unused time is credited." : "The time already paid for is not credited."}`;
  const keep = way.flow ? null : h("a", { class: "button", href: "#" }, "Keep plan");
  show(`Cancel ${subscription.name}`, h("div", { class: "narrow stack" }, way.back, h("h1", {}, `Cancel ${subscription.name}?`),
    way.flow?.retention ? retention(way, subscription, alert) : null,
    h("div", { class: "card stack" }, h("p", {}, what), reasons ? question(reasons, comment) : null, alert, h("div", { class: "row fill-phone" }, confirm, keep))));
}

function question(reasons, comment) {
  const one = (reason) => h("label", { class: "choice" }, h("input", { type: "radio", name: "reason", value: reason }), h("span", {}, REASONS[reason] ?? reason));
  return [h("fieldset", {}, h("legend", {}, "Why do you cancel? (optional)"), h("div", { class: "choices" }, reasons.map(one))),
    h("div", { class: "field" }, h("label", { for: comment.id }, "Anything else? (optional)"), comment)];
}

/** The offer a deep link may make to who is about to leave. */
function retention(way, subscription, alert) {
  const accept = h("button", { type: "button", class: "main" }, "Take it and stay");
  accept.addEventListener("click", () => busy(accept, async () => {
    try {
      way.done(await ask("POST", `${way.base}/retention`, { subscription: subscription.id }), "The discount is yours");
    } catch (refusal) {
      if (!(refusal instanceof Refusal)) throw refusal;
      blame(alert, refusal.fault);
    }
  }));
  return h("div", { class: "notice stack" }, h("p", {}, `Before you go: ${way.flow.retention.text}.`), h("p", { class: "row fill-phone" }, accept));
}
