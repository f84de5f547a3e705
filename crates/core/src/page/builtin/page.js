// Asks whether the site is back, and reloads the page once it is. The page is complete without this
// script, and contains it only if the failed request was a GET that may be sent again.
// Comment lines and indentation are not served (../builtin.rs).
(() => {
  const main = document.querySelector("main"),
    box = main.querySelector("#auto"),
    clock = box.querySelector("span"),
    outcome = main.querySelector("#outcome"),
    words = box.dataset,
    key = "tidegate " + location;
  // What the server said last: `hint` is the time until the next check-in in ms. `gate` is "wait" or
  // "crowd" where a circuit is not closed; "crowd" is also the name of a sentence.
  let { maxAttempts: max, capMs: cap, retryAfterMs: hint, gate } = main.dataset;
  // The hint, or more after requests without an answer. The clock shows the time until `due`.
  let wait = +hint;
  let attempts = 0, asking, due, timer;

  // Screen readers announce this text, but not the clock.
  const say = (text) => {
    if (outcome.textContent !== text) outcome.textContent = text;
  };
  const end = (text) => {
    timer = clearInterval(timer);
    // The Stop button disappears: move the focus to the button that remains.
    if (box.contains(document.activeElement)) main.querySelector(".button").focus();
    box.hidden = true;
    say(text);
  };
  const ask = async () => {
    let back;
    asking = true;
    attempts++;
    try {
      const { status, headers } = await fetch(location, {
        method: "HEAD",
        // The filter answers this request itself while the circuit is not closed, and counts the
        // clients that come back after a hint.
        headers: { "x-tidegate-retry": attempts },
        cache: "no-store",
        redirect: "manual",
        signal: AbortSignal.timeout?.(3e4),
      });
      // A redirect that is not followed has status 0 and no headers.
      back = status < 500 && !headers.has("x-tidegate-page");
      gate = headers.get("x-tidegate-gate");
      // A check-in that the gate rejects costs the upstream nothing, so it does not count.
      if (gate && !back) attempts--;
      const raw = headers.get("retry-after"),
        ms = raw * 1e3 || Date.parse(raw) - Date.now();
      wait = hint = ms > 0 ? ms : +hint;
    } catch {
      // Without an answer, the attempt has failed, and the server has not said when to ask again.
      wait = Math.max(wait, Math.min(cap, wait * 2));
    }
    due = performance.now() + wait;
    asking = false;
    // The visitor has pressed Stop in the meantime.
    if (!timer) return;
    if (back) {
      end(words.back);
      try {
        // A reload costs more than a check-in: there are at most ten, also of more attempts.
        sessionStorage.setItem(key, JSON.stringify([attempts + max / 10 - (max > 9), Date.now()]));
      } catch {
        // The next load reads the type of its navigation instead.
      }
      location.reload();
    } else if (attempts >= max) {
      end(words.gaveUp);
    }
  };
  const tick = () => {
    if (asking || !timer) return;
    const left = Math.max(0, Math.ceil((due - performance.now()) / 1e3)),
      online = navigator.onLine;
    // 0:05, 12:30, or 1:58:26: whole hours, with the minutes and seconds of a date.
    clock.textContent = online
      ? ((left / 3600 | 0) + new Date(left * 1e3).toJSON().slice(13, 19)).replace(/^0:0?/, "")
      : "";
    say(online ? words[gate] || "" : words.offline);
    if (!left && online && !document.hidden) ask();
  };

  // A site that answers HEAD but fails pages must not be reloaded forever: the count of attempts
  // continues after a reload by this script.
  try {
    const [count, at] = JSON.parse(sessionStorage.getItem(key)) || [];
    sessionStorage.removeItem(key);
    if (Date.now() - at < 12e4) attempts = count;
  } catch {
    if (performance.getEntriesByType("navigation")[0]?.type === "reload") attempts = max;
  }
  if (attempts < max) {
    box.querySelector("button").onclick = () => end(words.stopped);
    box.hidden = false;
    // From now on the clock says when, and the sentence of the page no longer does (page.css).
    main.className = "auto";
    due = performance.now() + wait;
    timer = setInterval(tick, 100);
    // The timer of a hidden tab is slow.
    document.onvisibilitychange = tick;
    tick();
  } else {
    end(words.gaveUp);
  }

  // Show the end of a maintenance in the visitor's time zone and in the language of the page.
  try {
    const time = main.querySelector("#until");
    time.textContent = new Date(time.dateTime).toLocaleString(document.documentElement.lang, {
      dateStyle: "long",
      timeStyle: "short",
    });
  } catch {
    // There is no end, or the browser does not know the language: the page's own text is readable.
  }
})();
