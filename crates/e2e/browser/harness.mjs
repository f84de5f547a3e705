// Shared by the cases: the browser, the connection to the test in Rust (src/client/browser.rs), and
// checks for what no page may cause.
import assert from "node:assert/strict";
import { createRequire } from "node:module";
import { createInterface } from "node:readline";

export const load = createRequire(process.env.TIDEGATE_PACKAGES + "/package.json");
export const facts = JSON.parse(process.env.TIDEGATE_FACTS);

const { chromium } = load("playwright-core");

// Limit for all cases together.
const LIMIT_MS = 480_000;
// Limit for a condition on a busy machine.
const WAIT_MS = 20_000;

const waiting = [];
createInterface({ input: process.stdin }).on("line", (line) => waiting.shift()(JSON.parse(line).reply));

const tell = (message) => process.stdout.write(JSON.stringify(message) + "\n");

// Asks the test in Rust and returns its answer.
export const ask = (question) =>
  new Promise((resolve) => {
    waiting.push(resolve);
    tell(question);
  });

// Errors of Playwright for a page that is being replaced.
const REPLACED = /is navigating|context was destroyed/;

export const until = async (what, condition, limit = WAIT_MS) => {
  const end = Date.now() + limit;
  for (;;) {
    try {
      if (await condition()) return;
    } catch (error) {
      if (!REPLACED.test(error.message)) throw error;
    }
    assert.ok(Date.now() < end, `waited in vain until ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
};

// A tab with its requests and the complaints in its console.
export class Tab {
  // Messages that the case expects, besides that about the failed page itself.
  expected = [];
  requests = [];
  complaints = [];

  static async open(browser, options = {}) {
    const tab = new Tab();
    // The drawing on the page moves, and each frame of it costs processor time.
    tab.context = await browser.newContext({ reducedMotion: "reduce", ...options });
    tab.page = await tab.context.newPage();
    tab.page.setDefaultTimeout(WAIT_MS);
    tab.page.on("request", (request) => {
      if (!request.url().endsWith("/sentinel")) tab.requests.push(request.method());
    });
    tab.page.on("console", (message) => {
      // Chromium reports any document and any probe with an error status as failed to load.
      const status = /^Failed to load resource: the server responded with a status of (4\d\d|5\d\d)/;
      if (["error", "warning"].includes(message.type()) && !status.test(message.text())) {
        tab.complaints.push(message.text());
      }
    });
    tab.page.on("pageerror", (error) => tab.complaints.push(String(error)));
    return tab;
  }

  // Waits until every request that the page has made by now is in the list.
  async settle() {
    const sentinel = () => fetch("/sentinel", { method: "HEAD" }).catch(() => {});
    await until("the page answers", async () => {
      await this.page.evaluate(sentinel);
      return true;
    });
  }

  // Returns the number of requests with a method.
  async count(method) {
    await this.settle();
    return this.requests.filter((one) => one === method).length;
  }

  async close() {
    await this.context.close();
    const unexpected = this.complaints.filter((text) => !this.expected.some((one) => one.test(text)));
    assert.deepEqual(unexpected, [], "the console stays clean");
  }
}

// Runs the cases: functions that get the browser, named by the rule that they check. `atOnce` of them run
// at the same time; `launch` has further options for the start of the browser, and `windows` asks for one that
// has windows with tabs.
export const run = async (cases, { atOnce = 4, launch = {}, windows = false } = {}) => {
  const overdue = setTimeout(() => {
    tell({ failed: "the cases took too long" });
    process.exit(1);
  }, LIMIT_MS);
  const browser = await chromium.launch({
    executablePath: windows ? process.env.TIDEGATE_CHROMIUM : process.env.TIDEGATE_HEADLESS_SHELL,
    // Names in the tests resolve to this machine, where Envoy is.
    // There is no graphics processor, and pretending one costs more than to draw without.
    args: ["--disable-gpu", "--host-resolver-rules=MAP *.invalid 127.0.0.1,MAP *.example 127.0.0.1"],
    ...launch,
  });
  const queue = Object.entries(cases);
  const worker = async () => {
    for (let next = queue.shift(); next; next = queue.shift()) {
      const [name, run] = next;
      const begun = Date.now();
      try {
        await run(browser);
        tell({ passed: name, ms: Date.now() - begun });
      } catch (error) {
        tell({ failed: `${name}: ${error.stack}` });
      }
    }
  };
  await Promise.all(Array.from({ length: atOnce }, worker));
  await browser.close();
  clearTimeout(overdue);
  process.stdin.destroy();
};
