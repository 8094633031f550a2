// The examples as their readers start them, each on a free port and with `tollgate dev` behind a
// line that can be cut.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { createServer, request as requestOf } from "node:http";
import { createServer as createListener } from "node:net";
import { after } from "node:test";
import { required, told } from "../browser/programs.js";

const ROOT = new URL("../../examples/", import.meta.url);
const END_MS = 10_000;

// How each of them is started, and what it prints once it answers.
const APPS = {
  express: { folder: "express", command: () => ["npm", "start"], ready: /Notes is at/ },
  nextjs: { folder: "nextjs", command: () => ["npm", "start"], ready: /Ready in/ },
  fastapi: { folder: "fastapi", command: (port) => [required("UVICORN"), "main:app", "--port", port], ready: /Uvicorn running on/ },
  axum: { folder: "axum", command: () => [required("AXUM_EXAMPLE")], ready: /Notes is at/ },
};

// Starts one; it ends after the tests of the file.
export async function startApp(name, tollgate) {
  const { folder, command, ready } = APPS[name];
  const port = String(await freePort());
  const url = `http://localhost:${port}`;
  const settings = { PORT: port, APP_URL: url, TOLLGATE_URL: tollgate, TOLLGATE_API_KEY: "dev" };
  const { PATH, HOME } = process.env;
  const child = spawn("sh", ["-c", 'exec "$@" 2>&1', "sh", ...command(port)], {
    cwd: new URL(folder, ROOT),
    // A group of its own, so that npm and what npm starts end together.
    detached: true,
    env: { PATH, HOME, NEXT_TELEMETRY_DISABLED: "1", PYTHONUNBUFFERED: "1", ...settings },
    stdio: ["ignore", "pipe", "inherit"],
  });
  after(() => end(child));
  await told(child, ready);
  return url;
}

async function end(child) {
  if (child.exitCode ?? child.signalCode) assert.fail("the example ended before its time");
  const ended = new Promise((resolve) => child.once("exit", resolve));
  process.kill(-child.pid, "SIGTERM");
  const late = setTimeout(() => process.kill(-child.pid, "SIGKILL"), END_MS);
  await ended;
  clearTimeout(late);
}

async function freePort() {
  const listener = createListener();
  await new Promise((resolve) => listener.listen(0, "127.0.0.1", resolve));
  const { port } = listener.address();
  await new Promise((resolve) => listener.close(resolve));
  return port;
}

// Passes everything on, until it is `cut`: then every call ends without an answer.
export async function line(origin) {
  const beyond = new URL(origin);
  const it = { cut: false };
  const server = createServer((request, response) => {
    if (it.cut) return request.socket.destroy();
    const { method, url, headers } = request;
    const asked = requestOf({ host: beyond.hostname, port: beyond.port, method, path: url, headers });
    asked.on("response", (answer) => {
      response.writeHead(answer.statusCode, answer.headers);
      answer.pipe(response);
    });
    asked.on("error", () => response.destroy());
    request.pipe(asked);
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  after(() => {
    server.closeAllConnections();
    server.close();
  });
  it.origin = `http://127.0.0.1:${server.address().port}`;
  return it;
}
