// Asks whether the site is back, and reloads the page once it is. A page is complete without this
// script, and contains it only if the failed request was a GET that may be sent again.
//
// It is part of operators' pages too (the tag `retry`), so it knows no element but those of retry.html.
// What only its authors need, such as comments and indentation, is not served (build.rs of this crate).
(() => {
  const box = document.querySelector("#auto"),
    [clock, note, button] = box.children,
    outcome = box.nextElementSibling,
    words = box.dataset,
    stop = button.textContent,
    key = () => "tidegate " + location,
    address = () => (location + "").split("#")[0],
    time = () => performance.now();
  // What the server said last: `hint` is the time until the next check-in in ms. `gate` is "wait" or
  // "crowd" where a circuit is not closed; "crowd" is also the name of a sentence.
  let { maxAttempts: max, capMs: cap, retryAfterMs: hint, gate } = words;
  // The hint, or more after requests without an answer. The clock shows the time until `due`.
  let wait = +hint,
    due = time() + wait,
    // When the last attempt began, and whether it was answered although the browser called itself offline.
    asked = time(),
    reached,
    attempts = 0,
    asking,
    timer,
    // The address that this page is about, once it is known.
    home;

  // Screen readers announce this text, but not the clock.
  const say = (text) => {
    if (outcome.textContent !== text) outcome.textContent = text;
  };
  const end = (text) => {
    timer = clearInterval(timer);
    clock.textContent = "";
    note.hidden = 1;
    button.textContent = words.resume;
    say(text);
  };
  // An application that navigates by itself (Turbo, Swup, Livewire) does not end the scripts of a page that
  // it replaces. This one must do nothing on the next page.
  const isLeft = () => {
    if (box.isConnected && home === address()) return;
    removeEventListener("visibilitychange", tick);
    end("");
    return 1;
  };
  const request = (method) =>
    fetch(home, {
      method,
      // The filter answers HEAD itself while the circuit is not closed, and counts the clients that come
      // back after a hint.
      headers: { "x-tidegate-retry": attempts },
      cache: "no-store",
      redirect: "manual",
      signal: AbortSignal.timeout?.(3e4),
    });
  // A client error with a time to wait, such as 429, is not the site that the visitor wants.
  const isFine = ({ status, headers }) => status < 400 || (status < 500 && !headers.has("retry-after"));
  const ask = async () => {
    let back, isLost, isLong;
    asking = 1;
    asked = time();
    attempts++;
    try {
      let response = await request("HEAD");
      const { status } = response;
      // Some sites do not know HEAD (404, 405, 501), which says nothing about GET. No reload, since the
      // site may still be down: a request that the visitor does not see.
      if (status === 501 || (status > 399 && isFine(response))) {
        response = await request("GET");
        // It costs more than HEAD.
        isLong = 1;
      }
      // A redirect that is not followed has status 0 and no headers.
      back = isFine(response);
      const { headers } = response;
      gate = headers.get("x-tidegate-gate");
      // A check-in that the gate rejects costs the upstream nothing, so it does not count.
      if (gate && !back) attempts--;
      const raw = headers.get("retry-after"),
        ms = raw * 1e3 || Date.parse(raw) - Date.now();
      if (ms > 0) hint = ms;
      reached = !navigator.onLine;
    } catch {
      reached = 0;
      if ((isLost = !navigator.onLine)) attempts--;
      // Without an answer, the attempt has failed, and the server has not said when to ask again.
      else isLong = 1;
    }
    // Without a network nothing was asked, so the time is still due.
    if (!isLost) {
      wait = Math.max(hint, isLong ? Math.min(cap, wait * 2) : 0);
      due = time() + wait;
    }
    asking = 0;
    // The visitor has pressed Stop or left in the meantime.
    if (!timer || isLeft()) return;
    if (back) {
      end(words.back);
      box.hidden = 1;
      try {
        // A reload costs more than a check-in: there are at most ten, also of more attempts.
        sessionStorage.setItem(key(), JSON.stringify([attempts + max / 10 - (max > 9), Date.now()]));
      } catch {
        // The next load reads the type of its navigation instead.
      }
      location.reload();
    } else if (attempts >= max) {
      end(words.gaveUp);
    }
  };
  const tick = () => {
    if (asking || !timer || isLeft()) return;
    const now = time(),
      left = Math.max(0, Math.ceil((due - now) / 1e3)),
      online = reached || navigator.onLine;
    // 0:05, 12:30, or 1:58:26: whole hours, with the minutes and seconds of a date.
    clock.textContent = online
      ? ((left / 3600 | 0) + new Date(left * 1e3).toJSON().slice(13, 19)).replace(/^0:0?/, "")
      : "";
    say(online ? words[gate] || "" : words.offline);
    // Some browsers call themselves offline and are not.
    if (!left && !document.hidden && (online || now - asked > 3e4)) ask();
  };
  const start = () => {
    home = address();
    note.hidden = 0;
    button.textContent = stop;
    timer = setInterval(tick, 100);
    tick();
  };

  // A site that answers HEAD but fails pages must not be reloaded forever: the count of attempts
  // continues after a reload by this script.
  try {
    const [count, at] = JSON.parse(sessionStorage.getItem(key())) || [];
    sessionStorage.removeItem(key());
    if (Date.now() - at < 12e4) attempts = count;
  } catch {
    if (performance.getEntriesByType("navigation")[0]?.type === "reload") attempts = max;
  }
  button.onclick = () => {
    if (timer) return end(words.stopped);
    attempts = 0;
    start();
  };
  // The timer of a hidden tab is slow.
  addEventListener("visibilitychange", tick);
  box.hidden = 0;
  // An application may set the address after it has run this script.
  attempts < max ? setTimeout(start) : end(words.gaveUp);

  const finish = () => {
    // The clock says when, and the sentence of the page no longer does.
    for (const hint of document.querySelectorAll(".hint")) hint.hidden = 1;
    // Show times in the visitor's time zone and in the language of the page: a past one, which support may
    // ask for, with its seconds and the name of the zone.
    for (const element of document.querySelectorAll("time[datetime]")) {
      try {
        const date = new Date(element.dateTime);
        element.textContent = date.toLocaleString(document.documentElement.lang || [], {
          dateStyle: "long",
          timeStyle: date > Date.now() ? "short" : "long",
        });
      } catch {
        // The browser does not know the language or the time: the page's own text is readable.
      }
    }
  };
  finish();
  // While a browser loads the page, the rest of it is not there yet.
  addEventListener("DOMContentLoaded", finish);
})();
