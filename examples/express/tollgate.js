// What the app asks Tollgate. The key stays here, on the server: a browser never sees it.

const BASE = (process.env.TOLLGATE_URL ?? "http://127.0.0.1:4242").replace(/\/+$/, "");
const KEY = process.env.TOLLGATE_API_KEY;
// An access check stands in the way of every page; selling waits for Stripe.
const CHECK_MS = 2_000;
const SELL_MS = 30_000;
// How long the last answer stands in while Tollgate is away, and for how many users.
const KEPT_MS = 5 * 60_000;
const KEPT_MAX = 10_000;

if (!KEY) throw new Error("TOLLGATE_API_KEY is not set; `tollgate dev` takes the key dev");

// An answer that is no success. `code` and `details` are Tollgate's, if it answered at all.
export class TollgateError extends Error {
  constructor(message, { code = "unreachable", details = {}, cause } = {}) {
    super(message, { cause });
    this.code = code;
    this.details = details;
  }
}

const kept = new Map();

// What may this user use? Tollgate is asked each time: that is one local read. While it is away,
// the last answer counts for some minutes. After that this throws, and the gate stays closed: an
// export can wait. Where locking out somebody who paid is worse than letting in somebody who did
// not, catch the error and let them in instead.
export async function access(user) {
  try {
    const answer = await call("GET", `/access/${encodeURIComponent(user)}`, undefined, CHECK_MS);
    keep(user, answer);
    return answer;
  } catch (error) {
    const last = kept.get(user);
    if (last && Date.now() - last.at < KEPT_MS) return last.answer;
    throw error;
  }
}

// The newest stand last, so that the oldest goes when there are too many.
function keep(user, answer) {
  kept.delete(user);
  kept.set(user, { answer, at: Date.now() });
  if (kept.size > KEPT_MAX) kept.delete(kept.keys().next().value);
}

// Where this user pays for a plan. Who has it already is sent to manage it.
export async function checkoutUrl(user, plan, period, returnTo) {
  try {
    const body = { user_id: user, plan, period, return_to: returnTo };
    return (await call("POST", "/billing/checkout-session", body, SELL_MS)).url;
  } catch (error) {
    if (error.code === "already_subscribed" && error.details.portal_url) return error.details.portal_url;
    throw error;
  }
}

// Where this user changes the card, sees invoices, and cancels.
export async function portalUrl(user, returnTo) {
  return (await call("POST", "/billing/portal", { user_id: user, return_to: returnTo }, SELL_MS)).url;
}

async function call(method, path, body, timeoutMs) {
  try {
    const response = await fetch(BASE + path, {
      method,
      headers: { authorization: `Bearer ${KEY}`, ...(body && { "content-type": "application/json" }) },
      body: body && JSON.stringify(body),
      signal: AbortSignal.timeout(timeoutMs),
    });
    const answer = await response.json();
    if (response.ok) return answer;
    throw new TollgateError(answer.message, { code: answer.error, details: answer.details });
  } catch (error) {
    if (error instanceof TollgateError) throw error;
    throw new TollgateError("Tollgate does not answer", { cause: error });
  }
}
