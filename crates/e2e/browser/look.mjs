// Every built-in page, as Envoy and the module serve it: valid, accessible, not wider than 320 px, and,
// where the test asks for it, stored as pictures for people.
//
// The test in Rust says where each page is served: name, language, address, method. A page that no
// upstream can cause (`made`) comes with its policy from the core instead.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { Agent, request } from "node:http";
import { Tab, facts, load, run, until } from "./harness.mjs";

const pages = facts.pages;
const named = (...names) => pages.filter(({ name }) => names.includes(name));

const THEMES = ["light", "dark"];
const WIDE = { width: 1024, height: 800 };
const NARROW = { width: 320, height: 640 };

// The beginnings of the names of the families in the packages that fonts.conf names.
const FAMILIES = ["Noto Naskh Arabic", "Noto Sans", "Source Code Pro"];
const FONT_OF_SCRIPT = {
  "Ünïcode": "Noto Sans",
  "Русский": "Noto Sans",
  "العربية": "Noto Naskh Arabic",
  "עברית": "Noto Sans Hebrew",
  "日本語のカナ": "Noto Sans S Chinese Regular",
  "中文": "Noto Sans S Chinese Regular",
  "한국어": "Noto Sans Korean Regular",
  "ภาษาไทย": "Noto Sans Thai",
  "हिन्दी": "Noto Sans",
};
// Families that a machine may have installed.
const INSTALLED_FONTS = ["system-ui", "DejaVu Sans", "Liberation Sans", "Arial", "Noto Sans CJK JP"];

const at = ({ lang, name }) => `${lang}/${name}`;
const headers = ({ lang, id }) => ({ "accept-language": lang, ...(id && { "x-request-id": id }) });

// Opens a tab that shows these pages; `options` are Playwright's.
const open = async (browser, options) => {
  const tab = await Tab.open(browser, options);
  await tab.page.route("http://core.invalid/*", (route) => {
    const lang = route.request().headers()["accept-language"];
    const { made } = pages.find((page) => page.url === route.request().url() && page.lang === lang);
    return route.fulfill({
      status: made.status,
      headers: { "content-type": "text/html; charset=utf-8", "content-security-policy": made.policy },
      body: made.body,
    });
  });
  // Sends a form, as a page of the site would.
  const post = async (url) => {
    await tab.page.goto("about:blank");
    await tab.page.setContent(`<form method="post" action="${url}"><input name="a"></form>`);
    const shown = tab.page.waitForResponse((response) => response.url() === url);
    const loaded = tab.page.waitForNavigation({ waitUntil: "load" });
    await tab.page.evaluate(() => document.forms[0].submit());
    await loaded;
    return shown;
  };
  tab.show = async (page) => {
    await tab.page.setExtraHTTPHeaders(headers(page));
    const response = await (page.method === "POST" ? post(page.url) : tab.page.goto(page.url, { waitUntil: "load" }));
    const seen = await tab.page.evaluate(() => [
      document.documentElement.lang,
      document.querySelector("main").dataset.status,
    ]);
    assert.deepEqual(seen, [page.lang, String(response.status())], at(page));
    assert.ok(response.headers()["content-security-policy"], at(page));
    if (page.reason) assert.equal(await tab.page.locator("main").getAttribute("data-reason"), page.reason);
    return response;
  };
  return tab;
};

const everywhere = async (browser, options, each) => {
  const tab = await open(browser, options);
  for (const page of pages) {
    await tab.show(page);
    await each(tab, page);
  }
  await tab.close();
};

// Returns the bytes that Envoy sends; a browser only shows the parsed page.
const agent = new Agent();
const served = (page) =>
  new Promise((resolve, reject) => {
    if (page.made) return resolve(page.made.body);
    const { host, port, pathname } = new URL(page.url);
    const asked = { host: "127.0.0.1", port, path: pathname, method: page.method, agent };
    const sent = request({ ...asked, headers: { host, accept: "text/html", ...headers(page) } }, (response) => {
      let text = "";
      response.setEncoding("utf8").on("data", (part) => (text += part)).on("end", () => resolve(text));
    });
    sent.on("error", reject).end();
  });

const axe = readFileSync(load.resolve("axe-core/axe.min.js"), "utf8");
const TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"];
const CONTRAST = { type: "rule", values: ["color-contrast"] };
const accessible = async (page, what, runOnly = { type: "tag", values: TAGS }) => {
  await page.evaluate(axe);
  const { violations, incomplete } = await page.evaluate(
    // Logotypes have no contrast requirement (WCAG 2.2, 1.4.3).
    (runOnly) => axe.run({ exclude: ".brand svg" }, { runOnly, resultTypes: ["violations", "incomplete"] }),
    runOnly,
  );
  const found = [...violations, ...incomplete].map(({ id, nodes }) => `${id}: ${nodes.map((n) => n.html).join(" ")}`);
  assert.deepEqual(found, [], what);
};

// The pages that differ in more than their texts.
const KINDS = ["branded", "post", "not-retryable", "all-exposed", "until", "crowd"];

const axeIn = (viewport) => async (browser) => {
  const tab = await open(browser, { viewport });
  const check = async (what) => {
    await accessible(tab.page, what);
    await tab.page.emulateMedia({ colorScheme: "dark" });
    await accessible(tab.page, `${what}, dark`, CONTRAST);
    await tab.page.emulateMedia({ colorScheme: "light" });
  };
  for (const page of named(...KINDS).filter(({ lang, name }) => name === "post" || facts.pictured.includes(lang))) {
    await tab.show(page);
    await check(at(page));
  }
  // The page after its script was stopped.
  await tab.show(named("weak-color")[0]);
  await tab.page.locator("#auto button").click();
  await check("stopped");
  await tab.close();
};

const picturesForTheDocs = async (browser) => {
  for (const [name, shown, options] of [
    ["page-502", "en/branded", { viewport: { width: 1000, height: 940 } }],
    ["page-post-arabic", "ar/post", { viewport: { width: 1000, height: 860 }, colorScheme: "dark" }],
    ["page-narrow", "de/crowd", { viewport: { width: 360, height: 1090 } }],
    ["page-maintenance", "fr/until", { viewport: { width: 1000, height: 940 } }],
  ]) {
    const tab = await open(browser, options);
    await tab.show(pages.find((page) => at(page) === shown));
    await tab.page.screenshot({ path: `${facts.pictures.docs}/${name}.png` });
    await tab.close();
  }
};

const picturesForPeople = async (browser) => {
  const tab = await open(browser, { viewport: WIDE });
  for (const page of pages.filter(({ lang }) => facts.pictured.includes(lang))) {
    await tab.show(page);
    for (const colorScheme of THEMES) {
      await tab.page.emulateMedia({ colorScheme });
      await tab.page.screenshot({ path: `${facts.pictures.folder}/${at(page)}.${colorScheme}.png` });
    }
  }
  await tab.close();
  const small = await open(browser, { viewport: NARROW, forcedColors: "active" });
  for (const page of named("branded")) {
    await small.show(page);
    const path = `${facts.pictures.folder}/${at(page)}.narrow-forced-colors.png`;
    await small.page.screenshot({ path, fullPage: true });
  }
  await small.close();
  // Of the other languages, those with the most texts.
  for (const [viewport, width, names] of [
    [WIDE, "", ["busy"]],
    [NARROW, ".narrow", ["post", "until"]],
  ]) {
    const one = await open(browser, { viewport });
    for (const page of named(...names).filter(({ lang }) => !facts.pictured.includes(lang))) {
      await one.show(page);
      await one.page.screenshot({ path: `${facts.pictures.folder}/${at(page)}${width}.png`, fullPage: true });
    }
    await one.close();
  }
  await picturesForTheDocs(browser);
};

await run({
  ...(facts.pictures && { "pictures of every page are stored": picturesForPeople }),

  "the HTML is valid and smaller than 14,000 bytes": async () => {
    const { HtmlValidate } = load("html-validate");
    const validator = new HtmlValidate({
      root: true,
      extends: ["html-validate:standard", "html-validate:a11y", "html-validate:document"],
      rules: {
        // Texts of the page may be long.
        "long-title": "off",
      },
    });
    const found = [];
    for (const page of pages) {
      const html = await served(page);
      assert.ok(Buffer.byteLength(html) < 14_000, `${at(page)} has ${Buffer.byteLength(html)} bytes`);
      const { results } = await validator.validateString(html, at(page));
      for (const { messages } of results) {
        for (const { line, column, message, ruleId } of messages) {
          found.push(`${at(page)}:${line}:${column} ${message} (${ruleId})`);
        }
      }
    }
    assert.deepEqual(found, []);
  },

  "axe finds nothing": axeIn(WIDE),
  "axe finds nothing at 320 px": axeIn(NARROW),

  // What a page looks like must not depend on the fonts of the machine.
  "every page is drawn with the fonts of the npm packages": async (browser) => {
    const tab = await open(browser, {});
    const devtools = await tab.context.newCDPSession(tab.page);
    await devtools.send("DOM.enable");
    await devtools.send("CSS.enable");
    const fonts = async (selector) => {
      const { root } = await devtools.send("DOM.getDocument", { depth: -1 });
      const { nodeIds } = await devtools.send("DOM.querySelectorAll", { nodeId: root.nodeId, selector });
      const found = new Set();
      for (const nodeId of nodeIds) {
        const { fonts } = await devtools.send("CSS.getPlatformFontsForNode", { nodeId });
        for (const { familyName } of fonts) found.add(familyName);
      }
      return [...found].sort();
    };
    for (const page of named("post", "until")) {
      await tab.show(page);
      const foreign = (await fonts("body *")).filter((family) => !FAMILIES.some((own) => family.startsWith(own)));
      assert.deepEqual(foreign, [], at(page));
    }
    await tab.page.goto("about:blank");
    for (const [text, family] of Object.entries(FONT_OF_SCRIPT)) {
      for (const wanted of INSTALLED_FONTS) {
        await tab.page.setContent(`<p style="font-family: '${wanted}'">${text}</p>`);
        assert.deepEqual(await fonts("p"), [family], `${text} in ${wanted}`);
      }
    }
    await tab.close();
  },

  // Any other request would go to a failing site or to a third party.
  "pages fit into 320 px and request nothing else": (browser) =>
    everywhere(browser, { viewport: NARROW }, async (tab, page) => {
      assert.deepEqual(tab.requests.splice(0), [page.method], at(page));
      const [needed, there] = await tab.page.evaluate(() => [
        document.documentElement.scrollWidth,
        document.documentElement.clientWidth,
      ]);
      assert.ok(needed <= there, `${at(page)} needs ${needed} px`);
    }),

  "the end of a maintenance is in the visitor's time zone, or in UTC without scripts": async (browser) => {
    for (const page of named("until")) {
      const shown = async (options) => {
        const tab = await open(browser, { timezoneId: "Asia/Kolkata", ...options });
        await tab.page.setExtraHTTPHeaders(headers(page));
        await tab.page.goto(page.url);
        const time = tab.page.locator("#until");
        const texts = [await time.getAttribute("datetime"), await time.innerText()];
        // As this browser writes it: Node may have other data of the language.
        const form = { dateStyle: "long", timeStyle: "short", timeZone: "Asia/Kolkata" };
        const write = ([datetime, lang, form]) => new Date(datetime).toLocaleString(lang, form);
        const expected = await tab.page.evaluate(write, [texts[0], page.lang, form]);
        await tab.close();
        return [...texts, expected];
      };
      const [datetime, plain] = await shown({ javaScriptEnabled: false });
      assert.equal(plain, datetime.replace("T", " ").replace("Z", " UTC"), at(page));
      const [, local, expected] = await shown({});
      assert.equal(local, expected, at(page));
    }
  },

  "the time of a failure is in the visitor's time zone, with its seconds and the zone": async (browser) => {
    const [page] = named("branded");
    const shown = async (options) => {
      const tab = await open(browser, { timezoneId: "Asia/Kolkata", ...options });
      await tab.show(page);
      const time = tab.page.locator("dd time");
      const texts = [await time.getAttribute("datetime"), await time.innerText()];
      await tab.close();
      return texts;
    };
    const [datetime, plain] = await shown({ javaScriptEnabled: false });
    assert.equal(plain, datetime.replace("T", " ").replace("Z", " UTC"));
    const [at, local] = await shown({});
    const form = { dateStyle: "long", timeStyle: "long", timeZone: "Asia/Kolkata" };
    assert.equal(local, new Date(at).toLocaleString(page.lang, form));
  },

  "the button is above the fold of a phone on its side": async (browser) => {
    const tab = await open(browser, { viewport: { width: 844, height: 390 } });
    for (const page of named("branded", "busy", "connection_refused")) {
      await tab.show(page);
      const { y, height } = await tab.page.locator(".button").first().boundingBox();
      assert.ok(y + height <= 390, `${at(page)}: the button ends at ${y + height} px`);
    }
    await tab.close();
  },

  // Its hashes are those of what the minifier left: else the console would say so.
  "an own page works under its own policy": async (browser) => {
    const tab = await Tab.open(browser, { viewport: NARROW });
    const response = await tab.page.goto(facts.own);
    assert.equal(response.status(), 502);
    assert.match(response.headers()["content-security-policy"], /style-src 'sha256-.*script-src 'sha256-/);
    assert.equal(await tab.page.locator("main").evaluate((node) => getComputedStyle(node).paddingTop), "119px");
    await tab.page.locator("#copy").waitFor();
    await tab.close();
  },

  "a logo is drawn left to right inside its box, on pages of both directions": async (browser) => {
    const tab = await open(browser, {});
    for (const [name, words] of [
      ["branded", ".brand path:last-child"],
      ["logo-with-text", ".brand text"],
    ]) {
      for (const page of named(name)) {
        await tab.show(page);
        const [text, logo] = await Promise.all(
          [words, ".brand svg"].map((part) => tab.page.locator(part).boundingBox()),
        );
        assert.ok(text.x > logo.x + 20 && text.x + text.width <= logo.x + logo.width + 1, at(page));
      }
    }
    await tab.close();
  },

  "targets are large enough and show their focus": async (browser) => {
    const tab = await open(browser, { viewport: NARROW });
    for (const page of named("branded", "weak-color")) {
      await tab.show(page);
      const targets = tab.page.locator("a:visible, button:visible");
      for (const target of await targets.all()) {
        const { width, height } = await target.boundingBox();
        const name = `${at(page)}: ${await target.innerText()}`;
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

  "nothing moves with reduced motion": async (browser) => {
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

  "screen readers do not announce the countdown": async (browser) => {
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
