// The page on a real Envoy: when it retries by itself, and when it must not.
//
// The clock of a tab is set by the test, so that no case waits and "not before" is exact. Each case
// has its own path, whose first segment selects the behaviour of the upstream.
import assert from "node:assert/strict";
import { Tab, ask, facts, run, until } from "./harness.mjs";

const fail = (name) => ask({ set: name, to: "fail" });
const mend = (name) => ask({ set: name, to: "fine" });
const fine = async (tab) => (await tab.page.content()).includes("the upstream is fine");
const upstream = (name) => ask({ count: name });

// The time at which the clock of a tab is stopped; the page was loaded some time before.
const STOPPED_AT_MS = 5_000;
const LONG_MS = 3_600_000;

// Opens a failing page in a tab with a stopped clock. `setup` prepares the tab before it loads.
const visit = async (browser, name, { listener = "page", setup = async () => {}, ...options } = {}) => {
  const tab = await Tab.open(browser, options);
  const { page } = tab;
  await fail(name);
  await page.clock.install({ time: 0 });
  await setup(page);
  await page.goto(`${facts[listener]}/${name}/?a=1#part`);
  await page.clock.pauseAt(STOPPED_AT_MS);
  tab.hint = Number(await page.locator("main").getAttribute("data-retry-after-ms"));
  tab.box = page.locator("#auto");
  tab.outcome = page.locator("#outcome");
  tab.says = (word) => until(`it says ${word}`, async () => (await tab.outcome.innerText()).includes(word));
  // Advances the clock to just before the hint is due, whenever the page began to wait.
  tab.almost = () => page.clock.runFor(tab.hint - STOPPED_AT_MS - 250);
  // Advances the clock to the next probe, in small steps, since its response starts the next wait.
  tab.pass = async () => {
    const before = await tab.count("HEAD");
    for (let passed = 0; (await tab.count("HEAD")) === before; passed += 250) {
      assert.ok(passed <= STOPPED_AT_MS + 1_000, "it does not ask");
      await page.clock.runFor(250);
    }
  };
  return tab;
};

// Asserts that nothing else happens, even after a long time.
const ended = async (tab) => {
  assert.equal(await tab.box.isVisible(), false, "nothing to stop any more");
  const before = tab.requests.length;
  await tab.page.clock.fastForward(LONG_MS);
  await tab.settle();
  assert.equal(tab.requests.length, before, "no request after the end");
};

await run({
  "reloads exactly once, and not before the hint": async (browser) => {
    const tab = await visit(browser, "back");
    assert.ok(tab.hint >= 20_000, `the hint of the server: ${tab.hint}`);
    assert.equal(await tab.box.isVisible(), true);
    assert.match(await tab.box.locator("span").innerText(), /^0:\d\d$/);
    assert.equal(await tab.outcome.innerText(), "");
    await mend("back");
    await tab.almost();
    assert.equal(await tab.count("HEAD"), 0, "a request before the hint was due");
    await tab.pass();
    await until("the site is back", () => fine(tab));
    assert.equal(tab.page.url(), `${facts.page}/back/?a=1#part`);
    await tab.page.clock.fastForward(LONG_MS);
    await tab.settle();
    assert.deepEqual(tab.requests, ["GET", "HEAD", "GET"]);
    assert.equal(await upstream("back"), 3);
    await tab.close();
  },

  "reloads by the real clock": async (browser) => {
    const tab = await Tab.open(browser);
    await fail("real");
    const begun = Date.now();
    await tab.page.goto(`${facts.quick}/real/`, { waitUntil: "commit" });
    await mend("real");
    const hint = Number(await tab.page.locator("main").getAttribute("data-retry-after-ms"));
    const probe = await tab.page.waitForRequest((request) => request.method() === "HEAD");
    assert.ok(Date.now() - begun >= hint, "a request before the hint was due");
    assert.equal(new URL(probe.url()).pathname, "/real/");
    await until("the site is back", () => fine(tab));
    assert.deepEqual(tab.requests, ["GET", "HEAD", "GET"]);
    await tab.close();
  },

  "Stop ends the retries": async (browser) => {
    const tab = await visit(browser, "stop");
    await mend("stop");
    await tab.box.getByRole("button", { name: "Stop" }).press("Enter");
    await tab.says("Stopped");
    const focused = await tab.page.evaluate(() => document.activeElement.textContent);
    assert.equal(focused, "Try again", "the focus is led on");
    await ended(tab);
    assert.deepEqual(tab.requests, ["GET"]);
    await tab.page.keyboard.press("Enter");
    await until("the visitor is back", () => fine(tab));
    await tab.close();
  },

  "Stop ends the retries during a probe": async (browser) => {
    const tab = await visit(browser, "late");
    let release;
    const held = new Promise((resolve) => (release = resolve));
    await tab.page.route("**/late/**", async (route) => {
      await held;
      await route.continue();
    });
    await mend("late");
    await tab.almost();
    await tab.pass();
    await tab.box.getByRole("button").click();
    const answered = tab.page.waitForResponse((response) => response.request().method() === "HEAD");
    release();
    await answered;
    await ended(tab);
    assert.deepEqual(tab.requests, ["GET", "HEAD"]);
    await tab.close();
  },

  "follows a new hint, backs off, and gives up": async (browser) => {
    const tab = await visit(browser, "down", { listener: "three" });
    await tab.almost();
    await tab.pass();
    for (const [attempts, least, most] of [
      [2, 20, 40],
      // The response to attempt 2 has a hint of a minute, which exceeds the cap.
      [3, 60, 80],
    ]) {
      await until("it waits again", async () => {
        await tab.page.clock.runFor(250);
        return (await tab.box.locator("span").innerText()) !== "0:00";
      });
      await ask({ set: "down", to: "busy" });
      let waited = 0;
      for (; (await tab.count("HEAD")) < attempts; waited++) {
        assert.ok(waited <= most + 2, `it has not asked for ${waited} s`);
        await tab.page.clock.runFor(1_000);
      }
      // Full jitter, but not before the hint of the last response.
      assert.ok(waited >= least - 1, `it asked after ${waited} s`);
    }
    await tab.says("still not back");
    await ended(tab);
    assert.equal(await upstream("down"), 4);
    await tab.close();
  },

  "never repeats a POST": async (browser) => {
    await fail("pay");
    const post = await Tab.open(browser);
    await ask({ set: "shop", to: `<form method="post" action="/pay/"><button name="sum" value="12">Pay</button></form>` });
    await post.page.clock.install({ time: 0 });
    await post.page.goto(`${facts.page}/shop/`);
    await post.page.getByRole("button", { name: "Pay" }).click();
    await post.page.getByText("may or may not have been processed").waitFor();
    assert.equal(await post.page.locator("script, #auto, a[href='']").count(), 0);
    await mend("pay");
    await post.page.clock.fastForward(LONG_MS);
    assert.deepEqual(post.requests, ["GET", "POST"]);
    assert.equal(await upstream("pay"), 1);
    await post.close();
  },

  // In headless Chromium every tab is visible: `document.hidden` stays false behind another tab, in a
  // minimized window, frozen, and without Playwright's emulation of focus. So the case sets it.
  "waits while the tab is hidden": async (browser) => {
    const setup = (page) =>
      page.addInitScript(() => Object.defineProperty(document, "hidden", { get: () => window.inTheBack === true }));
    const tab = await visit(browser, "hidden", { setup });
    await tab.page.evaluate(() => (window.inTheBack = true));
    await mend("hidden");
    await tab.page.clock.fastForward(LONG_MS);
    assert.equal(await tab.count("HEAD"), 0);
    await tab.page.evaluate(() => (window.inTheBack = false));
    await tab.page.clock.runFor(500);
    await until("the site is back", () => fine(tab));
    assert.deepEqual(tab.requests, ["GET", "HEAD", "GET"]);
    await tab.close();
  },

  "waits while the browser is offline, and shows that": async (browser) => {
    const tab = await visit(browser, "offline");
    await mend("offline");
    await tab.context.setOffline(true);
    await tab.page.clock.fastForward(LONG_MS);
    await tab.says("You are offline");
    assert.deepEqual(tab.requests, ["GET"]);
    await tab.context.setOffline(false);
    await tab.page.clock.runFor(500);
    await until("the site is back", () => fine(tab));
    assert.deepEqual(tab.requests, ["GET", "HEAD", "GET"]);
    await tab.close();
  },

  "continues after a probe without a response": async (browser) => {
    const tab = await visit(browser, "lost");
    tab.expected = [/net::ERR_FAILED/];
    await tab.page.route("**/lost/**", (route) => route.abort());
    await tab.almost();
    await tab.pass();
    await tab.page.unroute("**/lost/**");
    await mend("lost");
    await tab.page.clock.runFor(19_000);
    assert.equal(await tab.count("HEAD"), 1, "the old hint is still the floor");
    await tab.page.clock.fastForward(LONG_MS);
    await until("the site is back", () => fine(tab));
    assert.deepEqual(tab.requests, ["GET", "HEAD", "HEAD", "GET"]);
    await tab.close();
  },

  "follows a redirect of a probe": async (browser) => {
    const tab = await visit(browser, "moved");
    await ask({ set: "moved", to: "redirect" });
    await tab.almost();
    await tab.pass();
    await until("the site is back", () => fine(tab));
    assert.equal(tab.page.url(), `${facts.page}/elsewhere/#part`);
    await tab.close();
  },

  "limits the reloads of a page that fails although probes succeed": async (browser) => {
    const tab = await visit(browser, "loop", { listener: "three" });
    await tab.page.route("**/loop/**", (route) =>
      route.request().method() === "HEAD" ? route.fulfill({ status: 200 }) : route.continue(),
    );
    for (let reloads = 1; reloads <= 3; reloads++) {
      // The back-off continues over reloads, up to the cap of 40 s.
      for (let waited = 0; waited < 44 && (await tab.count("GET")) === reloads; waited += 4) {
        await tab.page.clock.runFor(4_000);
      }
      await until(`reload ${reloads}`, async () => (await tab.count("GET")) === reloads + 1);
    }
    await tab.says("still not back");
    await ended(tab);
    assert.deepEqual(tab.requests, ["GET", "HEAD", "GET", "HEAD", "GET", "HEAD", "GET"]);
    await tab.close();
  },

  "reloads once without session storage": async (browser) => {
    // By the real clock, since a clock set by the test has no history of loads.
    const tab = await Tab.open(browser);
    await fail("denied");
    await tab.page.addInitScript(() => {
      const get = () => {
        throw new DOMException("denied", "SecurityError");
      };
      Object.defineProperty(window, "sessionStorage", { get });
    });
    await tab.page.route("**/denied/**", (route) =>
      route.request().method() === "HEAD" ? route.fulfill({ status: 200 }) : route.continue(),
    );
    await tab.page.goto(`${facts.quick}/denied/`);
    await until("it gave up", async () => (await tab.page.locator("#outcome").innerText()).includes("still not back"));
    assert.equal(await tab.page.locator("#auto").isVisible(), false);
    assert.equal(await tab.count("GET"), 2);
    assert.deepEqual(tab.requests, ["GET", "HEAD", "GET"]);
    await tab.close();
  },

  "is complete without scripts": async (browser) => {
    const tab = await Tab.open(browser, { javaScriptEnabled: false });
    await fail("plain");
    await tab.page.goto(`${facts.page}/plain/`);
    const text = await tab.page.locator("main").innerText();
    for (const part of ["We’re not available right now", "The problem is on our side", "Try again", "Request ID"]) {
      assert.ok(text.includes(part), `${part} in ${text}`);
    }
    assert.ok(!text.includes("Stop"), "nothing that only a script can do");
    await mend("plain");
    await tab.page.getByRole("link", { name: "Try again" }).click();
    await tab.page.getByText("the upstream is fine").waitFor();
    assert.deepEqual(tab.requests, ["GET", "GET"]);
    await tab.close();
  },

  "does nothing by itself if the configuration disables it": async (browser) => {
    const tab = await visit(browser, "still", { listener: "still" });
    assert.equal(await tab.page.locator("script, #auto").count(), 0);
    await mend("still");
    await tab.page.clock.fastForward(LONG_MS);
    assert.deepEqual(tab.requests, ["GET"]);
    assert.equal(await upstream("still"), 1);
    await tab.close();
  },

  "a violation of the policy is reported": async (browser) => {
    const tab = await visit(browser, "breach");
    await tab.page.evaluate(() => {
      const script = document.createElement("script");
      script.textContent = "window.injected = true";
      document.body.append(script);
    });
    assert.equal(await tab.page.evaluate(() => window.injected), undefined);
    await until("it is seen", () => tab.complaints.some((text) => text.includes("Content Security Policy")));
    await assert.rejects(tab.close());
  },
});
