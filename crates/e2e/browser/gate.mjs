// The page at the gate of a circuit that is not closed: the filter answers its check-ins.
import assert from "node:assert/strict";
import { ask, run, until } from "./harness.mjs";
import { LONG_MS, ended, fine, visit as visitPage } from "./visit.mjs";

const path = (name) => `/${name}/?a=1`;
const tell = (name, get) => ask({ checkIns: path(name), get });
const checkIns = (name) => ask({ count: path(name) });
const loads = (name) => ask({ count: name });
// What the check-ins are told: see `check_in` of the test.
const AFTER_MS = 5_000;
const CROWD = "Many people are waiting right now. We are letting them in step by step.";

// Opens the page of a gate ("wait", "crowd"), or of a failing upstream (null).
const visit = async (browser, name, gate, get) => {
  await ask({ page: name, gate });
  await tell(name, get);
  return visitPage(browser, name);
};

await run({
  "a 204 at the gate leads to exactly one reload": async (browser) => {
    const tab = await visit(browser, "admitted", "wait", "wait");
    assert.equal(await tab.box.getAttribute("data-gate"), "wait");
    await tab.almost();
    await tab.pass();
    await tab.answered(1);
    await tell("admitted", "admitted");
    await ask({ set: "admitted", to: "fine" });
    await tab.waits(AFTER_MS);
    await until("the site is back", () => fine(tab));
    await tab.page.clock.fastForward(LONG_MS);
    await tab.settle();
    assert.deepEqual(tab.requests, ["GET", "HEAD", "HEAD", "GET"]);
    assert.equal(await checkIns("admitted"), 2);
    assert.equal(await loads("admitted"), 2);
    const [pass] = await tab.context.cookies();
    assert.equal(pass.name, "tidegate_pass_site");
    assert.equal(new URL(tab.page.url()).hash, "#part");
    await tab.close();
  },

  "check-ins that the gate rejects do not count as attempts": async (browser) => {
    // A page gives up after three attempts.
    const tab = await visit(browser, "patient", "wait", "wait");
    await tab.almost();
    await tab.pass();
    let number = 1;
    for (; number < 8; number++) {
      await tab.answered(number);
      await tab.waits(AFTER_MS);
    }
    assert.equal(await tab.box.isVisible(), true);
    // The circuit closes, and the upstream fails.
    await tell("patient", null);
    await tab.answered(number);
    for (let attempt = 1; attempt <= 3; attempt++) {
      assert.equal(await tab.outcome.innerText(), "");
      await tab.waits(AFTER_MS);
      await tab.answered(++number);
    }
    await tab.says("still not back");
    await ended(tab);
    assert.equal(await checkIns("patient"), 11);
    assert.equal(await loads("patient"), 1);
    await tab.close();
  },

  "attempts count where there is no gate": async (browser) => {
    const tab = await visit(browser, "failing", null, null);
    assert.equal(await tab.box.getAttribute("data-gate"), null);
    await tab.almost();
    await tab.pass();
    await tab.answered(1);
    await tab.waits(AFTER_MS);
    // One check-in at a gate in between does not count.
    await tab.answered(2);
    await tell("failing", "wait");
    await tab.waits(AFTER_MS);
    await tab.answered(3);
    await tell("failing", null);
    await tab.waits(AFTER_MS);
    await tab.says("still not back");
    await ended(tab);
    assert.equal(await checkIns("failing"), 4);
    await tab.close();
  },

  "the page says that many wait, for as long as they do": async (browser) => {
    const tab = await visit(browser, "crowd", "crowd", "crowd");
    assert.equal(await tab.outcome.innerText(), CROWD);
    assert.equal(await tab.outcome.getAttribute("role"), "status");
    await tab.almost();
    await tab.pass();
    let number = 0;
    for (const [next, now] of [["wait", CROWD], ["crowd", ""], [null, CROWD], ["crowd", ""]]) {
      await tab.answered(++number);
      await tell("crowd", next);
      await tab.page.clock.runFor(1_000);
      assert.equal(await tab.outcome.innerText(), now);
      await tab.waits(AFTER_MS - 1_000);
    }
    await tab.answered(++number);
    await tab.page.clock.runFor(1_000);
    assert.equal(await tab.outcome.innerText(), CROWD);
    await tab.box.getByRole("button").click();
    await tab.says("Stopped");
    await ended(tab);
    await tab.close();
  },

  "limits the reloads of a page that fails whenever it is let in": async (browser) => {
    const tab = await visit(browser, "again", "crowd", "admitted");
    for (let reloads = 1; reloads <= 3; reloads++) {
      for (let waited = 0; waited < 22 && (await tab.count("GET")) === reloads; waited += 2) {
        await tab.page.clock.runFor(2_000);
      }
      await until(`reload ${reloads}`, async () => (await tab.count("GET")) === reloads + 1);
    }
    await tab.says("still not back");
    await ended(tab);
    assert.deepEqual(tab.requests, ["GET", "HEAD", "GET", "HEAD", "GET", "HEAD", "GET"]);
    await tab.close();
  },
});
