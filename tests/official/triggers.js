// The events that each of the command line's triggers must end with, worked out from what Stripe does
// for the calls of its fixture. After the bar stand side events that may come or not, at most so often.
//
// May come, because Stripe's versions, settings and moments differ:
// - charge.updated: a capture that goes on after the answer fills in the balance transaction.
// - customer.updated: the first invoice or discount sets the currency, the prefix or the discount.
// - customer.subscription.updated: the latest invoice or the default card is set after the creation.
// - invoice.updated: an attempt to pay is noted on the invoice.
// - invoice.upcoming: a trial is shorter than the notice of a renewal.
// - invoice.payment_failed: authentication that is missing is a failed attempt, too.
// - plan.created, plan.updated: a recurring price is also a plan.
// - refund.updated, charge.refund.updated: the bank's reference arrives later.
// - mandate.updated: the first debit makes the mandate active.
// - setup_intent.created: a trial without a card asks for one.
// - customer.created, payment_method.attached with a debit that is kept for later: to whom it is kept.
// - payment_method.attached with a source: a card is a payment method, too.
// - subscription_schedule.expiring: a schedule may be shorter than the notice of its end.
//
// Three triggers do not lead to what they are called by: `subscription_schedule.aborted` cancels, and
// no debt does; `.completed` releases its subscription; `.expiring` stops nine days before the end.

const PAID = "payment_intent.created charge.succeeded payment_intent.succeeded";
const FAILED = "payment_intent.created charge.failed payment_intent.payment_failed";
const SOLD = "product.created price.created";
const BILLED = "customer.created invoiceitem.created invoice.created";
const FINALIZED = `${BILLED} invoice.finalized payment_intent.created`;
const SETTLED = "invoice.paid invoice.payment_succeeded invoice_payment.paid";
const FIRST = "invoice.created invoice.finalized";
const SUBSCRIBED = `customer.created payment_method.attached ${SOLD} customer.subscription.created ${FIRST} ${PAID} ${SETTLED}`;
const ON_TRIAL = `customer.created ${SOLD} customer.subscription.created ${FIRST} invoice.paid invoice.payment_succeeded`;
const DISPUTED = `${PAID} charge.dispute.created`;
const REFUNDED = `${PAID} charge.refunded refund.created`;
const DEBITED = `${SOLD} payment_intent.created payment_intent.processing charge.pending checkout.session.completed`;

const SCHEDULED = "subscription_schedule.created customer.subscription.created invoice.created";
const SOURCED = `customer.created customer.source.created ${SOLD}`;
const CREDITED = "invoiceitem.created invoice.created invoice.finalized invoice.paid invoice.payment_succeeded";
const MOVED = "test_helpers.test_clock.created test_helpers.test_clock.advancing test_helpers.test_clock.ready";
const OWED = `invoice.finalized payment_intent.created invoice.payment_failed customer.subscription.updated`;

const NOTED = "charge.updated";
const INVOICED = "customer.updated invoice.updated";
const SUBSCRIPTION_SIDE = `${INVOICED} customer.subscription.updated plan.created charge.updated`;
const SCHEDULE_SIDE = "payment_method.attached customer.updated plan.created";
const OWED_SIDE = "customer.updated customer.updated invoice.updated plan.created";
const DEBIT_SIDE = "mandate.updated customer.created payment_method.attached charge.updated";

const TABLE = {
  "billing_portal.configuration.created": "billing_portal.configuration.created",
  "billing_portal.configuration.updated": "billing_portal.configuration.created billing_portal.configuration.updated",
  "billing_portal.session.created": "customer.created billing_portal.session.created",

  "charge.captured": `${PAID} payment_intent.amount_capturable_updated charge.captured | ${NOTED}`,
  "charge.dispute.closed": `${DISPUTED} charge.dispute.closed | ${NOTED} charge.dispute.updated`,
  "charge.dispute.created": `${DISPUTED} | ${NOTED}`,
  "charge.dispute.updated": `${DISPUTED} charge.dispute.updated | ${NOTED}`,
  "charge.failed": FAILED,
  "charge.refund.updated": `${REFUNDED} charge.refund.updated refund.updated | ${NOTED} charge.refund.updated refund.updated`,
  "charge.refunded": `${REFUNDED} | ${NOTED} charge.refund.updated refund.updated`,
  "charge.succeeded": `${PAID} | ${NOTED}`,

  "checkout.session.async_payment_failed": `${DEBITED} charge.failed payment_intent.payment_failed checkout.session.async_payment_failed | ${DEBIT_SIDE}`,
  "checkout.session.async_payment_succeeded": `${DEBITED} charge.succeeded payment_intent.succeeded checkout.session.async_payment_succeeded | ${DEBIT_SIDE}`,
  "checkout.session.completed": `${SOLD} ${PAID} checkout.session.completed | ${NOTED}`,
  "checkout.session.expired": `${SOLD} checkout.session.expired`,

  "coupon.created": "coupon.created",
  "coupon.deleted": "coupon.created coupon.deleted",
  "coupon.updated": "coupon.created coupon.updated",

  "customer.created": "customer.created",
  "customer.deleted": "customer.created customer.deleted",
  "customer.updated": "customer.created customer.updated",

  "customer.discount.created": "coupon.created customer.created customer.discount.created | customer.updated",
  "customer.discount.deleted": "coupon.created customer.created customer.discount.created customer.discount.deleted | customer.updated",
  "customer.discount.updated": "coupon.created coupon.created customer.created customer.discount.created customer.discount.updated | customer.updated",

  "customer.subscription.created": `${SUBSCRIBED} | ${SUBSCRIPTION_SIDE}`,
  "customer.subscription.deleted": `${SUBSCRIBED} customer.subscription.deleted | ${SUBSCRIPTION_SIDE}`,
  "customer.subscription.paused": `${ON_TRIAL} customer.subscription.updated customer.subscription.trial_will_end customer.subscription.paused | ${INVOICED} invoice.upcoming plan.created setup_intent.created`,
  "customer.subscription.trial_will_end": `${ON_TRIAL} customer.subscription.trial_will_end | ${INVOICED} invoice.upcoming plan.created setup_intent.created`,
  "customer.subscription.updated": `${SUBSCRIBED} customer.subscription.updated | ${SUBSCRIPTION_SIDE}`,

  "invoice.created": `${BILLED} | customer.updated`,
  "invoice.deleted": `${BILLED} invoice.deleted | customer.updated invoiceitem.deleted`,
  "invoice.finalized": `${FINALIZED} | ${INVOICED}`,
  "invoice.marked_uncollectible": `${FINALIZED} invoice.marked_uncollectible | ${INVOICED}`,
  "invoice.paid": `customer.created payment_method.attached invoiceitem.created ${FIRST} ${PAID} ${SETTLED} | ${INVOICED} ${NOTED}`,
  "invoice.payment_action_required": `customer.created payment_method.attached invoiceitem.created ${FIRST} payment_intent.created payment_intent.requires_action invoice.payment_action_required | ${INVOICED} invoice.payment_failed`,
  "invoice.payment_failed": `customer.created payment_method.attached invoiceitem.created ${FIRST} ${FAILED} invoice.payment_failed | ${INVOICED}`,
  "invoice.payment_succeeded": `customer.created payment_method.attached invoiceitem.created ${FIRST} ${PAID} ${SETTLED} | ${INVOICED} ${NOTED}`,
  "invoice.sent": `${FINALIZED} invoice.sent | ${INVOICED}`,
  "invoice.updated": `${BILLED} invoice.updated | customer.updated`,
  "invoice.voided": `${FINALIZED} invoice.voided payment_intent.canceled | ${INVOICED}`,

  "invoiceitem.created": "customer.created invoiceitem.created | customer.updated",
  "invoiceitem.deleted": "customer.created invoiceitem.created invoiceitem.deleted | customer.updated",

  "payment_intent.amount_capturable_updated": `payment_intent.created charge.succeeded payment_intent.amount_capturable_updated | ${NOTED}`,
  "payment_intent.canceled": "payment_intent.created payment_intent.canceled",
  "payment_intent.created": "payment_intent.created",
  "payment_intent.payment_failed": FAILED,
  "payment_intent.processing": "payment_intent.created payment_intent.processing charge.pending | mandate.updated",
  "payment_intent.requires_action": "payment_intent.created payment_intent.requires_action",
  "payment_intent.succeeded": `${PAID} | ${NOTED}`,

  "payment_method.attached": "customer.created payment_method.attached",
  "payment_method.detached": "customer.created payment_method.attached payment_method.detached",
  "payment_method.updated": "customer.created setup_intent.created setup_intent.succeeded payment_method.attached payment_method.updated",

  "price.created": `${SOLD} | plan.created`,
  "price.updated": `${SOLD} price.updated | plan.created plan.updated`,
  "product.created": "product.created",
  "product.deleted": "product.created product.deleted",
  "product.updated": "product.created product.updated",
  "promotion_code.created": "coupon.created promotion_code.created",
  "promotion_code.updated": "coupon.created promotion_code.created promotion_code.updated",

  "setup_intent.canceled": "setup_intent.created setup_intent.canceled",
  "setup_intent.created": "setup_intent.created",
  "setup_intent.requires_action": "setup_intent.created setup_intent.requires_action",
  "setup_intent.setup_failed": "setup_intent.created setup_intent.setup_failed",
  "setup_intent.succeeded": "setup_intent.created setup_intent.succeeded",

  "subscription.payment_failed": `customer.created payment_method.attached customer.updated ${SOLD} customer.subscription.created ${FIRST} ${FAILED} invoice.payment_failed | ${SUBSCRIPTION_SIDE}`,
  "subscription.payment_succeeded": `${SUBSCRIBED} customer.updated | ${SUBSCRIPTION_SIDE}`,

  "subscription_schedule.aborted": `${SOURCED} subscription_schedule.created subscription_schedule.canceled | ${SCHEDULE_SIDE}`,
  "subscription_schedule.canceled": `${SOURCED} ${SCHEDULED} ${CREDITED} customer.subscription.deleted subscription_schedule.canceled | ${SCHEDULE_SIDE} ${INVOICED} invoice.updated`,
  "subscription_schedule.completed": `${MOVED} customer.created ${SOLD} ${SCHEDULED} ${OWED} invoice.upcoming invoice.created customer.subscription.updated subscription_schedule.released | ${OWED_SIDE} customer.subscription.updated subscription_schedule.expiring`,
  "subscription_schedule.created": `${SOURCED} ${SCHEDULED} | ${SCHEDULE_SIDE}`,
  "subscription_schedule.expiring": `${MOVED} customer.created ${SOLD} ${SCHEDULED} ${OWED} | ${OWED_SIDE}`,
  "subscription_schedule.released": `${SOURCED} ${SCHEDULED} subscription_schedule.released | ${SCHEDULE_SIDE} customer.subscription.updated`,
  "subscription_schedule.updated": `${SOURCED} ${SCHEDULED} subscription_schedule.updated | ${SCHEDULE_SIDE}`,

  "test_helpers.test_clock.advancing": "test_helpers.test_clock.created test_helpers.test_clock.advancing test_helpers.test_clock.ready",
  "test_helpers.test_clock.created": "test_helpers.test_clock.created",
  "test_helpers.test_clock.deleted": "test_helpers.test_clock.created test_helpers.test_clock.deleted",
  "test_helpers.test_clock.ready": "test_helpers.test_clock.created test_helpers.test_clock.advancing test_helpers.test_clock.ready",
};

// Triggers of what the sandbox does not have: Connect, Issuing, Identity, Treasury, quotes, taxes, and
// what is older than prices and payment methods.
export const BEYOND = new RegExp(
  `^(${[
    "account|balance|cash_balance|credit_note|customer_cash_balance_transaction|identity|issuing_\\w+|payment_link",
    "payout|plan|quote|reporting|tax_rate|topup|transfer|v1\\.billing\\.meter",
    "customer\\.source|payment_intent\\.partially_funded",
  ].join("|")})\\b`,
);

// Rows of {trigger, must, may}: types, each as often as it is to come.
export const TRIGGERS = Object.entries(TABLE).map(([trigger, row]) => {
  const [must, may = []] = row.split(" | ").map((types) => types.split(" "));
  return { trigger, must, may };
});

// What is wrong with the types that came, as two lists of types: not come, and come unasked.
export function compared(came, { must, may }) {
  const left = [...came];
  const missing = must.filter((type) => !taken(left, type));
  may.forEach((type) => taken(left, type));
  return { missing, unexpected: left };
}

function taken(types, type) {
  const at = types.indexOf(type);
  return at >= 0 && types.splice(at, 1).length > 0;
}
