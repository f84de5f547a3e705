// Asks whether the site is back, and reloads the page once it is. The page is complete without this
// script, and contains it only if the failed request was a GET that may be sent again.
// Comment lines and indentation are not served (../builtin.rs).
(() => {
  const main = document.querySelector("main");
  const box = document.getElementById("auto");
  const clock = box.querySelector("span");
  const outcome = document.getElementById("outcome");
  const words = box.dataset;
  const max = +main.dataset.maxAttempts;
  const cap = +main.dataset.capMs;
  const key = "tidegate " + location;
  // The server's hint, in ms, which is the shortest wait.
  let floor = +main.dataset.retryAfterMs;
  let attempts = 0;
  let asking = false;
  let due, timer;

  // Screen readers announce outcomes, but not the clock.
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
  // Back-off with full jitter.
  const wait = () => {
    const most = Math.min(cap, Math.max(floor, 1e3) * 2 ** attempts);
    due = performance.now() + Math.max(floor, Math.random() * most);
  };
  const ask = async () => {
    let back = false;
    asking = true;
    attempts++;
    try {
      const { status, headers } = await fetch(location, {
        method: "HEAD",
        // The filter counts the clients that come back after a hint.
        headers: { "x-tidegate-retry": attempts },
        cache: "no-store",
        redirect: "manual",
        signal: AbortSignal.timeout?.(3e4),
      });
      // A redirect that is not followed has status 0 and no headers.
      back = status < 500 && !headers.has("x-tidegate-page");
      const hint = headers.get("retry-after");
      const ms = hint * 1e3 || Date.parse(hint) - Date.now();
      if (ms > 0) floor = ms;
    } catch {
      // Without an answer, the attempt has failed.
    }
    asking = false;
    // The visitor has pressed Stop in the meantime.
    if (!timer) return;
    if (back) {
      end(words.back);
      try {
        sessionStorage.setItem(key, JSON.stringify([attempts, Date.now()]));
      } catch {
        // The next load reads the type of its navigation instead.
      }
      location.reload();
    } else if (attempts < max) {
      wait();
    } else {
      end(words.gaveUp);
    }
  };
  const tick = () => {
    if (asking) return;
    const left = Math.max(0, Math.ceil((due - performance.now()) / 1e3));
    const online = navigator.onLine;
    clock.textContent = online ? (left / 60 | 0) + ":" + String(left % 60).padStart(2, 0) : "";
    say(online ? "" : words.offline);
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
    wait();
    timer = setInterval(tick, 250);
    tick();
  } else {
    end(words.gaveUp);
  }

  // Show the end of a maintenance in the visitor's time zone and in the language of the page.
  try {
    const time = document.getElementById("until");
    const form = { dateStyle: "long", timeStyle: "short" };
    time.textContent = new Date(time.dateTime).toLocaleString(document.documentElement.lang, form);
  } catch {
    // There is no end, or the browser does not know the language: the page's own text is readable.
  }
})();
