// The pages. What comes from outside passes `html`, which escapes it.

const NOTES = ["Water the fig tree on Sundays", "Ask Grace about the compiler", "A toll gate has one arm and no opinions"];

const ESCAPES = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&#39;" };

class Html {
  constructor(text) {
    this.text = text;
  }
}

function html(parts, ...values) {
  return new Html(parts.reduce((text, part, at) => text + shown(values[at - 1]) + part));
}

function shown(value) {
  if (value instanceof Html) return value.text;
  if (Array.isArray(value)) return value.map(shown).join("");
  // What a condition leaves out.
  if (value === false) return "";
  return String(value ?? "").replace(/[&<>"']/g, (it) => ESCAPES[it]);
}

function page({ title, user, known, refresh }, body) {
  return html`<!doctype html>
<html lang="en">
  <head>
    <meta charset="utf-8">
    <meta name="viewport" content="width=device-width, initial-scale=1">
    ${refresh && html`<meta http-equiv="refresh" content="3">`}
    <title>${title} · Notes</title>
    <link rel="icon" href="data:,">
    <link rel="stylesheet" href="/style.css">
  </head>
  <body>
    <header>
      <a class="brand" href="/">Notes</a>
      ${user && html`<span class="who">${user}</span>
      ${known && html`<span class="badge">${planName(known)}</span>`}
      <form method="post" action="/sign-out"><button class="quiet">Sign out</button></form>`}
    </header>
    <main>${body}</main>
  </body>
</html>
`.text;
}

export function signIn() {
  return page({ title: "Sign in" }, html`
      <h1>A place for small thoughts</h1>
      <p class="soft">Writing is free. Taking everything with you is part of Pro.</p>
      <form class="card" method="post" action="/sign-in">
        <label for="name">Your name</label>
        <input id="name" name="name" required maxlength="40" autocomplete="username" autocapitalize="none">
        <p class="soft">This is a demo: there is no password.</p>
        <div class="actions"><button>Sign in</button></div>
      </form>`);
}

export function home({ user, known, cancelled }) {
  return page({ title: "Your notes", user, known }, html`
      <h1>Your notes</h1>
      ${cancelled && html`<p class="notice" role="status">You bought nothing, and nothing was charged.</p>`}
      <ul class="notes">${NOTES.map((note) => html`<li>${note}</li>`)}</ul>
      <section class="card">
        <h2>Your plan</h2>
        <p>${known ? planSentence(known) : "Your plan can't be looked up at the moment."}</p>
        <div class="actions">
          <a class="button" href="/export">Export</a>
          ${known && !known.granted && buy("quiet")}
          ${known?.customer_id && html`<form method="post" action="/billing"><button class="quiet">Manage billing</button></form>`}
        </div>
      </section>`);
}

export function gate({ user, known }) {
  return page({ title: "Export", user, known }, html`
      <h1>The export is part of Pro</h1>
      <p class="soft">All your notes in one file, whenever you want them.</p>
      <div class="card">
        <p>Pro is paid by the month. Cancel any time, and keep it until the month is over.</p>
        <div class="actions">${buy()}<a href="/">Not now</a></div>
      </div>`);
}

export function exported({ user, known }) {
  return page({ title: "Export", user, known }, html`
      <h1>Your export</h1>
      <p class="soft">${NOTES.length} notes, as Markdown.</p>
      <pre>${NOTES.map((note) => `- ${note}\n`).join("")}</pre>
      <a href="/">Back to the notes</a>`);
}

export function welcome({ user, known }) {
  if (known.granted) {
    return page({ title: "Welcome", user, known }, html`
      <h1>Welcome to ${planName(known)}</h1>
      <p class="soft">Thank you! Your export is ready.</p>
      <div class="actions"><a class="button" href="/export">Open the export</a><a href="/">Back to the notes</a></div>`);
  }
  // Some ways to pay take days. Nothing is wrong, and nothing is granted yet.
  return page({ title: "Almost there", user, known, refresh: true }, html`
      <h1>Almost there</h1>
      <p class="soft">Your payment is not confirmed yet. This page looks again by itself.</p>
      <a href="/">Back to the notes</a>`);
}

export function away({ user, path }) {
  return page({ title: "One moment", user }, html`
      <h1>We can't look up your plan</h1>
      <p class="soft">That is our fault, not yours. Please try again in a minute.</p>
      <div class="actions"><a class="button" href="${path}">Try again</a></div>`);
}

function buy(look = "") {
  return html`<form method="post" action="/buy"><button class="${look}">Buy Pro</button></form>`;
}

function planName({ plan }) {
  return plan.charAt(0).toUpperCase() + plan.slice(1);
}

function planSentence(known) {
  if (!known.granted) return "You are on Free.";
  const ends = known.cancel_at && new Date(known.cancel_at).toLocaleDateString("en-GB", { dateStyle: "long", timeZone: "UTC" });
  return ends ? `You have ${planName(known)} until ${ends}.` : `You have ${planName(known)}.`;
}
