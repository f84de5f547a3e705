// The page on a real Envoy: when it retries by itself, and when it must not.
import assert from "node:assert/strict";
import { Tab, ask, facts, run, until } from "./harness.mjs";
import { LONG_MS, clockShows, ended, fine, visit as visitPage } from "./visit.mjs";

const fail = (name) => ask({ set: name, to: "fail" });
const mend = (name) => ask({ set: name, to: "fine" });
const upstream = (name) => ask({ count: name });

// Opens a failing page in a tab with a stopped clock.
const visit = async (browser, name, options) => {
  await fail(name);
  return visitPage(browser, name, options);
};

// A time in words, as in the page's sentence of when to come back.
const IN_WORDS = /\bin (a few|about|an?) /;

// Returns how often a page reloads that fails although its check-ins succeed.
const reloads = async (browser, name, listener) => {
  const tab = await visit(browser, name, { listener });
  await tab.page.route(`**/${name}/**`, (route) =>
    route.request().method() === "HEAD" ? route.fulfill({ status: 200 }) : route.continue(),
  );
  let loads = 1;
  const seen = () => tab.count("GET");
  for (let waited = 0; waited < 44; waited += 4) {
    await tab.page.clock.runFor(4_000);
    if ((await tab.count("HEAD")) === loads) {
      await until(`reload ${loads}`, async () => (await seen()) === loads + 1);
      loads++;
      waited = 0;
    }
  }
  await tab.says("still not back");
  await ended(tab);
  assert.deepEqual(tab.requests, ["GET", ...Array(loads - 1).fill(["HEAD", "GET"]).flat()]);
  await tab.close();
  return loads - 1;
};

await run({
  "reloads exactly once, and not before the hint": async (browser) => {
    const tab = await visit(browser, "back");
    assert.ok(tab.hint >= 12_000, `the hint of the server: ${tab.hint}`);
    assert.equal(await tab.box.isVisible(), true);
    assert.match(await tab.clock.innerText(), /^0:\d\d$/);
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
    const hint = Number(await tab.page.locator("#auto").getAttribute("data-retry-after-ms"));
    const probe = await tab.page.waitForRequest((request) => request.method() === "HEAD");
    assert.ok(Date.now() - begun >= hint, "a request before the hint was due");
    assert.equal(new URL(probe.url()).pathname, "/real/");
    await until("the site is back", () => fine(tab));
    assert.deepEqual(tab.requests, ["GET", "HEAD", "GET"]);
    await tab.close();
  },

  "Stop ends the retries, and the same button resumes them": async (browser) => {
    const tab = await visit(browser, "stop");
    await mend("stop");
    await tab.box.getByRole("button", { name: "Stop" }).press("Enter");
    await tab.says("Stopped");
    assert.equal(await tab.box.getByText("This page checks").isVisible(), false);
    await ended(tab);
    assert.deepEqual(tab.requests, ["GET"]);
    const focused = await tab.page.evaluate(() => document.activeElement.textContent);
    assert.equal(focused, "Keep checking", "the focus stays");
    await tab.page.keyboard.press("Enter");
    await until("the site is back", () => fine(tab));
    assert.deepEqual(tab.requests, ["GET", "HEAD", "GET"]);
    await tab.close();
  },

  "a visitor can resume after the page has given up": async (browser) => {
    const tab = await visit(browser, "patient", { listener: "three" });
    await tab.almost();
    await tab.pass();
    for (let attempt = 1; attempt <= 2; attempt++) {
      await tab.answered(attempt);
      await tab.waits(tab.told());
    }
    await tab.says("still not back");
    await ended(tab);
    await mend("patient");
    await tab.box.getByRole("button").click();
    await until("the site is back", () => fine(tab));
    assert.deepEqual(tab.requests, ["GET", ...Array(4).fill("HEAD"), "GET"]);
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

  "waits as long as each response says, and gives up": async (browser) => {
    const tab = await visit(browser, "down", { listener: "three" });
    await tab.almost();
    await tab.pass();
    await tab.answered(1);
    await ask({ set: "down", to: "busy" });
    await tab.waits(tab.told());
    // The upstream says a minute, which exceeds the cap of 40 s.
    await tab.answered(2);
    assert.ok(tab.told() >= 60_000, `the hint of the upstream: ${tab.told()}`);
    await tab.waits(tab.told());
    await tab.says("still not back");
    await ended(tab);
    assert.equal(await upstream("down"), 4);
    await tab.close();
  },

  "only the clock says when, and it is right": async (browser) => {
    const tab = await visit(browser, "clock");
    const text = () => tab.page.locator("main").innerText();
    assert.match(await tab.page.content(), IN_WORDS, "the page has a sentence");
    const look = async (left) => {
      await clockShows(tab, left);
      assert.doesNotMatch(await text(), IN_WORDS);
    };
    assert.doesNotMatch(await text(), IN_WORDS);
    await tab.almost();
    assert.doesNotMatch(await text(), IN_WORDS);
    await tab.pass();
    for (const [number, to] of [[1, "busy"], [2, "fail"], [3, "fail"]]) {
      await tab.answered(number);
      await ask({ set: "clock", to });
      await tab.waits(tab.told(), look);
      assert.doesNotMatch(await text(), IN_WORDS);
    }
    await tab.close();
  },

  "the clock shows the hours of a long wait": async (browser) => {
    await ask({ set: "hours", to: "away" });
    const tab = await visitPage(browser, "hours");
    assert.ok(tab.hint >= 2 * LONG_MS, `the hint of the upstream: ${tab.hint}`);
    assert.match(await tab.clock.innerText(), /^1:59:\d\d$/);
    await tab.page.clock.fastForward(LONG_MS);
    assert.match(await tab.clock.innerText(), /^59:\d\d$/);
    assert.equal(await tab.count("HEAD"), 0);
    await tab.close();
  },

  "after a network error, the wait doubles up to the cap, and the clock says so": async (browser) => {
    const tab = await visit(browser, "cut");
    tab.expected = [/net::ERR_CONNECTION_RESET/];
    await tab.page.route("**/cut/**", (route) => route.abort("connectionreset"));
    await tab.almost();
    await tab.pass();
    const cap = 120_000;
    let number = 1;
    for (let wait = tab.hint; wait < cap; number++) {
      await tab.answered(number);
      wait = Math.min(2 * wait, cap);
      await tab.waits(wait, (left) => clockShows(tab, left));
    }
    // Then the network is back, and the next response says how long to wait.
    await tab.answered(number);
    await tab.page.unroute("**/cut/**");
    await tab.waits(cap);
    await tab.answered(number + 1);
    assert.ok(tab.told() < cap, `the hint of the server: ${tab.told()}`);
    await tab.waits(tab.told(), (left) => clockShows(tab, left));
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

  "waits while the browser is offline, and shows that": async (browser) => {
    const tab = await visit(browser, "offline");
    tab.expected = [/net::ERR_INTERNET_DISCONNECTED/];
    await mend("offline");
    await tab.context.setOffline(true);
    await tab.page.clock.fastForward(LONG_MS);
    await tab.says("You seem to be offline");
    // The browser may be wrong. More attempts than the page has are none.
    const most = 12;
    for (let number = 1; number < most; number++) {
      await tab.answered(number);
      await tab.page.clock.runFor(29_000);
      assert.equal(await tab.count("HEAD"), number, "an attempt within 30 s");
      await tab.pass();
    }
    await tab.answered(most);
    await tab.says("You seem to be offline");
    await tab.context.setOffline(false);
    await tab.page.clock.runFor(500);
    await until("the site is back", () => fine(tab));
    assert.deepEqual(tab.requests, ["GET", ...Array(most + 1).fill("HEAD"), "GET"]);
    await tab.close();
  },

  "comes back although the browser calls itself offline": async (browser) => {
    const setup = (page) =>
      page.addInitScript(() => Object.defineProperty(navigator, "onLine", { get: () => false }));
    const tab = await visit(browser, "wrong", { setup });
    await tab.says("You seem to be offline");
    await tab.page.clock.runFor(24_000);
    assert.equal(await tab.count("HEAD"), 0);
    await tab.pass();
    await tab.answered(1);
    // An answer shows that there is a network.
    await mend("wrong");
    await tab.waits(tab.told(), (left) => clockShows(tab, left));
    await until("the site is back", () => fine(tab));
    assert.deepEqual(tab.requests, ["GET", "HEAD", "HEAD", "GET"]);
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
    await tab.answered(1);
    await tab.waits(2 * tab.hint);
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
    const most = await reloads(browser, "loop", "three");
    assert.equal(most, 3, "the limit of attempts");
  },

  "reloads at most ten times": async (browser) => {
    const most = await reloads(browser, "endless", "page");
    assert.equal(most, 10);
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
    assert.equal(await tab.page.locator("#auto button").innerText(), "Keep checking");
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
