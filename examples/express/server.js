// Notes: writing is free, the export is part of Pro. Tollgate knows who has it.

import { randomBytes } from "node:crypto";
import cookieSession from "cookie-session";
import express from "express";
import * as pages from "./pages.js";
import { TollgateError, access, checkoutUrl, portalUrl } from "./tollgate.js";

const PORT = process.env.PORT ?? 3000;
// Never taken from the request: whoever sends it would say where people come back to.
const APP_URL = process.env.APP_URL ?? `http://localhost:${PORT}`;
const HTTPS = APP_URL.startsWith("https:");

const app = express();
app.use(express.static(`${import.meta.dirname}/public`));
app.use(express.urlencoded({ extended: false, limit: "10kb" }));
app.use(cookieSession({
  name: "notes",
  // Without a secret of its own, a restart signs everybody out.
  keys: [process.env.SESSION_SECRET ?? randomBytes(32).toString("hex")],
  maxAge: 7 * 24 * 3600 * 1000,
  // Not sent along with forms of other sites, so that none of them can press our buttons.
  sameSite: "lax",
  secure: HTTPS,
}));
// Behind the proxy that ends TLS.
if (HTTPS) app.set("trust proxy", 1);

const signedIn = (request, response, next) => (request.session.user ? next() : response.redirect(303, "/"));

app.get("/", async (request, response) => {
  const { user } = request.session;
  if (!user) return response.send(pages.signIn());
  // This page is free: it is there also while Tollgate is not.
  const known = await access(user).catch(() => undefined);
  response.send(pages.home({ user, known, cancelled: request.query.checkout === "canceled" }));
});

// A demo: whoever types a name is that user. Put your own sign-in here; Tollgate needs nothing of
// it but an id that stays the same for a user.
app.post("/sign-in", (request, response) => {
  const user = String(request.body?.name ?? "").trim().toLowerCase().slice(0, 40);
  if (user) request.session.user = user;
  response.redirect(303, "/");
});

app.post("/sign-out", (request, response) => {
  request.session = null;
  response.redirect(303, "/");
});

// The gate.
app.get("/export", signedIn, async (request, response) => {
  const { user } = request.session;
  const known = await access(user);
  if (known.features.includes("export")) return response.send(pages.exported({ user, known }));
  response.status(402).send(pages.gate({ user, known }));
});

app.post("/buy", signedIn, async (request, response) => {
  response.redirect(303, await checkoutUrl(request.session.user, "pro", "monthly", `${APP_URL}/welcome`));
});

app.post("/billing", signedIn, async (request, response) => {
  response.redirect(303, await portalUrl(request.session.user, `${APP_URL}/`));
});

// People come here after paying, and Tollgate knows it by then.
app.get("/welcome", signedIn, async (request, response) => {
  const { user } = request.session;
  response.send(pages.welcome({ user, known: await access(user) }));
});

app.use((error, request, response, next) => {
  if (response.headersSent || !(error instanceof TollgateError)) return next(error);
  console.error(`Tollgate: ${error.code}: ${error.message}`);
  response.status(503).send(pages.away({ user: request.session.user, path: request.method === "GET" ? request.path : "/" }));
});

app.listen(PORT, (error) => {
  if (error) throw error;
  console.log(`Notes is at ${APP_URL}`);
});
