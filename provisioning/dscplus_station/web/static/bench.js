// The bench: the seconds run, a verdict is heard, and who does not see the page is told.
"use strict";

(() => {
  const main = document.getElementById("main");
  const calmly = document.querySelector("[data-say-calmly]");
  const now = document.querySelector("[data-say-now]");
  const heard = new Map(); // what was heard already, by element: a page that comes back does not sound again

  // --- tones, made here: two rising for a pass, a low one that repeats for a stop, a short one for a scan ---
  const TONES = {
    pass: [[660, 0, 0.12], [990, 0.13, 0.22]],
    fail: [[196, 0, 0.22], [196, 0.3, 0.22], [196, 0.6, 0.3]],
    interrupted: [[330, 0, 0.15], [262, 0.17, 0.25]],
    done: [[880, 0, 0.07]],
    refused: [[220, 0, 0.18], [175, 0.2, 0.3]],
  };
  let audio = null;
  const sound = (name) => {
    const notes = TONES[name];
    if (!notes || !window.AudioContext) return;
    audio ??= new AudioContext();
    if (audio.state === "suspended") audio.resume().catch(() => {});
    for (const [pitch, after, seconds] of notes) {
      const start = audio.currentTime + after;
      const voice = new OscillatorNode(audio, { type: "triangle", frequency: pitch });
      const loudness = new GainNode(audio, { gain: 0 });
      loudness.gain.setValueAtTime(0, start);
      loudness.gain.linearRampToValueAtTime(0.25, start + 0.01);
      loudness.gain.linearRampToValueAtTime(0, start + seconds);
      voice.connect(loudness).connect(audio.destination);
      voice.start(start);
      voice.stop(start + seconds);
    }
    document.dispatchEvent(new CustomEvent("bench:tone", { detail: name }));
  };

  const say = (text, atOnce) => { (atOnce ? now : calmly).textContent = text; };

  const notice = (element, silent) => {
    const key = element.dataset.key;
    if (key === undefined || heard.get(element.id) === key) return;
    const first = !heard.has(element.id);
    heard.set(element.id, key);
    if (silent || first) return;
    const look = element.dataset.look || element.dataset.tone;
    sound(look);
    if (element.dataset.say) say(element.dataset.say, look === "fail" || look === "refused");
  };

  const all = (root) => [root, ...root.querySelectorAll("[data-key]")].filter((one) => one.dataset?.key !== undefined);
  all(main).forEach((one) => notice(one, true));
  document.addEventListener("stream:put", (event) => all(event.detail.part).forEach((one) => notice(one, false)));
  document.body.addEventListener("htmx:afterSwap", () => {
    const desk = document.getElementById("desk");
    if (desk) notice(desk, false);
  });

  // --- seconds: the station tells them with each step, and they run on in between ---
  const since = new WeakMap();
  setInterval(() => {
    for (const clock of document.querySelectorAll("[data-running]")) {
      if (!since.has(clock)) since.set(clock, performance.now());
      const seconds = Number(clock.dataset.seconds) + (performance.now() - since.get(clock)) / 1000;
      if (!document.body.classList.contains("stream-lost")) clock.textContent = Math.floor(seconds);
    }
  }, 250);
})();
