// Keys are pressed one after the other without loading the page anew; while the display is lit, it is looked at.
"use strict";

(() => {
  const LOOK_MS = 400;
  const keys = document.getElementById("keys");
  const token = JSON.parse(document.body.getAttribute("hx-headers"))["X-CSRF-Token"];
  const headers = { "X-CSRF-Token": token, "HX-Request": "true" };
  let turn = Promise.resolve();
  let waiting = 0;

  // Only what differs is replaced: a live region then tells changes, and nothing else.
  const put = (html) => {
    const parts = new DOMParser().parseFromString(html, "text/html");
    for (const id of ["display", "guide"]) {
      const [now, next] = [document.getElementById(id), parts.getElementById(id)];
      if (!now || !next) continue;
      now.dataset.lit = next.dataset.lit;
      if (now.innerHTML !== next.innerHTML) now.innerHTML = next.innerHTML;
    }
  };

  const take = async (answer) => {
    const text = await answer.text();
    if (answer.headers.has("HX-Redirect") || answer.status === 401) {
      window.location = answer.headers.get("HX-Redirect") || "/sign-in";
    } else if (answer.ok) {
      document.getElementById("notice").textContent = "";
      put(text);
    } else {
      document.getElementById("notice").innerHTML = text;
    }
  };

  const send = (path, fields) => {
    waiting += 1;
    turn = turn
      .then(() => fetch(path, { method: "POST", headers, body: new URLSearchParams(fields) }))
      .then(take)
      .catch(() => {}) // the station is away: the display is looked at again
      .finally(() => { waiting -= 1; });
  };

  const pressed = (button) => {
    button.classList.add("pressed");
    setTimeout(() => button.classList.remove("pressed"), 120);
    send("/training/press", { key: button.value });
  };

  keys.addEventListener("submit", (event) => {
    event.preventDefault();
    if (event.submitter) pressed(event.submitter);
  });
  document.getElementById("deeds")?.addEventListener("submit", (event) => {
    event.preventDefault();
    if (event.submitter) send("/training/deed", { deed: event.submitter.value });
  });

  let clicked = null;
  document.addEventListener("pointerdown", (event) => {
    clicked = event.target.closest("button, a, summary");
  });
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.altKey || event.metaKey || event.target.closest("input, select, textarea")) return;
    const name = /^[0-9]$/.test(event.key) ? event.key : { p: "press", P: "press", Enter: "ok" }[event.key];
    // Enter is OK, unless somebody has come to a button by the keyboard, not by a click, and means that one.
    const button = event.target.closest("button, a, summary");
    if (!name || (name === "ok" && button && button !== clicked)) return;
    event.preventDefault();
    if (!event.repeat) pressed(keys.querySelector(`[value="${name}"]`));
  });

  setInterval(() => {
    if (waiting || document.hidden || document.getElementById("display").dataset.lit !== "1") return;
    waiting += 1;
    turn = turn
      .then(() => fetch("/training/face", { headers: { "HX-Request": "true" } }))
      .then(take)
      .catch(() => {})
      .finally(() => { waiting -= 1; });
  }, LOOK_MS);
})();
