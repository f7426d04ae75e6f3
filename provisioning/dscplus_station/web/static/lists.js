// A scan anywhere on these pages goes into the search field, and its Enter opens what it names.
"use strict";

(() => {
  const field = () => document.querySelector("[data-scan]");

  document.addEventListener("keydown", (event) => {
    const to = field();
    if (!to || event.ctrlKey || event.metaKey || event.altKey || event.key.length !== 1 || event.key === " ") return;
    if (event.target.matches("input, select, textarea")) return;
    to.focus();
    to.select(); // the key itself replaces what stood there
  });

  // What stands in the field after a page was shown is replaced by the next scan, not made longer.
  document.addEventListener("focusin", (event) => {
    if (event.target.matches("[data-scan]")) event.target.select();
  });
  const to = field();
  if (to && document.activeElement === to) to.select();
})();
