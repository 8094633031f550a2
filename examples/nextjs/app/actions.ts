"use server";

// What the buttons do. Next compares the origin of each call with its own, so that no other site
// can press them.

import { redirect } from "next/navigation";
import { APP_URL, begin, end, requireUser } from "../lib/session";
import { TollgateError, checkoutUrl, portalUrl } from "../lib/tollgate";

export async function signIn(form: FormData) {
  const user = String(form.get("name") ?? "").trim().toLowerCase().slice(0, 40);
  if (user) await begin(user);
  redirect("/");
}

export async function signOut() {
  await end();
  redirect("/");
}

export async function buy() {
  const user = await requireUser();
  await leave(() => checkoutUrl(user, "pro", "monthly", `${APP_URL}/welcome`));
}

export async function manageBilling() {
  const user = await requireUser();
  await leave(() => portalUrl(user, `${APP_URL}/`));
}

// `redirect` throws, and so stands outside of the try.
async function leave(where: () => Promise<string>) {
  let url = "/away";
  try {
    url = await where();
  } catch (error) {
    if (!(error instanceof TollgateError)) throw error;
  }
  redirect(url);
}
