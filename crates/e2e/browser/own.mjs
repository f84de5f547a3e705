// The page that `tidegate init` makes, on a real Envoy: it comes back by itself as the built-in page does.
import assert from "node:assert/strict";
import { Tab, ask, facts, run, until } from "./harness.mjs";
import { LONG_MS, clockShows, ended, fine, visit as visitPage } from "./visit.mjs";

const mend = (name) => ask({ set: name, to: "fine" });
const visit = async (browser, name, options) => {
  await ask({ set: name, to: "fail" });
  return visitPage(browser, name, { listener: "own", ...options });
};

await run({
  "comes back by itself, exactly once": async (browser) => {
    const tab = await visit(browser, "back");
    assert.equal(await tab.box.isVisible(), true);
    assert.equal(await tab.page.locator(".hint").first().isVisible(), false, "the clock says when");
    await tab.almost();
    await tab.pass();
    await tab.answered(1);
    await mend("back");
    await tab.waits(tab.told(), (left) => clockShows(tab, left));
    await until("the site is back", () => fine(tab));
    await tab.page.clock.fastForward(LONG_MS);
    await tab.settle();
    assert.deepEqual(tab.requests, ["GET", "HEAD", "HEAD", "GET"]);
    await tab.close();
  },

  "can be stopped and resumed": async (browser) => {
    const tab = await visit(browser, "stop");
    await mend("stop");
    await tab.box.getByRole("button", { name: "Stop checking" }).click();
    await tab.says("Stopped");
    await ended(tab);
    await tab.box.getByRole("button", { name: "Keep checking" }).click();
    await until("the site is back", () => fine(tab));
    assert.deepEqual(tab.requests, ["GET", "HEAD", "GET"]);
    await tab.close();
  },

  "never repeats a POST": async (browser) => {
    await ask({ set: "pay", to: "fail" });
    await ask({ set: "form", to: `<form method="post" action="/pay/"><button>Pay</button></form>` });
    const post = await Tab.open(browser);
    await post.page.clock.install({ time: 0 });
    await post.page.goto(`${facts.own}/form/`);
    await post.page.getByRole("button").click();
    await post.page.getByText("may or may not have been processed").waitFor();
    assert.equal(await post.page.locator("script, #auto, a[href='']").count(), 0);
    await mend("pay");
    await post.page.clock.fastForward(LONG_MS);
    assert.deepEqual(post.requests, ["GET", "POST"]);
    await post.close();
  },

  "fits into 320 px in every language": async (browser) => {
    await ask({ set: "narrow", to: "fail" });
    const tab = await Tab.open(browser, { viewport: { width: 320, height: 640 } });
    for (const lang of facts.languages) {
      await tab.page.setExtraHTTPHeaders({ "accept-language": lang });
      for (const listener of ["own", "long"]) {
        await tab.page.goto(`${facts[listener]}/narrow/`);
        const [needed, there, seen] = await tab.page.evaluate(() => {
          const { scrollWidth, clientWidth, lang } = document.documentElement;
          return [scrollWidth, clientWidth, lang];
        });
        assert.equal(seen, lang);
        assert.ok(needed <= there, `${lang} ${listener} needs ${needed} px`);
      }
    }
    await tab.close();
  },

  "shows a drawing, a picture or else the name": async (browser) => {
    await ask({ set: "logo", to: "fail" });
    const tab = await Tab.open(browser);
    for (const [listener, shown] of [
      ["own", ".brand svg"],
      ["picture", ".brand img"],
      ["named", ".brand:text-is('Harbour Coffee')"],
    ]) {
      await tab.page.goto(`${facts[listener]}/logo/`);
      const { width, height } = await tab.page.locator(shown).boundingBox();
      assert.ok(width >= 24 && height >= 24, `${listener}: ${width} by ${height}`);
    }
    await tab.close();
  },
});
