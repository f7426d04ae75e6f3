// What every page of the kiosk does: lock when nobody is there, and let a scan go from one field to the next.
"use strict";

(() => {
  const idle = Number(document.body.dataset.idleSeconds || 0) * 1000;
  if (idle) {
    // The station judges for itself; this clock only shows it. A person who reads or types keeps the page open.
    let last = Date.now();
    let told = last;
    const here = () => {
      last = Date.now();
      if (last - told > idle / 4) {
        told = last;
        const token = JSON.parse(document.body.getAttribute("hx-headers"))["X-CSRF-Token"];
        fetch("/still-here", { method: "POST", headers: { "X-CSRF-Token": token } }).catch(() => {});
      }
    };
    for (const kind of ["keydown", "pointerdown"]) {
      document.addEventListener(kind, here, { capture: true, passive: true });
    }
    setInterval(() => {
      if (Date.now() - last >= idle) document.getElementById("lock").requestSubmit();
    }, 1000);
  }

  // A part that asks for itself again and again is replaced only by what differs: under a finger that presses, or
  // under a screen reader that speaks, nothing may vanish and come back the same.
  const shown = new Map();
  document.addEventListener("htmx:beforeSwap", (event) => {
    const { target, xhr, requestConfig } = event.detail;
    const again = requestConfig.elt === target;
    if (again && shown.get(target.id) === xhr.responseText) event.detail.shouldSwap = false;
    shown.set(target.id, again ? xhr.responseText : null);
  });

  // `data-then="ID"`: Enter in this field (a scanner ends with it) leads to that one, while it is empty.
  document.addEventListener("keydown", (event) => {
    const then = event.key === "Enter" && document.getElementById(event.target.dataset?.then);
    if (then && !then.value) {
      event.preventDefault();
      if (event.target.value) then.focus();
    }
  });
})();
