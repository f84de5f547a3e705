// Every built-in page, as the core makes it: valid, accessible, whole at 320 px, and written down as
// pictures for a person to look at.
//
// The test in Rust leaves the pages in a folder, with an index of what belongs to each: name,
// status, language, policy. They are served with those, so that the browser keeps the policy.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { Tab, facts, load, run, until } from "./harness.mjs";

const SITE = "http://pages.test";
const read = (name) => readFileSync(`${facts.folder}/${name}`, "utf8");
const pages = JSON.parse(read("index.json"));
const named = (...names) => pages.filter(({ name }) => names.includes(name));

const THEMES = ["light", "dark"];
const WIDE = { width: 1024, height: 800 };
const NARROW = { width: 320, height: 640 };

// A tab that shows these pages; `options` are Playwright's.
const open = async (browser, options) => {
  const tab = await Tab.open(browser, options);
  await tab.page.route(`${SITE}/**`, (route) => {
    const asked = decodeURIComponent(new URL(route.request().url()).pathname.slice(1));
    const page = pages.find(({ file }) => file === asked);
    return route.fulfill({
      status: page.status,
      headers: { "content-type": "text/html; charset=utf-8", "content-security-policy": page.policy },
      body: read(asked),
    });
  });
  tab.show = ({ file }) => tab.page.goto(`${SITE}/${file}`, { waitUntil: "domcontentloaded" });
  return tab;
};

const everywhere = async (browser, options, each) => {
  const tab = await open(browser, options);
  for (const page of pages) {
    await tab.show(page);
    await each(tab.page, page);
  }
  await tab.close();
};

const axe = readFileSync(load.resolve("axe-core/axe.min.js"), "utf8");
const TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"];
const CONTRAST = { type: "rule", values: ["color-contrast"] };
const accessible = async (page, what, runOnly = { type: "tag", values: TAGS }) => {
  await page.evaluate(axe);
  const { violations, incomplete } = await page.evaluate(
    // Logotypes are the operator's, and free of demands on contrast (WCAG 2.2, 1.4.3).
    (runOnly) => axe.run({ exclude: ".brand svg" }, { runOnly, resultTypes: ["violations", "incomplete"] }),
    runOnly,
  );
  const found = [...violations, ...incomplete].map(({ id, nodes }) => `${id}: ${nodes.map((n) => n.html).join(" ")}`);
  assert.deepEqual(found, [], what);
};

// The pages that differ in what they are made of, and not only in their words.
const KINDS = ["branded", "post", "not-retryable", "all-exposed"];

const axeIn = (viewport) => async (browser) => {
  const tab = await open(browser, { viewport, reducedMotion: "reduce" });
  const check = async (what) => {
    await accessible(tab.page, what);
    await tab.page.emulateMedia({ colorScheme: "dark" });
    await accessible(tab.page, `${what}, dark`, CONTRAST);
    await tab.page.emulateMedia({ colorScheme: "light" });
  };
  for (const page of named(...KINDS)) {
    await tab.show(page);
    await check(page.file);
  }
  // What the script leaves behind.
  await tab.show(named("weak-color")[0]);
  await tab.page.locator("#auto button").click();
  await check("stopped");
  await tab.close();
};

const picturesForTheDocs = async (browser) => {
  for (const [name, file, options] of [
    ["page-502", "en/branded.html", { viewport: { width: 1000, height: 940 } }],
    ["page-post-arabic", "ar/post.html", { viewport: { width: 1000, height: 860 }, colorScheme: "dark" }],
    ["page-narrow", "de/circuit_open.html", { viewport: { width: 360, height: 1040 } }],
  ]) {
    const tab = await open(browser, { reducedMotion: "reduce", ...options });
    await tab.show({ file });
    await tab.page.screenshot({ path: `${facts.docs}/${name}.png` });
    await tab.close();
  }
};

await run({
  "pictures of every page, for a person to look at": async (browser) => {
    const tab = await open(browser, { viewport: WIDE, reducedMotion: "reduce" });
    for (const page of pages.filter(({ lang }) => facts.pictured.includes(lang))) {
      await tab.show(page);
      for (const colorScheme of THEMES) {
        await tab.page.emulateMedia({ colorScheme });
        const path = `${facts.folder}/${page.file.replace(/html$/, `${colorScheme}.png`)}`;
        await tab.page.screenshot({ path });
      }
    }
    await tab.close();
    const small = await open(browser, { viewport: NARROW, reducedMotion: "reduce", forcedColors: "active" });
    for (const page of named("branded")) {
      await small.show(page);
      const path = `${facts.folder}/${page.file.replace(/html$/, "narrow-forced-colors.png")}`;
      await small.page.screenshot({ path, fullPage: true });
    }
    await small.close();
    if (facts.docs) await picturesForTheDocs(browser);
  },

  "the HTML is valid": async () => {
    const { HtmlValidate } = load("html-validate");
    const validator = new HtmlValidate({
      root: true,
      extends: ["html-validate:standard", "html-validate:a11y", "html-validate:document"],
      rules: {
        // The page's own lines; long ones are no error.
        "long-title": "off",
      },
    });
    const found = [];
    for (const { file } of pages) {
      const { results } = await validator.validateString(read(file), file);
      for (const { messages } of results) {
        for (const { line, column, message, ruleId } of messages) found.push(`${file}:${line}:${column} ${message} (${ruleId})`);
      }
    }
    assert.deepEqual(found, []);
  },

  "axe finds nothing": axeIn(WIDE),
  "axe finds nothing at 320 px": axeIn(NARROW),

  "nothing sticks out at 320 px": (browser) =>
    everywhere(browser, { viewport: NARROW }, async (page, { file }) => {
      const [needed, there] = await page.evaluate(() => [
        document.documentElement.scrollWidth,
        document.documentElement.clientWidth,
      ]);
      assert.ok(needed <= there, `${file} needs ${needed} px`);
    }),

  "a logo is drawn as it was made, whatever the direction": async (browser) => {
    const tab = await open(browser, {});
    for (const page of named("branded")) {
      await tab.show(page);
      const [text, logo] = await Promise.all(
        [".brand text", ".brand svg"].map((part) => tab.page.locator(part).boundingBox()),
      );
      assert.ok(text.x > logo.x + 20 && text.x + text.width <= logo.x + logo.width + 1, page.file);
    }
    await tab.close();
  },

  "targets are big enough, and their focus is seen": async (browser) => {
    const tab = await open(browser, { viewport: NARROW });
    for (const page of named("branded", "weak-color")) {
      await tab.show(page);
      const targets = tab.page.locator("a:visible, button:visible");
      for (const target of await targets.all()) {
        const { width, height } = await target.boundingBox();
        const name = `${page.file}: ${await target.innerText()}`;
        assert.ok(width >= 24 && height >= 24, `${name} is ${width} by ${height}`);
        await tab.page.keyboard.press("Tab");
        const focused = await target.evaluate((node) => {
          const { outlineStyle, outlineWidth } = getComputedStyle(node);
          return node === document.activeElement && outlineStyle === "solid" && parseFloat(outlineWidth) >= 2;
        });
        assert.ok(focused, `the focus comes to ${name}, and is seen`);
      }
    }
    await tab.close();
  },

  "nothing moves for those who do not want it": async (browser) => {
    const moving = async (reducedMotion) => {
      const tab = await open(browser, { reducedMotion });
      await tab.show(named("branded")[0]);
      const count = await tab.page.evaluate(() => document.getAnimations().length);
      await tab.close();
      return count;
    };
    assert.ok((await moving("no-preference")) > 0, "else this shows nothing");
    assert.equal(await moving("reduce"), 0);
  },

  "the clock ticks silently": async (browser) => {
    const tab = await open(browser, {});
    await tab.show(named("branded")[0]);
    const shown = tab.page.locator("#auto span");
    const before = await shown.innerText();
    await until("it ticks", async () => (await shown.innerText()) !== before);
    const live = await tab.page.evaluate(() => {
      const clock = document.querySelector("#auto span");
      return [clock.closest("[aria-live], [role=status], [role=timer], [role=alert]"), clock.ariaHidden];
    });
    assert.deepEqual(live, [null, "true"]);
    assert.equal(await tab.page.locator("[role=status]").count(), 1);
    await tab.close();
  },
});
