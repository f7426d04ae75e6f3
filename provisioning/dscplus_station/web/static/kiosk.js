// What every page of the kiosk does: lock when nobody is there, and let a scan go from one field to the next.
"use strict";

(() => {
  const LOCK_AGAIN_MS = 30000;
  const idle = Number(document.body.dataset.idleSeconds || 0) * 1000;
  if (idle) {
    // The station judges for itself; this clock only shows it. A person who reads or types keeps the page open.
    let last = Date.now();
    let told = last;
    let locking = -Infinity;
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
      const now = Date.now();
      if (now - last < idle || now - locking < LOCK_AGAIN_MS) return; // sent again, it would stop the one on its way
      locking = now;
      document.getElementById("lock").requestSubmit();
    }, 1000);
  }

  // `data-then="ID"`: Enter in this field (a scanner ends with it) leads to that one, while it is empty.
  document.addEventListener("keydown", (event) => {
    const then = event.key === "Enter" && document.getElementById(event.target.dataset?.then);
    if (then && !then.value) {
      event.preventDefault();
      if (event.target.value) then.focus();
    }
  });
})();
