/* The inbox by keyboard: x ticks the line one stands on. "/", j and k are in app.js. */
(() => {
  "use strict";
  const bar = document.getElementById("bulk");
  const boxes = () => [...document.querySelectorAll("input[name=task][form=bulk]")];

  // The button says how many are chosen; without this script it works all the same.
  const count = () => {
    const button = bar.querySelector("button");
    const chosen = boxes().filter((box) => box.checked).length;
    let badge = button.querySelector("b");
    if (!badge && chosen) { badge = document.createElement("b"); button.append(badge); }
    if (badge) { badge.hidden = !chosen; badge.textContent = String(chosen); }
  };

  if (!bar) return;
  document.addEventListener("change", (event) => {
    if (event.target.form === bar) count();
  });
  window.addEventListener("pageshow", count);
  document.addEventListener("keydown", (event) => {
    if (event.key !== "x" || event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.target.closest("input:not([type=checkbox]), select, textarea")) return;
    const line = event.target.closest("[data-rows] li");
    const box = line && line.querySelector(":scope > .tick input[name=task]");
    if (box) { box.checked = !box.checked; count(); }
  });
})();
