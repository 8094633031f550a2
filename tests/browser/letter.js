// What holds for every letter, wherever its HTML comes from. The pictures are kept in
// target/browser/mails.

import assert from "node:assert/strict";
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { required } from "./programs.js";

const WIDTHS = [375, 700];

const pictures = join(required("PICTURES"), "mails");
await mkdir(pictures, { recursive: true });

// The letter in the page fits a phone and a desk and can be read, light and dark; keeps pictures of it.
export async function looksRight(page, name) {
  for (const colorScheme of ["light", "dark"]) await looksRightIn(page, name, colorScheme);
}

async function looksRightIn(page, name, colorScheme) {
  await page.emulateMedia({ colorScheme });
  for (const width of WIDTHS) {
    await page.setViewportSize({ width, height: 800 });
    const wide = await page.evaluate(() => document.documentElement.scrollWidth);
    assert.ok(wide <= width, `${name} is ${wide} pixels wide at ${width}`);
    assert.deepEqual(await page.evaluate(pale), [], `what is hard to read, ${colorScheme}, ${width}`);
    await page.screenshot({ path: join(pictures, `${name} ${width} ${colorScheme}.png`.replace(/ /g, "-")), fullPage: true });
  }
}

// The texts whose contrast with what they lie on is below 4.5 (WCAG AA).
function pale() {
  const numbers = (text) => (text.match(/[\d.]+/g) ?? []).map(Number);
  const luminance = (rgb) => {
    const [r, g, b] = rgb.map((part) => (part / 255 <= 0.04045 ? part / 255 / 12.92 : ((part / 255 + 0.055) / 1.055) ** 2.4));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const below = (element) => {
    for (let at = element; at; at = at.parentElement) {
      const [r, g, b, a = 1] = numbers(getComputedStyle(at).backgroundColor);
      if (a > 0) return [r, g, b];
    }
    return [255, 255, 255];
  };
  const shown = (element) => element.checkVisibility({ opacityProperty: true }) && element.getBoundingClientRect().height > 1;
  const found = [];
  const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (texts.nextNode()) {
    const element = texts.currentNode.parentElement;
    if (texts.currentNode.data.trim() === "" || element.closest("style") || !shown(element)) continue;
    const [a, b] = [luminance(numbers(getComputedStyle(element).color).slice(0, 3)), luminance(below(element))];
    const contrast = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    if (contrast < 4.5) found.push(`${contrast.toFixed(1)}: ${texts.currentNode.data.trim()}`);
  }
  return found;
}
