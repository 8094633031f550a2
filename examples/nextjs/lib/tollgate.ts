// What the app asks Tollgate. The key stays here, on the server: a browser never sees it.

import "server-only";

// An access check stands in the way of every page; selling waits for Stripe.
const CHECK_MS = 2_000;
const SELL_MS = 30_000;
// How long the last answer stands in while Tollgate is away, and for how many users.
const KEPT_MS = 5 * 60_000;
const KEPT_MAX = 10_000;

export type Access = {
  granted: boolean;
  plan: string;
  features: string[];
  customer_id: string | null;
  cancel_at: string | null;
};

type Failure = { error: string; message: string; details: { portal_url?: string | null } };

// `failure` is Tollgate's answer, if there was one.
export class TollgateError extends Error {
  constructor(message: string, readonly failure?: Failure, cause?: unknown) {
    super(message, { cause });
  }
}

// One for the whole server: Next loads this file once for pages and once for actions.
type Kept = Map<string, { answer: Access; at: number }>;
const kept: Kept = ((globalThis as { tollgateKept?: Kept }).tollgateKept ??= new Map());

// What may this user use? Tollgate is asked each time: that is one local read. While it is away,
// the last answer counts for some minutes. After that this throws, and the gate stays closed: an
// export can wait. Where locking out somebody who paid is worse than letting in somebody who did
// not, catch the error and let them in instead.
export async function access(user: string): Promise<Access> {
  try {
    const answer = await call<Access>("GET", `/access/${encodeURIComponent(user)}`, undefined, CHECK_MS);
    keep(user, answer);
    return answer;
  } catch (error) {
    const last = kept.get(user);
    if (last && Date.now() - last.at < KEPT_MS) return last.answer;
    throw error;
  }
}

// As `access`, for pages that have something to show without an answer.
export async function accessIfKnown(user: string): Promise<Access | undefined> {
  return access(user).catch((error) => {
    if (error instanceof TollgateError) return undefined;
    throw error;
  });
}

// The newest stand last, so that the oldest goes when there are too many.
function keep(user: string, answer: Access) {
  kept.delete(user);
  kept.set(user, { answer, at: Date.now() });
  const oldest = kept.keys().next().value;
  if (kept.size > KEPT_MAX && oldest !== undefined) kept.delete(oldest);
}

// Where this user pays for a plan. Who has it already is sent to manage it.
export async function checkoutUrl(user: string, plan: string, period: string, returnTo: string): Promise<string> {
  try {
    const body = { user_id: user, plan, period, return_to: returnTo };
    return (await call<{ url: string }>("POST", "/billing/checkout-session", body, SELL_MS)).url;
  } catch (error) {
    const failure = error instanceof TollgateError ? error.failure : undefined;
    if (failure?.error === "already_subscribed" && failure.details.portal_url) return failure.details.portal_url;
    throw error;
  }
}

// Where this user changes the card, sees invoices, and cancels.
export async function portalUrl(user: string, returnTo: string): Promise<string> {
  return (await call<{ url: string }>("POST", "/billing/portal", { user_id: user, return_to: returnTo }, SELL_MS)).url;
}

async function call<Answer>(method: string, path: string, body: object | undefined, timeoutMs: number): Promise<Answer> {
  const base = (process.env.TOLLGATE_URL ?? "http://127.0.0.1:4242").replace(/\/+$/, "");
  try {
    const response = await fetch(base + path, {
      method,
      headers: { authorization: `Bearer ${process.env.TOLLGATE_API_KEY}`, "content-type": "application/json" },
      body: body && JSON.stringify(body),
      cache: "no-store",
      signal: AbortSignal.timeout(timeoutMs),
    });
    const answer = await response.json();
    if (response.ok) return answer;
    throw new TollgateError(answer.message, answer);
  } catch (error) {
    const told = error instanceof TollgateError ? error : new TollgateError("Tollgate does not answer", undefined, error);
    console.error(`Tollgate: ${told.failure?.error ?? "unreachable"}: ${told.message}`);
    throw told;
  }
}
