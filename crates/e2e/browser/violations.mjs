// What the policy of a page blocks: at its load, and when a visitor uses it.
import { Tab, ask, facts, run } from "./harness.mjs";

// Runs before everything on the page, without its policy. What has no element of its own is due to the element that
// is in use.
const listen = () => {
  globalThis.violations = [];
  globalThis.used = "";
  const heard = ({ effectiveDirective, blockedURI, target }) =>
    globalThis.violations.push({
      directive: effectiveDirective,
      blocked: blockedURI,
      id: target?.id || globalThis.used,
    });
  addEventListener("securitypolicyviolation", heard, true);
};

// Does what visitors can do: whatever has a handler, links with a script, forms.
const use = async () => {
  const act = async (element, action) => {
    globalThis.used = element.id;
    const before = globalThis.violations.length;
    action();
    // What is blocked is reported later; what is not blocked never is.
    for (let turn = 0; turn < 50 && globalThis.violations.length === before; turn += 1) {
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
  };
  for (const element of document.querySelectorAll("*")) {
    for (const { name } of element.attributes) {
      if (!/^on./.test(name)) continue;
      await act(element, () => element.dispatchEvent(new Event(name.slice(2))));
    }
    if (/^\s*javascript:/i.test(element.getAttribute("href") ?? "")) await act(element, () => element.click());
  }
  for (const form of document.forms) await act(form, () => form.requestSubmit());
};

// Limit for the reports of what `tidegate check` warned of.
const REPORTS_MS = 5_000;

const visit = ({ name, url, warnings }) => async (browser) => {
  const tab = await Tab.open(browser);
  await tab.page.addInitScript(listen);
  await tab.page.goto(url, { waitUntil: "load" });
  // Pictures and fonts of styles are loaded when the page is drawn.
  await tab.page.evaluate(async () => {
    await new Promise((drawn) => requestAnimationFrame(() => requestAnimationFrame(drawn)));
    await document.fonts.ready;
  });
  await tab.page.evaluate(use);
  const count = () => tab.page.evaluate(() => globalThis.violations.length);
  const end = Date.now() + REPORTS_MS;
  while ((await count()) < warnings && Date.now() < end) {
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  await ask({ page: name, violations: await tab.page.evaluate(() => globalThis.violations) });
  tab.complaints.length = 0;
  await tab.close();
};

await run(Object.fromEntries(facts.pages.map((page) => [page.url, visit(page)])));
