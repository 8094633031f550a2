// Stripe's own command line against a sandbox, in a home of its own. It is the binary of the package
// `@stripe/cli` for this platform, without the shim, which leaves a listener behind when it is ended;
// STRIPE_CLI names another one, for a platform that the lock file does not have.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import path from "node:path";
import { KEY, PATIENCE_MS } from "./sandbox.js";

const binary = process.env.STRIPE_CLI ?? createRequire(import.meta.url).resolve("@stripe/cli-linux-x64/bin/stripe");
const home = mkdtempSync(path.join(tmpdir(), "tollgate-stripe-cli-"));

process.once("exit", () => rmSync(home, { recursive: true, force: true }));

// Nothing of it reaches the network: loopback needs no proxy, and there is none behind this one.
const environment = {
  HOME: home,
  HTTPS_PROXY: "http://127.0.0.1:9",
  STRIPE_CLI_TELEMETRY_OPTOUT: "1",
  STRIPE_DEVICE_NAME: "official-tests",
};

function start(origin, args, key) {
  const where = ["--api-base", origin, "--api-key", key, "--color", "off"];
  return spawn(binary, [...args, ...where], { cwd: home, env: environment, stdio: ["ignore", "pipe", "pipe"] });
}

// Runs a command to its end.
export async function stripeCli(origin, args, { key = KEY } = {}) {
  const child = start(origin, args, key);
  const late = setTimeout(() => child.kill("SIGKILL"), PATIENCE_MS);
  const ended = new Promise((resolve) => child.once("close", resolve));
  const [stdout, stderr, code] = await Promise.all([read(child.stdout), read(child.stderr), ended]);
  clearTimeout(late);
  return { code, stdout, stderr };
}

// Runs a command that must succeed and gives the JSON it prints.
export async function stripeJson(origin, args) {
  const { code, stdout, stderr } = await stripeCli(origin, args);
  assert.equal(code, 0, stderr + stdout);
  return JSON.parse(stdout);
}

async function read(stream) {
  return Buffer.concat(await stream.toArray()).toString();
}

// `stripe listen`, from when it is ready.
export async function listen(origin, args) {
  const listener = new Listener(start(origin, ["listen", "--skip-update", ...args], KEY));
  await listener.says(/Ready!/);
  listener.secret = /whsec_\w+/.exec(listener.said)[0];
  return listener;
}

class Listener {
  said = "";
  printed = "";
  #child;
  #waiting = new Set();

  constructor(child) {
    this.#child = child;
    child.stdout.on("data", (chunk) => {
      this.printed += chunk;
      this.#hear(chunk);
    });
    child.stderr.on("data", (chunk) => this.#hear(chunk));
  }

  #hear(chunk) {
    this.said += chunk;
    this.#waiting.forEach((look) => look());
  }

  says(pattern) {
    return new Promise((resolve, reject) => {
      const late = setTimeout(() => reject(new Error(`it never said ${pattern}, but: ${this.said}`)), PATIENCE_MS);
      const look = () => {
        if (pattern.test(this.said)) {
          clearTimeout(late);
          this.#waiting.delete(look);
          resolve();
        }
      };
      this.#waiting.add(look);
      look();
    });
  }

  async end() {
    assert.equal(this.#child.exitCode ?? this.#child.signalCode, null, `the listener lives: ${this.said}`);
    const ended = new Promise((resolve) => this.#child.once("exit", resolve));
    this.#child.kill("SIGTERM");
    await ended;
  }
}
