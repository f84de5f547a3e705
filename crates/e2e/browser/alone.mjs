// A visitor alone: how soon after the site the page is back, by the real clock. All sites are down at the
// same time, each with a visitor of its own.
import assert from "node:assert/strict";
import { Tab, ask, facts, run, until } from "./harness.mjs";

// How long a visitor waits at most after the site is back, and how long the load of the page may take.
const WAIT_MS = 5_000;
const LOAD_MS = 500;
const MEAN_MS = 3_000;

const FINE = () => document.body?.textContent.includes("the upstream is fine");

const waits = [];

// Visits a site while it is down, and stays until the page is back. The site is back when this `share` of
// a wait is left: with shares that are spread evenly, the mean of ten waits does not depend on luck.
const visit = ({ name, seconds, url }, share) => async (browser) => {
  await ask({ name, is: "down" });
  const tab = await Tab.open(browser);
  const rests = [];
  tab.page.on("response", (response) => {
    if (response.request().method() !== "HEAD") return;
    rests.push({ since: Date.now(), ms: Number(response.headers()["retry-after"]) * 1_000 });
  });
  const begun = Date.now();
  await tab.page.goto(url);
  await tab.page.locator("#auto").waitFor();
  const at = (what, time) => until(what, () => Date.now() >= time, time - Date.now() + WAIT_MS);
  await at(`${seconds} s have passed`, begun + seconds * 1_000);
  const before = rests.length;
  await until("it has checked in", () => rests.length > before);
  const { since, ms } = rests.at(-1);
  await at("the site is back", since + ms * (1 - share));
  await ask({ name, is: "up" });
  const up = Date.now();
  assert.equal(rests.length, before + 1, "the site is back before the next check-in");
  await tab.page.waitForFunction(FINE);
  const wait = Date.now() - up;
  waits.push(wait);
  await ask({ name, backAfterMs: wait });
  for (const { ms } of rests.slice(0, -1)) assert.ok(ms <= WAIT_MS, `a check-in was told to wait for ${ms} ms`);
  assert.ok(wait <= WAIT_MS + LOAD_MS, `the page was back after ${wait} ms`);
  assert.deepEqual(tab.requests, ["GET", ...rests.map(() => "HEAD"), "GET"]);
  await tab.close();
};

// Between a tenth and nine tenths, in an order that has nothing to do with the length of the outage.
const share = (number) => 0.1 + (0.8 * ((number * 7) % 10)) / 9;
const cases = facts.outages.map((outage, number) => [
  `back within 5 s after ${outage.seconds} s`,
  visit(outage, share(number)),
]);
await run(Object.fromEntries(cases), { atOnce: cases.length });
const mean = waits.reduce((sum, wait) => sum + wait, 0) / waits.length;
assert.ok(mean <= MEAN_MS, `a mean of ${mean} ms: ${waits}`);
