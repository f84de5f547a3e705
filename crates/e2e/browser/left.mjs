// The page in an application that navigates without loading documents: the script must not outlive its page.
import assert from "node:assert/strict";
import { ask, facts, run, until } from "./harness.mjs";
import { LONG_MS, fine, visit as visitPage } from "./visit.mjs";

const FORM = `<form><input aria-label="Comment"></form>`;

// A small stand-in for Turbo, Swup and the like: it fetches a page, replaces head and body, and runs the
// scripts. Applications set the address before or after that.
const APPLICATION = (setsAddressFirst) => {
  window.visit = async (url) => {
    const response = await fetch(url, { headers: { accept: "text/html" } });
    const next = new DOMParser().parseFromString(await response.text(), "text/html");
    if (setsAddressFirst) history.pushState({}, "", url);
    document.head.replaceWith(document.adoptNode(next.head));
    document.body.replaceWith(document.adoptNode(next.body));
    for (const old of document.querySelectorAll("script")) {
      const script = document.createElement("script");
      script.textContent = old.textContent;
      old.replaceWith(script);
    }
    if (!setsAddressFirst) history.pushState({}, "", url);
  };
};

const follow = (tab, path) => tab.page.evaluate((url) => window.visit(url), path);

// Opens a page of an application, and follows its link to a page that fails.
const enter = async (browser, name, setsAddressFirst = true) => {
  await ask({ set: `${name}-start`, to: "<p>the start of the application</p>" });
  await ask({ set: `${name}-form`, to: FORM });
  await ask({ set: name, to: "fail" });
  const setup = (page) => page.addInitScript(APPLICATION, setsAddressFirst);
  const tab = await visitPage(browser, `${name}-start`, { setup, isPage: false });
  await follow(tab, `/${name}/`);
  await tab.page.clock.runFor(200);
  tab.hint = Number(await tab.box.getAttribute("data-retry-after-ms"));
  assert.equal(await tab.box.isVisible(), true);
  assert.match(await tab.clock.innerText(), /^0:\d\d$/);
  assert.equal(await tab.page.locator(".hint").first().isVisible(), false, "only the clock says when");
  return tab;
};

// Asserts that nothing happens on the next page, however long a visitor stays, and whatever is pressed.
const stays = async (tab, path) => {
  const input = tab.page.getByLabel("Comment");
  await input.fill("what I have to say");
  const before = tab.requests.length;
  await tab.page.clock.runFor(60_000);
  await tab.page.clock.fastForward(LONG_MS);
  await tab.page.evaluate(() => document.dispatchEvent(new Event("visibilitychange", { bubbles: true })));
  await tab.settle();
  assert.equal(tab.requests.length, before, `requests of a page that was left: ${tab.requests}`);
  assert.equal(await input.inputValue(), "what I have to say");
  assert.equal(new URL(tab.page.url()).pathname, path);
};

await run({
  "a page that an application replaces does nothing on the next one": async (browser) => {
    const tab = await enter(browser, "turbo");
    await follow(tab, "/turbo-form/");
    await stays(tab, "/turbo-form/");
    assert.deepEqual(tab.requests, ["GET", "GET", "GET"]);
    await tab.close();
  },

  "an application may set the address after it runs the script": async (browser) => {
    const tab = await enter(browser, "late", false);
    await ask({ set: "late", to: "fine" });
    for (let waited = 0; waited < tab.hint + 1_000; waited += 500) await tab.page.clock.runFor(500);
    await until("the site is back", () => fine(tab));
    assert.deepEqual(tab.requests, ["GET", "GET", "HEAD", "GET"]);
    assert.equal(new URL(tab.page.url()).pathname, "/late/");
    await tab.close();
  },

  "a page that is left during a check-in does not reload the next one": async (browser) => {
    const tab = await enter(browser, "held");
    let release;
    const held = new Promise((resolve) => (release = resolve));
    await tab.page.route("**/held/**", async (route) => {
      await held;
      await route.continue();
    });
    for (let waited = 0; (await tab.count("HEAD")) === 0 && waited < 25_000; waited += 500) {
      await tab.page.clock.runFor(500);
    }
    await ask({ set: "held", to: "fine" });
    await follow(tab, "/held-form/");
    const answered = tab.page.waitForResponse((response) => response.request().method() === "HEAD");
    release();
    await answered;
    await tab.settle();
    await stays(tab, "/held-form/");
    assert.deepEqual(tab.requests, ["GET", "GET", "HEAD", "GET"]);
    await tab.close();
  },

  "a page whose elements are replaced at the same address does nothing": async (browser) => {
    const tab = await enter(browser, "morph");
    await tab.page.evaluate((form) => (document.querySelector("main").innerHTML = form), FORM);
    await stays(tab, "/morph/");
    await tab.close();
  },

  "a page whose address is set to another one asks nothing, until the visitor wants it": async (browser) => {
    const tab = await enter(browser, "push");
    await tab.page.evaluate((form) => {
      history.pushState({}, "", "/push-form/");
      document.querySelector("main").insertAdjacentHTML("afterbegin", form);
    }, FORM);
    await stays(tab, "/push-form/");
    assert.equal(await tab.clock.innerText(), "");
    const isCheckIn = (request) => request.method() === "HEAD" && request.url().endsWith("/push-form/");
    const asked = tab.page.waitForRequest(isCheckIn);
    await tab.box.getByRole("button", { name: "Keep checking" }).click();
    await asked;
    await tab.close();
  },

  "a link to a part of the page changes nothing": async (browser) => {
    const tab = await enter(browser, "part");
    await tab.page.evaluate(() => (location.hash = "main"));
    await ask({ set: "part", to: "fine" });
    for (let waited = 0; waited < tab.hint + 1_000; waited += 500) await tab.page.clock.runFor(500);
    await until("the site is back", () => fine(tab));
    assert.equal(tab.page.url(), `${facts.page}/part/#main`);
    await tab.close();
  },
});
