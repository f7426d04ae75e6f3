// A page that is kept up to date: `<div data-stream="/…/events">`. Each `fragment` event is HTML whose parts have
// ids and take the place of the parts of those ids. The station sends the whole first, at every connection, so a
// page is right again whatever it missed. When signs of life stop, `[data-stream-sign]` says so until they are back.
"use strict";

(() => {
  const SILENCE_MS = 3500; // the station's beat is one second
  const AGAIN_MS = 1000;
  const place = document.querySelector("[data-stream]");
  if (!place) return;
  const sign = document.querySelector("[data-stream-sign]");
  let source = null;
  let heard = performance.now();
  let begun = 0;
  let leaving = false;

  const alive = () => {
    heard = performance.now();
    if (!sign.hidden) {
      sign.hidden = true;
      document.body.classList.remove("stream-lost");
    }
  };

  const lost = () => {
    if (sign.hidden && !leaving) {
      sign.hidden = false;
      document.body.classList.add("stream-lost");
    }
  };

  // Of two answers that crossed, the newer stands: `data-drawn` counts the looks at the records, in one run of the
  // station.
  const older = (part, shown) => part.dataset.run === shown?.dataset.run && Number(part.dataset.drawn) < Number(shown.dataset.drawn);

  // What differs in its own attributes only takes those and stays: replaced by the same, it would lose a press that
  // began before and ends after.
  const stays = (old, part) => {
    if (old.childNodes.length !== part.childNodes.length) return false;
    if (![...old.childNodes].every((child, i) => child.isEqualNode(part.childNodes[i]))) return false;
    for (const { name } of [...old.attributes]) if (!part.hasAttribute(name)) old.removeAttribute(name);
    for (const { name, value } of part.attributes) old.setAttribute(name, value);
    return true;
  };

  const parts = (html) => {
    const template = document.createElement("template");
    template.innerHTML = html;
    return [...template.content.children];
  };

  const told = (part) => document.dispatchEvent(new CustomEvent("stream:put", { detail: { part } }));

  document.body.addEventListener("htmx:beforeSwap", (event) => {
    const { target, serverResponse } = event.detail;
    const part = target.dataset.drawn === undefined ? undefined : parts(serverResponse)[0];
    if (part?.id !== target.id) return;
    event.detail.shouldSwap = false;
    put(part);
  });

  // What would change under a finger waits until it is lifted, and whatever belongs into that, or has it within, waits
  // behind it.
  let waiting = [];
  const wait = (part) => {
    if (!waiting.length) {
      steady.after(() => {
        const due = waiting;
        waiting = [];
        due.forEach(put);
      });
    }
    waiting = [...waiting.filter((one) => one.id !== part.id), part];
  };
  const has = (whole, part) => whole.id === part.id || whole.querySelector(`#${part.id}`) !== null;
  const isBehind = (part) => waiting.some((one) => has(one, part) || has(part, one));

  const put = (part) => {
    const old = document.getElementById(part.id);
    if (!old || older(part, old)) return;
    for (const inner of part.querySelectorAll("[data-drawn]")) {
      const now = document.getElementById(inner.id);
      if (older(inner, now)) inner.replaceWith(now.cloneNode(true));
    }
    if (isBehind(part)) wait(part);
    else if (stays(old, part)) told(old);
    else if (steady.holds(old)) wait(part);
    else {
      const focused = old.contains(document.activeElement) ? document.activeElement.id : null;
      old.replaceWith(part);
      htmx.process(part);
      if (focused !== null) (document.getElementById(focused) || document.querySelector("[data-scanner] input:not([type=hidden])"))?.focus();
      told(part);
    }
  };

  const open = () => {
    source?.close();
    begun = performance.now();
    source = new EventSource(place.dataset.stream);
    source.addEventListener("fragment", (event) => { alive(); parts(event.data).forEach(put); });
    source.addEventListener("beat", alive);
    source.addEventListener("goodbye", () => { source.close(); location.reload(); });
    source.onerror = () => {
      lost();
      // Refused (401, 503 …): the browser does not try again by itself, and a signed-out page goes to sign in.
      if (source.readyState === EventSource.CLOSED) ask();
    };
  };

  const ask = async () => {
    const asking = new AbortController();
    try {
      const answer = await fetch(place.dataset.stream, { cache: "no-store", signal: asking.signal });
      if (answer.status === 401) location.reload();
    } catch { /* the station is away: the sign says so, and the clock below tries again */ }
    asking.abort();
  };

  window.addEventListener("pagehide", () => { leaving = true; source?.close(); });
  window.addEventListener("pageshow", (event) => { if (event.persisted) location.reload(); });
  // A form without an answer: whether it was taken is not known, so the whole is asked for.
  document.body.addEventListener("htmx:sendError", () => { if (!leaving) open(); });
  setInterval(() => {
    const now = performance.now();
    if (now - heard > SILENCE_MS) lost();
    const dead = source.readyState === EventSource.CLOSED ? AGAIN_MS : SILENCE_MS;
    if (now - heard > SILENCE_MS && now - begun > dead) open();
  }, 500);
  open();
})();
