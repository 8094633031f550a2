// The app around it: a server of another origin, whose every page tells its own address. /embed
// has Stripe.js from the sandbox and a place for a checkout.

import { createServer } from "node:http";
import { after } from "node:test";

export async function startApp(program) {
  const server = createServer((request, response) => {
    const { pathname, search } = new URL(request.url, "http://app");
    response.setHeader("content-type", "text/html; charset=utf-8");
    response.end(pathname === "/embed" ? embedding(program.sandbox) : around(`<h1>App at ${pathname}${escaped(search)}</h1>`));
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  after(() => {
    server.closeAllConnections();
    server.close();
  });
  // By name: another site than 127.0.0.1, not only another port.
  return { origin: `http://localhost:${server.address().port}` };
}

function embedding(sandbox) {
  return around(`<h1>The app's own page</h1><div id="here"></div><output></output><script src="${sandbox}/v3/"></script>`);
}

function around(body) {
  return `<!doctype html><html lang="en"><head><meta name="viewport" content="width=device-width"><title>App</title>
    <link rel="icon" href="data:,"><style>:root { color-scheme: light dark } body { font-family: sans-serif; margin: 16px }</style></head><body>${body}</body></html>`;
}

const escaped = (text) => text.replaceAll("&", "&amp;").replaceAll("<", "&lt;");
