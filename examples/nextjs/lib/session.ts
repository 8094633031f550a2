// Who is signed in: a name in a cookie, signed. A demo: whoever types a name is that user. Put your
// own sign-in here; Tollgate needs nothing of it but an id that stays the same for a user.

import "server-only";
import { createHmac, timingSafeEqual } from "node:crypto";
import { cookies } from "next/headers";
import { redirect } from "next/navigation";

const COOKIE = "notes";
const WEEK_SECS = 7 * 24 * 3600;

// Never taken from the request: whoever sends it would say where people come back to.
export const APP_URL = process.env.APP_URL ?? `http://localhost:${process.env.PORT ?? 3000}`;

export async function currentUser(): Promise<string | undefined> {
  const [name, signature] = ((await cookies()).get(COOKIE)?.value ?? "").split(".");
  if (!name || !signature) return undefined;
  const [given, right] = [Buffer.from(signature, "base64url"), sign(name)];
  if (given.length !== right.length || !timingSafeEqual(given, right)) return undefined;
  return Buffer.from(name, "base64url").toString();
}

export async function requireUser(): Promise<string> {
  return (await currentUser()) ?? redirect("/");
}

export async function begin(user: string) {
  const name = Buffer.from(user).toString("base64url");
  (await cookies()).set(COOKIE, `${name}.${sign(name).toString("base64url")}`, {
    httpOnly: true,
    maxAge: WEEK_SECS,
    sameSite: "lax",
    secure: APP_URL.startsWith("https:"),
  });
}

export async function end() {
  (await cookies()).delete(COOKIE);
}

function sign(text: string): Buffer {
  return createHmac("sha256", process.env.SESSION_SECRET!).update(text).digest();
}
