// Every mail, as it looks in a mail program: on a phone and on a desk, light and dark. The
// pictures are kept in target/browser/mails.

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after } from "node:test";
import { pathToFileURL } from "node:url";
import { flow } from "./browser.js";
import { looksRight } from "./letter.js";
import { required } from "./programs.js";

const APP = "https://app.northwind.example";
const LOGO = `${APP}/logo.svg`;
const MAY_LEAD_TO = [/^https:\/\/app\.northwind\.example\//, /^https:\/\/(\w+\.)*stripe\.com\//];
const SETTINGS = `
[brand]
name = "Northwind"
logo = "${LOGO}"
accent = "#0f766e"
support_email = "help@northwind.example"
app_url = "${APP}"
[mail]
from = "billing@northwind.example"
operator = "ops@northwind.example"
survey_url = "${APP}/survey"
[plans.pro]
title = "Pro"
rank = 10
prices = { monthly = "price_1" }
[plans.team]
title = "Team"
rank = 20
prices = { monthly = "price_2" }
`;
const PICTURE = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 240 48">
  <circle cx="24" cy="24" r="20" fill="#0f766e"/><text x="56" y="33" font-family="sans-serif"
  font-size="28" font-weight="700" fill="#0f766e">northwind</text></svg>`;

const mails = await written();

async function written() {
  const directory = await mkdtemp(join(tmpdir(), "tollgate-mails-"));
  after(() => rm(directory, { recursive: true }));
  const file = join(directory, "tollgate.toml");
  await writeFile(file, SETTINGS);
  const words = ["mails", "preview", "--config", file, "--out", join(directory, "out")];
  execFileSync(required("TOLLGATE"), words, { cwd: directory, stdio: ["ignore", "ignore", "inherit"] });
  const names = (await readdir(join(directory, "out"))).filter((name) => name.endsWith(".html")).sort();
  assert.ok(names.length >= 2 * 21, `${names.length} mails`);
  return names.map((name) => ({ name: name.replace(/\.html$/, ""), url: pathToFileURL(join(directory, "out", name)).href }));
}

for (const { name, url } of mails) {
  flow(`the mail ${name}`, async (page) => {
    await page.route(LOGO, (route) => route.fulfill({ contentType: "image/svg+xml", body: PICTURE }));
    const asked = [];
    page.on("request", (request) => asked.push(request.url()));
    await page.goto(url);
    for (const link of await page.locator("a").evaluateAll((all) => all.map((it) => it.href))) {
      assert.ok(MAY_LEAD_TO.some((it) => it.test(link)), `${name} leads to ${link}`);
    }
    assert.deepEqual(await page.locator("img").evaluateAll((all) => all.map((it) => it.alt)), ["Northwind"]);
    assert.ok((await page.locator("a").count()) <= 1, "there is one button at most");
    await looksRight(page, name);
    assert.deepEqual([...new Set(asked)].sort(), [url, LOGO].sort(), "nothing else is loaded");
  });
}
