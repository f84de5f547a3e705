// Asks whether the site is back, and reloads the page once when it is. The page is complete
// without this, and has it only where the failed request was a GET that may be sent again.
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
  // The server's hint, in ms: no wait is shorter.
  let floor = +main.dataset.retryAfterMs;
  let attempts = 0;
  let asking = false;
  let due, timer;

  // Outcomes, for screen readers too; the clock that ticks is silent.
  const say = (text) => {
    if (outcome.textContent !== text) outcome.textContent = text;
  };
  const end = (text) => {
    timer = clearInterval(timer);
    // Who has just pressed Stop is led on to the button that is left.
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
        // The filter counts who came back when told to, and got through.
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
      // No answer is an attempt that failed.
    }
    asking = false;
    // Stopped while it asked.
    if (!timer) return;
    if (back) {
      end(words.back);
      try {
        sessionStorage.setItem(key, JSON.stringify([attempts, Date.now()]));
      } catch {
        // The next load asks how it came about instead.
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

  // A site that answers probes and fails pages must not be reloaded for ever: attempts count on
  // over reloads of this script's making.
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

  // When a maintenance ends, by the visitor's clock and in the language of the page.
  try {
    const time = document.getElementById("until");
    const form = { dateStyle: "long", timeStyle: "short" };
    time.textContent = new Date(time.dateTime).toLocaleString(document.documentElement.lang, form);
  } catch {
    // There is none, or the browser knows the language by no name: what is there can be read.
  }
})();
