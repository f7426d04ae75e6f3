// Nothing vanishes under a finger, and nothing that somebody types: a press that ends on another element than it began
// on is lost. `steady.holds(part)` says whether a press is under way there, `steady.after(put)` puts when it is over.
"use strict";

window.steady = (() => {
  const CLICK_MS = 400; // after a finger has left, its click comes by then
  const HELD_MS = 2000; // no press takes longer; a palm that rests there, or a finger whose leaving was never told, keeps nothing back
  const TWICE_MS = 1000; // a form that is sent again by the same button so soon was pressed twice by one hand
  const PRESSED = "button, a, summary, label, input, textarea, select"; // a finger on anything else keeps nothing back
  let pressed = null;
  let over = 0;
  let atMost = 0;
  let waiting = [];

  const ended = () => {
    clearTimeout(over);
    clearTimeout(atMost);
    pressed = null;
    const puts = waiting;
    waiting = [];
    for (const put of puts) put();
  };
  const endsIn = (ms) => {
    clearTimeout(over);
    over = setTimeout(ended, ms);
  };
  const begins = (target) => {
    if (!target) return;
    clearTimeout(over);
    if (pressed === null) atMost = setTimeout(ended, HELD_MS); // several in a row, too, keep nothing back for longer
    pressed = target;
  };
  const holds = (part) => pressed !== null && part.contains(pressed);
  const after = (put) => waiting.push(put);

  const on = (kind, does) => document.addEventListener(kind, does, { capture: true, passive: true });
  on("pointerdown", (event) => begins(event.target.closest(PRESSED)));
  on("pointerup", () => endsIn(CLICK_MS));
  on("pointercancel", () => endsIn(0));
  on("click", () => endsIn(0)); // when whoever listens has heard it
  on("keydown", (event) => { if (event.key === " " && !event.repeat) begins(event.target.closest("button, summary")); });
  on("keyup", (event) => { if (event.key === " " && pressed !== null) endsIn(0); });
  window.addEventListener("blur", () => endsIn(0));

  const fields = "input:not([type=hidden]), textarea, select";
  const isTyped = (field) => (field.defaultValue ?? field.value) !== field.value; // htmx gives the new one the focus again
  const typedIn = (part) => [...part.querySelectorAll(fields)].some(isTyped);

  // A part that asks for itself again and again is replaced only by what differs, and never while it is in use: it
  // asks again. An answer to a form that was sent again meanwhile gives way to the one that follows.
  const shown = new Map();
  const sentAgain = new WeakSet();
  let pollFailed = null; // what a poll's failure told: said once however often it is asked, and gone when it is answered
  on("submit", (event) => { if (!event.target.matches("[data-scanner]")) sentAgain.add(event.target); }); // those queue
  document.addEventListener("htmx:beforeRequest", (event) => sentAgain.delete(event.detail.elt));
  document.addEventListener("htmx:beforeSwap", (event) => {
    const { target, xhr, requestConfig, isError } = event.detail;
    const { elt, triggeringEvent } = requestConfig;
    const byItself = target.contains(elt) && !triggeringEvent?.isTrusted;
    const polls = elt.matches("[hx-get][hx-trigger]");
    const notice = document.getElementById("notice");
    if (isError) {
      const failed = polls ? xhr.responseText : null;
      if (polls && failed === pollFailed) event.detail.shouldSwap = false;
      pollFailed = failed;
    } else if (byItself) {
      if (polls && pollFailed !== null) notice.replaceChildren();
      if (polls) pollFailed = null;
      const same = elt === target && shown.get(target.id) === xhr.responseText;
      if (same || holds(target) || typedIn(target)) event.detail.shouldSwap = false;
      else shown.set(target.id, elt === target ? xhr.responseText : null);
    } else {
      notice.replaceChildren();
      pollFailed = null;
      if (sentAgain.has(elt)) event.detail.shouldSwap = false;
      else shown.set(target.id, null);
    }
  });

  const sent = new WeakMap();
  document.addEventListener("submit", (event) => {
    if (event.defaultPrevented || event.target.method !== "post") return; // its script sees to it; a search does nothing
    const before = sent.get(event.target);
    const twice = before?.submitter === event.submitter && event.timeStamp - before.at < TWICE_MS;
    if (twice) event.preventDefault();
    else sent.set(event.target, { submitter: event.submitter, at: event.timeStamp });
  });

  // A key that is held presses once: the next thing that asks for an OK has not been read yet.
  document.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && event.repeat && event.target.closest("button, a, summary")) event.preventDefault();
  });

  return { holds, after };
})();
