// A visitor of a failing page whose clock the test sets, so that no case waits and "not before" is exact.
//
// Each case has its own path, whose first segment selects the behaviour of the upstream.
import assert from "node:assert/strict";
import { Tab, facts, until } from "./harness.mjs";

// The time at which the clock of a tab is stopped; the page was loaded some time before.
const STOPPED_AT_MS = 5_000;
// The time between two looks of the page at the clock.
const TICK_MS = 100;
export const LONG_MS = 3_600_000;

// Asserts that the clock of the page shows the time that is left, in ms.
export const clockShows = async (tab, left) => {
  // What it shows is up to one look old.
  const right = [left, left + TICK_MS].map((ms) => {
    const all = Math.ceil(ms / 1_000);
    const two = (number) => String(number).padStart(2, "0");
    const [hours, minutes, seconds] = [Math.floor(all / 3_600), Math.floor(all / 60) % 60, all % 60];
    return hours > 0 ? `${hours}:${two(minutes)}:${two(seconds)}` : `${minutes}:${two(seconds)}`;
  });
  const clock = await tab.clock.innerText();
  assert.ok(right.includes(clock), `the clock shows ${clock}, but ${left} ms are left`);
};

export const fine = async (tab) => (await tab.page.content()).includes("the upstream is fine");

// Opens a page in a tab with a stopped clock. `setup` prepares the tab before the page loads; `isPage` is
// false for a page of the site.
export const visit = async (browser, name, { listener = "page", setup = async () => {}, isPage = true, ...options } = {}) => {
  const tab = await Tab.open(browser, options);
  const { page } = tab;
  // How the check-ins ended: each with the headers of its response, or with nothing.
  const answers = new Map();
  const end = (request, headers) => {
    const isCheckIn = request.method() === "HEAD" && !request.url().endsWith("/sentinel");
    // Chromium also calls a request failed whose response nobody reads to its end.
    if (isCheckIn && !answers.has(request)) answers.set(request, headers);
  };
  page.on("response", (response) => end(response.request(), response.headers()));
  page.on("requestfailed", (request) => end(request));
  await page.clock.install({ time: 0 });
  await setup(page);
  await page.goto(`${facts[listener]}/${name}/?a=1#part`);
  await page.clock.pauseAt(STOPPED_AT_MS);
  if (isPage) {
    tab.hint = Number(await page.locator("[data-retry-after-ms]").first().getAttribute("data-retry-after-ms"));
  }
  tab.box = page.locator("#auto");
  tab.clock = tab.box.locator("span");
  tab.outcome = page.locator("#outcome");
  tab.says = (word) => until(`it says ${word}`, async () => (await tab.outcome.innerText()).includes(word));
  // Returns the time that the last check-in was told, in ms.
  tab.told = () => Number([...answers.values()].at(-1)["retry-after"]) * 1_000;
  // Advances the clock to just before the hint is due, whenever the page began to wait.
  tab.almost = () => page.clock.runFor(tab.hint - STOPPED_AT_MS - TICK_MS);
  // Waits until the page knows how its check-in ended.
  tab.answered = async (number) => {
    await until(`check-in ${number} has ended`, () => answers.size === number);
    await tab.settle();
  };
  // Advances the clock to the first check-in of a page, in small steps, since its response starts the
  // next wait.
  tab.pass = async () => {
    const before = await tab.count("HEAD");
    for (let passed = 0; (await tab.count("HEAD")) === before; passed += TICK_MS) {
      assert.ok(passed <= STOPPED_AT_MS + 1_000, "it does not ask");
      await page.clock.runFor(TICK_MS);
    }
  };
  // Advances the clock by a wait that begins now, and asserts that the page checks in at its end and not
  // before. A test may `look` at the page each second, and gets the time that is left.
  tab.waits = async (ms, look) => {
    const before = await tab.count("HEAD");
    let passed = 0;
    const pass = async (time) => {
      await page.clock.runFor(time);
      passed += time;
    };
    while (look && passed + 1_000 + TICK_MS < ms) {
      await pass(1_000);
      await look(ms - passed);
    }
    await pass(ms - passed - TICK_MS);
    assert.equal(await tab.count("HEAD"), before, `a check-in before ${ms} ms were over`);
    // The clock stops at the check-in, since the next wait may begin at any time from there on.
    for (let ticks = 0; ticks < 2 && (await tab.count("HEAD")) === before; ticks++) await pass(TICK_MS);
    assert.equal(await tab.count("HEAD"), before + 1, `no check-in after ${ms} ms`);
  };
  return tab;
};

// Asserts that nothing else happens, even after a long time.
export const ended = async (tab) => {
  assert.equal(await tab.clock.innerText(), "", "nothing to wait for any more");
  assert.equal(await tab.box.getByRole("button").innerText(), "Keep checking");
  const before = tab.requests.length;
  await tab.page.clock.fastForward(LONG_MS);
  await tab.settle();
  assert.equal(tab.requests.length, before, "no request after the end");
};
