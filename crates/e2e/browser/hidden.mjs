// A page in a tab that is really hidden: another tab of the same window is in front of it.
//
// Playwright makes each of its tabs believe that it is visible and has the focus. So these tabs are
// opened and driven without it, by the DevTools protocol, in a browser that slows hidden tabs down as it
// does for a visitor.
import assert from "node:assert/strict";
import { ask, facts, run, until } from "./harness.mjs";

const PRESENCE = ["hidden", "visibilityState"];
// Longer than the wait of the page. Timers of a hidden tab are up to a second late.
const LONG_MS = 12_000;
// Less than the wait of the page.
const AT_ONCE_MS = 2_000;

// A tab of the window that the first one opens.
class RealTab {
  #waiting = new Map();

  static async open(session, url) {
    const tab = new RealTab();
    tab.session = session;
    const { targetId } = await session.send("Target.createTarget", { url });
    // Without `flatten`, commands and results travel in messages of the browser's session.
    const { sessionId } = await session.send("Target.attachToTarget", { targetId, flatten: false });
    Object.assign(tab, { targetId, sessionId });
    session.on("Target.receivedMessageFromTarget", (event) => {
      if (event.sessionId !== sessionId) return;
      const { id, result } = JSON.parse(event.message);
      tab.#waiting.get(id)?.(result);
    });
    return tab;
  }

  async send(method, params = {}) {
    const id = this.#waiting.size + 1;
    const result = new Promise((resolve) => this.#waiting.set(id, resolve));
    const message = JSON.stringify({ id, method, params });
    await this.session.send("Target.sendMessageToTarget", { sessionId: this.sessionId, message });
    return result;
  }

  async evaluate(expression) {
    const { result } = await this.send("Runtime.evaluate", { expression, returnByValue: true });
    return result.value;
  }

  // Brings the tab in front of the others.
  show() {
    return this.session.send("Target.activateTarget", { targetId: this.targetId });
  }

  close() {
    return this.session.send("Target.closeTarget", { targetId: this.targetId });
  }
}

const cases = {
  "asks nothing while it is hidden, and at once when it is shown": async (browser) => {
    const session = await browser.newBrowserCDPSession();
    const upstream = () => ask({ count: "hidden" });
    await ask({ set: "hidden", to: "fail" });
    const tab = await RealTab.open(session, `${facts.page}/hidden/`);
    await until("the page waits", () => tab.evaluate(`document.getElementById("auto")?.hidden === false`));
    const other = await RealTab.open(session, "about:blank");
    await until("the page is hidden", () => tab.evaluate("document.hidden"));
    assert.equal(await other.evaluate("document.hidden"), false);
    // Chromium says so, and nobody has replaced what it says.
    for (const name of PRESENCE) assert.equal(await tab.evaluate(`Object.hasOwn(document, "${name}")`), false);
    await ask({ set: "hidden", to: "fine" });
    const asked = await upstream();
    const begun = Date.now();
    await until("a long time has passed", () => Date.now() - begun > LONG_MS);
    assert.equal(await tab.evaluate("document.hidden"), true);
    assert.equal(await tab.evaluate(`document.querySelector("#auto span").textContent`), "0:00");
    assert.equal(await upstream(), asked, "a request of a hidden tab");

    await tab.show();
    const shown = Date.now();
    await until("it asks", async () => (await upstream()) > asked);
    assert.ok(Date.now() - shown < AT_ONCE_MS, `it asked ${Date.now() - shown} ms after it was shown`);
    await until("the site is back", () => tab.evaluate(`document.body?.textContent.includes("the upstream is fine")`));
    assert.equal(await tab.evaluate("document.hidden"), false);
    assert.equal(await upstream(), asked + 2, "one check-in and one reload");
    await tab.close();
    await other.close();
    await session.detach();
  },
};

await run(cases, {
  windows: true,
  launch: {
    ignoreDefaultArgs: [
      "--disable-background-timer-throttling",
      "--disable-backgrounding-occluded-windows",
      "--disable-renderer-backgrounding",
    ],
  },
});
