// The scanner, caught wherever the focus is. A scanner is a keyboard that types fast and ends with Enter:
// `<form data-scanner data-target="#…" hx-swap="outerHTML">` with one text field. Whatever is typed outside of a field
// goes into it. Scans are sent one after the other, in their order, and each answer takes the place of the target.
"use strict";

(() => {
  const form = document.querySelector("[data-scanner]");
  if (!form) return;
  const field = form.querySelector("input:not([type=hidden])");
  const sent = form.querySelector("[data-sent]");
  const unsent = form.querySelector("[data-unsent-sign]");
  const FAST_MS = 50; // between two keys of a scanner, on average; between two of a person are 80 and more
  const PAUSE_MS = 300; // longer than any pause within a scan
  const SHORTEST = 8; // characters of a barcode of ours
  let keys = []; // what was typed since the last Enter: [character, when]
  const waiting = [];
  let sending = false;

  // What a person had typed and left before a scan came on top of it is no part of the scan: here is where that may have
  // begun. The station decides (web/scanned.py), since half of a scan that stalled looks just so.
  const burstIn = (typed) => {
    let start = keys.length - 1;
    while (start > 0 && keys[start][1] - keys[start - 1][1] < PAUSE_MS) start -= 1;
    const tail = keys.slice(Math.max(start, 0));
    const text = tail.map(([character]) => character).join("");
    const fast = tail.length >= SHORTEST && (tail.at(-1)[1] - tail[0][1]) / (tail.length - 1) <= FAST_MS;
    return fast && typed.length > text.length && typed.endsWith(text) ? text : "";
  };

  const send = async () => {
    if (sending) return;
    sending = true;
    form.setAttribute("aria-busy", "true");
    while (waiting.length) {
      const values = waiting.shift();
      sent.textContent = waiting.length ? `+${waiting.length}` : "";
      try {
        await htmx.ajax("POST", form.getAttribute("action"), { source: form, target: form.dataset.target, values });
      } catch { /* told below */ }
    }
    sending = false;
    form.removeAttribute("aria-busy");
  };

  // No answer: whether it was taken is not known, and whatever was scanned after it would be out of place.
  const concerns = ({ elt, target }) => elt === form || target?.matches?.(form.dataset.target);
  const notAnswered = (event) => {
    if (!concerns(event.detail)) return;
    waiting.length = 0;
    unsent.textContent = form.dataset.unsent;
  };
  document.body.addEventListener("htmx:sendError", notAnswered);
  document.body.addEventListener("htmx:timeout", notAnswered);
  document.body.addEventListener("htmx:beforeSwap", (event) => { if (concerns(event.detail)) unsent.textContent = ""; });

  form.addEventListener("submit", (event) => {
    event.preventDefault();
    event.stopPropagation();
    const code = field.value.trim();
    const burst = burstIn(field.value).trim();
    field.value = "";
    keys = [];
    if (code) { waiting.push({ code, burst }); send(); }
  });

  const editable = (element) => element?.matches?.("input:not([type=checkbox], [type=radio]), textarea, select, [contenteditable]");

  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.altKey || event.metaKey || event.isComposing) return;
    const character = event.key.length === 1 ? event.key : null;
    if (character === null) return;
    if (event.target !== field && editable(event.target)) return;
    // A space on a button presses it; any other character is the beginning of a scan, or of what somebody types.
    if (event.target !== field && (character !== " " || keys.length)) field.focus();
    if (document.activeElement === field) keys.push([character, event.timeStamp]);
  }, { capture: true });

  field.addEventListener("blur", () => { keys = []; });

  // The focus is never lost: a click beside everything, a part that was replaced, a return to the window.
  const back = () => { if (!document.activeElement || document.activeElement === document.body) field.focus(); };
  document.addEventListener("pointerup", () => setTimeout(back));
  document.addEventListener("htmx:afterSettle", back);
  window.addEventListener("focus", back);
  back();
})();
