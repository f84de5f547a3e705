// Sites that do not answer HEAD as they answer GET: the upstream has a behaviour of its own for check-ins.
import assert from "node:assert/strict";
import { ask, run, until } from "./harness.mjs";
import { clockShows, ended, fine, visit as visitPage } from "./visit.mjs";

const CAP_MS = 120_000;

const visit = async (browser, name, head, options) => {
  await ask({ set: name, to: "fail" });
  await ask({ set: `/${name}/?a=1`, to: head });
  const tab = await visitPage(browser, name, options);
  let fetched = 0;
  tab.page.on("response", (response) => {
    const request = response.request();
    if (request.method() === "GET" && !request.isNavigationRequest()) fetched++;
  });
  // Waits until the page knows how it was answered: after HEAD, it has asked by GET.
  tab.askedTwice = async (number) => {
    await tab.answered(number);
    await until(`GET ${number} was answered`, () => fetched === number);
    await tab.settle();
  };
  return tab;
};

const comesBack = (status) => async (browser) => {
  const tab = await visit(browser, `back-${status}`, status);
  await tab.almost();
  await tab.pass();
  await tab.askedTwice(1);
  await ask({ set: `back-${status}`, to: "fine" });
  await tab.waits(2 * tab.hint, (left) => clockShows(tab, left));
  await until("the site is back", () => fine(tab));
  // The last one is the reload.
  assert.deepEqual(tab.requests, ["GET", "HEAD", "GET", "HEAD", "GET", "GET"]);
  await tab.close();
};

const neverReloads = (status) => async (browser) => {
  const tab = await visit(browser, `down-${status}`, status);
  await tab.almost();
  await tab.pass();
  let wait = tab.hint;
  for (let number = 1; number < 10; number++) {
    await tab.askedTwice(number);
    wait = Math.min(2 * wait, CAP_MS);
    await tab.waits(wait);
  }
  await tab.says("still not back");
  await ended(tab);
  assert.deepEqual(tab.requests, ["GET", ...Array(10).fill(["HEAD", "GET"]).flat()], "no reload");
  await tab.close();
};

await run({
  "a site that does not implement HEAD (501) is back when GET succeeds": comesBack("501"),
  "a site that does not allow HEAD (405) is back when GET succeeds": comesBack("405"),
  "a site without a route for HEAD (404) is back when GET succeeds": comesBack("404"),
  "a page is not reloaded while GET fails, though HEAD is 405": neverReloads("405"),
  "a page is not reloaded while GET fails, though HEAD is 404": neverReloads("404"),

  "a marked page for HEAD of a site that is alive does not keep the visitor away": async (browser) => {
    // The filter replaces all client errors here, of check-ins too.
    const tab = await visit(browser, "marked", "404", { listener: "every" });
    // The page at the end has no script, so its policy allows no requests, not even those of the test.
    tab.expected = [/\/sentinel/];
    await tab.almost();
    await tab.pass();
    await tab.askedTwice(1);
    await ask({ set: "marked", to: "404" });
    await tab.waits(2 * tab.hint);
    await tab.page.getByText("We can’t find that page").waitFor();
    assert.equal(await tab.page.locator("script, #auto").count(), 0);
    assert.deepEqual(tab.requests, ["GET", "HEAD", "GET", "HEAD", "GET", "GET"]);
    await tab.close();
  },

  "a limit on check-ins is waited for": async (browser) => {
    const tab = await visit(browser, "limited", "limited");
    await tab.almost();
    await tab.pass();
    await tab.answered(1);
    assert.equal(tab.told(), 30_000);
    await ask({ set: "limited", to: "fine" });
    await ask({ set: "/limited/?a=1", to: "fine" });
    await tab.waits(30_000, (left) => clockShows(tab, left));
    await until("the site is back", () => fine(tab));
    assert.deepEqual(tab.requests, ["GET", "HEAD", "HEAD", "GET"]);
    await tab.close();
  },

  "a HEAD without an answer ends after 30 s, and is repeated later": async (browser) => {
    // By the clock of the test.
    const setup = (page) =>
      page.addInitScript(() => {
        AbortSignal.timeout = (ms) => {
          const controller = new AbortController();
          setTimeout(() => controller.abort(new DOMException("", "TimeoutError")), ms);
          return controller.signal;
        };
      });
    const tab = await visit(browser, "hang", "hang", { setup });
    await tab.almost();
    await tab.pass();
    await tab.page.clock.runFor(29_000);
    assert.deepEqual(tab.requests, ["GET", "HEAD"]);
    await ask({ set: "hang", to: "fine" });
    await ask({ set: "/hang/?a=1", to: "fine" });
    await tab.page.clock.runFor(1_000);
    await tab.answered(1);
    await tab.waits(2 * tab.hint);
    await until("the site is back", () => fine(tab));
    assert.deepEqual(tab.requests, ["GET", "HEAD", "HEAD", "GET"]);
    await tab.close();
  },
}, { atOnce: 4 });
