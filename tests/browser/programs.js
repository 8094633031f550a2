// The programs under test, each on free ports and with a directory of its own that goes with it.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { after } from "node:test";

const PATIENCE_MS = 30_000;
// Where the sandbox's clock begins, in seconds: sums that are prorated hang on the month.
const NOW = Date.UTC(2026, 10, 2, 12) / 1000;
const SANDBOX_READY = /^sandbox ready at (http:\/\/127\.0\.0\.1:\d+)$/m;
const DEV_READY = /running\.\s+(http:\/\/127\.0\.0\.1:\d+)\/\n[^]*?(http:\/\/127\.0\.0\.1:\d+)\/shop\n/;

// `tollgate sandbox`, until after the tests of a file.
export async function startSandbox() {
  const program = new Program();
  after(() => program.end());
  [, program.sandbox] = await program.start(["sandbox", "--listen", "127.0.0.1:0", "--seed", "1", "--now", `${NOW}`], SANDBOX_READY);
  return program;
}

// `tollgate dev`, with its own page at `dev` and its sandbox at `sandbox`; `settings` are files and
// variables of an operator's.
export async function startDev(settings) {
  const program = new Program();
  after(() => program.end());
  [, program.dev, program.sandbox] = await program.start(["dev", "--sandbox-listen", "127.0.0.1:0"], DEV_READY, settings);
  return program;
}

class Program {
  #child;
  #directory;

  async start(words, sign, { env = {}, files = {} } = {}) {
    this.#directory = await mkdtemp(join(tmpdir(), "tollgate-browser-"));
    for (const [name, text] of Object.entries(files)) await writeFile(join(this.#directory, name), text);
    const options = { cwd: this.#directory, env: { TOLLGATE_LISTEN: "127.0.0.1:0", ...env }, stdio: ["ignore", "pipe", "inherit"] };
    this.#child = spawn(required("TOLLGATE"), words, options);
    return told(this.#child, sign);
  }

  async end() {
    assert.equal(this.#child.exitCode ?? this.#child.signalCode, null, "the program lives to the end");
    const ended = new Promise((resolve) => this.#child.once("exit", resolve));
    this.#child.kill("SIGTERM");
    assert.equal(await ended, 0, "the program ends well");
    await rm(this.#directory, { recursive: true });
  }
}

export function required(name) {
  const value = process.env[name];
  assert.ok(value, `${name} is not set: run ./test browser`);
  return value;
}

// Reads what the program prints until it is the sign.
export function told(child, sign) {
  return new Promise((resolve, reject) => {
    let text = "";
    const late = setTimeout(() => reject(new Error(`the program does not get ready:\n${text}`)), PATIENCE_MS);
    child.once("error", reject);
    child.once("exit", (code) => reject(new Error(`the program ended with ${code}:\n${text}`)));
    createInterface({ input: child.stdout }).on("line", (line) => {
      text += `${line}\n`;
      const found = sign.exec(text);
      if (found) {
        clearTimeout(late);
        resolve(found);
      }
    });
  });
}
