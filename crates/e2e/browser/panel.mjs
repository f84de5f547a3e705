// The owner's panel of the demo on a phone, with the shop down and a crowd.
import assert from "node:assert/strict";
import { Tab, facts, run, until } from "./harness.mjs";

// An open circuit takes its time, and so does a busy machine.
const LIMIT_MS = 60_000;
const PHONE = { viewport: { width: 390, height: 844 }, deviceScaleFactor: 1 };

const text = (tab, id) => tab.page.locator(`#${id}`).innerText();
const says = (tab, id, words) => until(`#${id} says ${words}`, async () => (await text(tab, id)).includes(words), LIMIT_MS);

await run({
  "the panel fits a phone": async (browser) => {
    const tab = await Tab.open(browser, PHONE);
    await tab.page.goto(facts.panel);
    await says(tab, "visitor", "the shop");
    const width = await tab.page.evaluate(() => document.documentElement.scrollWidth);
    assert.ok(width <= PHONE.viewport.width, `${width} px wide`);
    await tab.close();
  },
  "the panel shows a crowd, the circuit and what a visitor gets": async (browser) => {
    const tab = await Tab.open(browser);
    await tab.page.goto(facts.panel);
    await says(tab, "gate", "The circuit is closed");
    await tab.page.locator("[data-mode=down]").click();
    await says(tab, "site", "The shop is down");
    await tab.page.locator("[data-crowd]").first().click();
    await says(tab, "crowd", "waiting");
    await says(tab, "visitor", "circuit_open");
    await says(tab, "visitor", "; it may come back in");
    await until("the plot has a line", async () => {
      const points = await tab.page.locator("#rejected-line").getAttribute("points");
      return points !== null && new Set(points.split(" ").map((point) => point.split(",")[1])).size > 1;
    });
    if (facts.picture) await tab.page.screenshot({ path: facts.picture, fullPage: true });
    await tab.page.locator("[data-mode=fine]").click();
    await says(tab, "crowd", " 0 waiting, 20 served, 0 gave up");
    await says(tab, "visitor", "the shop");
    await tab.close();
  },
}, { atOnce: 1 });
