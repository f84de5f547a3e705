// The gallery of `tidegate preview`, whose choices are in the fragment of its address.
import assert from "node:assert/strict";
import { Tab, facts, run, until } from "./harness.mjs";

const titles = (tab) => tab.page.locator("iframe").evaluateAll((frames) => frames.map((frame) => frame.title));
const shows = (tab, expected) =>
  until(`the gallery shows ${expected}`, async () => String(await titles(tab)) === String(expected));

await run({
  "a fragment chooses what is shown, also when it is edited by hand": async (browser) => {
    const tab = await Tab.open(browser);
    await tab.page.goto(`${facts.gallery}#reason=dns_error&theme=dark`);
    await shows(tab, ["dns_error, dark"]);
    // A visitor who edits the address: the document stays.
    await tab.page.evaluate(() => (location.hash = "#reason=circuit_open&theme=both&language=de"));
    await shows(tab, ["circuit_open, light", "circuit_open, dark"]);
    const page = tab.page.frameLocator("iframe").first();
    assert.equal(await page.locator("html").getAttribute("lang"), "de");
    await tab.close();
  },
  "a choice is in the fragment, so that the address can be passed on": async (browser) => {
    const tab = await Tab.open(browser);
    await tab.page.goto(facts.gallery);
    await tab.page.locator("#reason").selectOption("dns_error");
    await until("the address has the reason", () => tab.page.url().includes("reason=dns_error"));
    await tab.close();
  },
});
