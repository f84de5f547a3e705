// A script of another origin: what it can read of each kind of failure, with Envoy's `cors` filter before
// Tidegate and behind it.
import assert from "node:assert/strict";
import { Tab, facts, run } from "./harness.mjs";

// Returns what a script can read of a response; `null` if nothing.
const read = async ({ url, method }) => {
  try {
    const response = await fetch(url, { method });
    const header = (name) => response.headers.get(name);
    return {
      status: response.status,
      retryAfter: header("retry-after"),
      proxyStatus: header("proxy-status"),
      body: await response.text(),
    };
  } catch (error) {
    return null;
  }
};

const check = ({ name, want }, got) => {
  if (want === null) return assert.equal(got, null, `${name} cannot be read`);
  assert.ok(got, `${name} can be read`);
  assert.equal(got.status, want.status, name);
  assert.match(got.proxyStatus ?? "", new RegExp(`error=${want.reason}`), name);
  assert.equal(got.retryAfter !== null, want.retryable, name);
  if (!want.body) return assert.equal(got.body, "", name);
  const problem = JSON.parse(got.body);
  assert.equal(problem.reason, want.reason, name);
  assert.equal(problem.status, want.status, name);
  assert.equal(problem.retry_after?.toString() ?? null, got.retryAfter, name);
};

await run({
  a_script_of_another_origin_reads_status_hint_and_problem: async (browser) => {
    const tab = await Tab.open(browser);
    tab.expected = [/blocked by CORS policy/, /net::ERR_/, /status of 4\d\d/];
    await tab.page.goto(facts.page);
    for (const one of facts.requests) check(one, await tab.page.evaluate(read, one));
    await tab.close();
  },
});
