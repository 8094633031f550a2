// Mails as they arrive: sent by SMTP to a server that is not ours, and read by a library that is not
// ours either. Customers buy, renew, fail to pay twice, and pay.

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { startDev } from "./dev.js";
import { DAY } from "./fixtures.js";
import { startMailServer, USER } from "./mailserver.js";

const SETTINGS = `
[brand]
name = "Northwind"
[access]
past_due = "30d"
[mail]
from = "Käse & Söhne <billing@northwind.example>"
reply_to = "help@northwind.example"
`;
const ANNE = { email: "anne@example.com", name: "Änne Müßig", preferred_locales: ["de"] };
const BOB = { email: "bob@example.com", name: "Bob <script>alert(1)</script>" };
const EVE = { email: "eve@example.com", name: "Eve\r\nBcc: everyone" };
// Of RFC 5321, without the end of the line.
const LINE_MAX = 998;

const server = await startMailServer({ hideSTARTTLS: true });
const dev = await startDev({ TOLLGATE_SMTP_URL: server.url({ user: USER }) }, SETTINGS);

// The subjects of what has arrived since the last time, by address, in alphabetical order; days are left
// out.
let seen = 0;
function news() {
  const subjects = {};
  for (const { to, mail } of server.arrived.slice(seen)) {
    (subjects[to.join()] ??= []).push(mail.subject.replaceAll("\u00a0", " ").replace(/\d+\.? \p{L}+ \d{4}/u, "…"));
  }
  seen = server.arrived.length;
  return Object.fromEntries(Object.entries(subjects).map(([to, all]) => [to, all.toSorted()]));
}

// What each customer should have got: one in German, two in English.
function inBoth(german, english) {
  return { [ANNE.email]: german, [BOB.email]: english, [EVE.email]: english };
}

describe("a customer's mails", () => {
  let customers;
  let end;

  async function moveTo(moment) {
    await dev.advance({ to: moment });
    await dev.quiet();
    return news();
  }

  // All have bought within some seconds, and a charge comes an hour after its invoice.
  async function toTheNextAttempt() {
    const { data } = await dev.stripe.invoices.list({ customer: customers[0], status: "open" });
    assert.equal(data.length, 1);
    return moveTo(data[0].next_payment_attempt + DAY / 4);
  }

  test("greet who has bought, and say what was paid", async () => {
    customers = [await dev.buys("anne", ANNE), await dev.buys("bob", BOB), await dev.buys("eve", EVE)];
    await dev.quiet();
    assert.deepEqual(news(), inBoth(
      ["Ihre Zahlung an Northwind: 29,00 $", "Willkommen bei Pro"],
      ["Welcome to Pro", "Your receipt from Northwind: $29.00"],
    ));
  });

  test("announce a renewal", async () => {
    const { data: [subscription] } = await dev.stripe.subscriptions.list({ customer: customers[0] });
    end = subscription.items.data[0].current_period_end;
    assert.deepEqual(await moveTo(end - 3 * DAY), inBoth(
      ["Ihr Abonnement Pro verlängert sich am …"],
      ["Your subscription to Pro renews on …"],
    ));
  });

  test("say that it was not paid, then until when it can be", async () => {
    await dev.cardsFail(true);
    assert.deepEqual(await moveTo(end + DAY / 4), inBoth(
      ["Ihre Zahlung über 29,00 $ hat nicht geklappt"],
      ["Your payment of $29.00 did not go through"],
    ));
    assert.deepEqual(await toTheNextAttempt(), inBoth(
      ["Bitte zahlen Sie 29,00 $: Ihr Zugang endet sonst am …"],
      ["Please pay $29.00 to keep your access after …"],
    ));
  });

  test("say that it was paid in the end", async () => {
    await dev.cardsFail(false);
    assert.deepEqual(await toTheNextAttempt(), inBoth(
      ["Ihre Zahlung an Northwind: 29,00 $", "Ihre Zahlung über 29,00 $ ist eingegangen"],
      ["Your payment of $29.00 went through", "Your receipt from Northwind: $29.00"],
    ));
  });

  test("are all that was to be told", async () => {
    assert.deepEqual([await dev.outbox("dead"), await dev.outbox("pending")], [[], []]);
    assert.equal((await dev.outbox("done")).length, server.arrived.length);
  });
});

describe("a mail on its way", () => {
  test("is plain ASCII in lines that every server takes", () => {
    for (const { raw } of server.arrived) {
      const text = raw.toString("latin1");
      assert.doesNotMatch(text, /[^\r\n\t -~]/);
      const lines = text.split("\r\n");
      assert.ok(lines.every((line) => line.length <= LINE_MAX && !/[\r\n]/.test(line)));
    }
  });

  test("comes from one sender, over a connection that logged in, to one address", () => {
    for (const { to, user, mail } of server.arrived) {
      assert.equal(user, USER);
      assert.deepEqual(mail.from.value, [{ address: "billing@northwind.example", name: "Käse & Söhne" }]);
      assert.deepEqual(mail.replyTo.value.map(({ address }) => address), ["help@northwind.example"]);
      assert.deepEqual(mail.to.value.map(({ address }) => address), to);
    }
  });

  test("has an id of its own, and says that no person wrote it", () => {
    const ids = server.arrived.map(({ mail }) => mail.messageId);
    assert.equal(new Set(ids).size, ids.length);
    for (const { mail } of server.arrived) {
      assert.match(mail.messageId, /^<[0-9a-f]{32}@northwind\.example>$/);
      assert.equal(mail.headers.get("auto-submitted"), "auto-generated");
      assert.ok(mail.date instanceof Date && !mail.headers.has("bcc"));
    }
  });

  test("says the same in HTML and in text", () => {
    for (const { mail } of server.arrived) {
      assert.equal(mail.headers.get("content-type").value, "multipart/alternative");
      assert.deepEqual(mail.attachments, []);
      const title = mail.text.split("\n")[0];
      assert.ok(title.length > 5 && mail.html.includes(title), title);
      for (const link of mail.text.match(/https?:\S+/g)) {
        assert.ok([dev.origin, dev.sandbox].includes(new URL(link).origin), link);
      }
    }
  });

  test("calls customers by their names, and none by what is no name", () => {
    const named = (address) => server.of(address).map(({ mail }) => mail.to.value[0].name);
    assert.deepEqual([...new Set(named(ANNE.email))], ["Änne Müßig"]);
    assert.deepEqual([...new Set(named(BOB.email))], [""]);
    assert.deepEqual([...new Set(named(EVE.email))], ["Eve Bcc: everyone"]);
    const [{ mail }] = server.of(ANNE.email);
    assert.ok(mail.text.includes("Guten Tag Änne Müßig,") && mail.html.includes("Änne Müßig"));
    for (const { raw, mail: read } of server.of(BOB.email)) {
      assert.doesNotMatch(`${raw}${read.html}${read.text}`, /<script|alert\(/i);
    }
  });
});
