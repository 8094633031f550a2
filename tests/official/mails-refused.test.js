// Mail servers that refuse, put off and hang; and whom a password and a mail are entrusted to. Each
// test has a `tollgate dev` of its own, and they run at once: one of them waits half a minute.

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { after, describe, test } from "node:test";
import { startDev } from "./dev.js";
import { startMailServer, USER } from "./mailserver.js";
import { until } from "./sandbox.js";

const FROM = { TOLLGATE_MAIL_FROM: "billing@northwind.example" };
// Another name for this machine: it stands for a server elsewhere.
const ELSEWHERE = "0.0.0.0";
const UNTRUSTED = /^no encrypted connection to the mail server: invalid peer certificate: /;
// Longer than the first wait after a failure, in the sandbox's time.
const SOON = { seconds: 10 };

// A customer of that name buys; their welcome and their receipt follow.
function buys(dev, name) {
  return dev.buys(name, { email: address(name), name });
}

function address(name) {
  return `${name}@example.com`;
}

function subjects(arrived) {
  return arrived.map(({ mail }) => mail.subject).toSorted();
}

const BOTH = ["Welcome to Pro", "Your receipt from Northwind: $29.00"];
const BRAND = '[brand]\nname = "Northwind"\n';

// Waits until so many mails of a status say why they were not taken, and gives what they say.
function troubled(dev, status, count) {
  return until(`${count} mails are ${status} for a reason`, async () => {
    const found = (await dev.outbox(status)).filter(({ error }) => error !== null);
    return found.length === count && found;
  });
}

// Somebody buys where the mail server is not to be trusted; gives why their mails wait.
async function waits(url) {
  const dev = await startDev({ ...FROM, TOLLGATE_SMTP_URL: url }, BRAND);
  await buys(dev, "ada");
  const [one, other] = await troubled(dev, "pending", 2);
  assert.equal(one.error, other.error);
  return one.error;
}

describe("a mail server", { concurrency: true }, () => {
  test("that refuses one address or puts one off is believed, for that one alone", async () => {
    const answers = (to, tries) => ({ [address("gone")]: 550, [address("grey")]: tries === 1 ? 451 : undefined })[to];
    const server = await startMailServer({ hideSTARTTLS: true }, answers);
    const dev = await startDev({ ...FROM, TOLLGATE_SMTP_URL: server.url() }, BRAND);
    for (const name of ["gone", "grey", "ada"]) await buys(dev, name);
    const dead = await troubled(dev, "dead", 2);
    assert.deepEqual(dead.map((it) => [it.destination, it.error, it.attempts]), Array(2).fill(["mail", "the mail server answered 550 to RCPT TO", 1]));
    const [waiting] = await troubled(dev, "pending", 1);
    assert.equal(waiting.error, "the mail server answered 451 to RCPT TO");
    await until("the others have arrived", () => server.arrived.length === 3);
    await dev.advance(SOON);
    await dev.quiet();
    assert.deepEqual(subjects(server.of(address("grey"))), BOTH);
    assert.deepEqual(subjects(server.of(address("ada"))), BOTH);
    assert.equal(server.arrived.length, 4);
    assert.equal((await dev.outbox("dead")).length, 2);
  });

  test("that refuses us, at once or as a sender, is told all once it takes us", async () => {
    const words = { onConnect: "to the connection", onMailFrom: "to MAIL FROM" };
    for (const [step, where] of Object.entries(words)) {
      let suspended = true;
      const answer = (...words) => words.at(-1)(suspended ? Object.assign(new Error("suspended"), { responseCode: 554 }) : null);
      const server = await startMailServer({ hideSTARTTLS: true, [step]: answer });
      const dev = await startDev({ ...FROM, TOLLGATE_SMTP_URL: server.url() }, BRAND);
      await buys(dev, "ada");
      for (const { error } of await troubled(dev, "pending", 2)) assert.equal(error, `the mail server answered 554 ${where}`);
      assert.deepEqual(await dev.outbox("dead"), []);
      suspended = false;
      await dev.advance(SOON);
      await dev.quiet();
      assert.deepEqual(subjects(server.of(address("ada"))), BOTH);
    }
  });

  test("that hangs keeps back what it hangs on, which is sent again under its id", async () => {
    const answers = (to, tries) => (to === address("slow") && tries === 1 ? "hang" : undefined);
    const server = await startMailServer({ hideSTARTTLS: true }, answers);
    const dev = await startDev({ ...FROM, TOLLGATE_SMTP_URL: server.url() }, BRAND);
    await buys(dev, "slow");
    await until("it hangs", () => server.unanswered.length === 1);
    const [waiting] = await troubled(dev, "pending", 1);
    assert.equal(waiting.error, "the mail server did not answer in time");
    await dev.advance(SOON);
    await buys(dev, "ada");
    await dev.quiet();
    assert.deepEqual(subjects(server.of(address("slow"))), BOTH);
    assert.deepEqual(subjects(server.of(address("ada"))), BOTH);
    const [{ mail: first }] = server.unanswered;
    const again = server.arrived.filter(({ mail }) => mail.messageId === first.messageId);
    assert.deepEqual(again.map(({ mail }) => mail.subject), [first.subject]);
    assert.deepEqual(await dev.outbox("dead"), []);
  });

  test("on this machine may have whatever certificate, and know LOGIN alone", async () => {
    const server = await startMailServer({ ...certificate("old.example"), authMethods: ["LOGIN"] });
    const dev = await startDev({ ...FROM, TOLLGATE_SMTP_URL: server.url({ user: USER }) }, BRAND);
    await buys(dev, "ada");
    await dev.quiet();
    assert.deepEqual(server.arrived.map(({ user, secure }) => [user, secure]), Array(2).fill([USER, true]));
  });

  test("elsewhere whose certificate nobody signed gets neither a password nor a mail", async () => {
    const server = await startMailServer(certificate(ELSEWHERE));
    const why = await waits(server.url({ host: ELSEWHERE, user: USER }));
    assert.match(why, UNTRUSTED);
    assert.deepEqual([server.logins, server.arrived], [0, []]);
  });

  test("elsewhere that cannot encrypt gets neither as well", async () => {
    const server = await startMailServer({ hideSTARTTLS: true });
    const why = await waits(server.url({ host: ELSEWHERE, user: USER }));
    assert.match(why, /^the mail server lacks something: STARTTLS /);
    assert.deepEqual([server.logins, server.arrived], [0, []]);
  });

  test("that encrypts from the start is known by its certificate", async () => {
    const { key, cert, file } = certificate("localhost");
    const server = await startMailServer({ key, cert, secure: true });
    const url = server.url({ scheme: "smtps", host: "localhost", user: USER });
    const dev = await startDev({ ...FROM, TOLLGATE_SMTP_URL: url, SSL_CERT_FILE: file }, BRAND);
    await buys(dev, "ada");
    await dev.quiet();
    assert.deepEqual(server.arrived.map(({ user, secure }) => [user, secure]), Array(2).fill([USER, true]));
    const why = await waits(server.url({ scheme: "smtps", host: "localhost", user: USER }));
    assert.match(why, UNTRUSTED);
  });
});

// A key and a certificate that is signed with it, and the file that has the latter.
function certificate(name) {
  const directory = mkdtempSync(path.join(tmpdir(), "tollgate-certificate-"));
  after(() => rmSync(directory, { recursive: true }));
  const [key, file] = ["key.pem", "certificate.pem"].map((it) => path.join(directory, it));
  const kind = /^[\d.]+$/.test(name) ? "IP" : "DNS";
  const words = ["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", `/CN=${name}`];
  const extensions = ["-addext", `subjectAltName=${kind}:${name}`, "-addext", "basicConstraints=critical,CA:FALSE"];
  execFileSync("openssl", [...words, ...extensions, "-keyout", key, "-out", file], { stdio: "ignore" });
  return { key: readFileSync(key), cert: readFileSync(file), file };
}
