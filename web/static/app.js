/* Small conveniences. It decides nothing: the server says what is hidden and what is wrong. */
(() => {
  "use strict";
  document.documentElement.classList.add("js");

  const applyHidden = () => {
    const live = document.getElementById("live");
    if (!live) return;
    const hidden = new Set((live.dataset.hidden || "").split(" ").filter(Boolean));
    for (const box of document.querySelectorAll("[data-field]")) {
      const hide = hidden.has(box.dataset.field);
      box.hidden = hide;
      // A hidden required field must not keep the browser from sending the form; nor one within.
      const away = hide || box.parentElement.closest("[data-field][hidden]");
      for (const input of box.querySelectorAll("[required], [data-required]")) {
        if (away) { input.dataset.required = "1"; input.required = false; }
        else if (input.dataset.required) { input.required = true; }
      }
    }
  };

  document.addEventListener("DOMContentLoaded", () => {
    applyHidden();
    const errors = document.getElementById("errors");
    if (errors) errors.focus();
    // On a phone the tab one is on may lie beyond the edge.
    for (const here of document.querySelectorAll(".tabs [aria-current]")) {
      const bar = here.parentElement;
      const beyond = here.offsetLeft + here.offsetWidth - bar.offsetLeft - bar.clientWidth;
      if (beyond > 0) bar.scrollLeft = beyond + 24;
    }
    // The last months come first.
    for (const trend of document.querySelectorAll(".trend")) {
      trend.parentElement.scrollLeft = trend.parentElement.scrollWidth;
    }
  });
  document.addEventListener("htmx:oobAfterSwap", applyHidden);
  document.addEventListener("htmx:afterSettle", applyHidden);

  // A second click on the same button does nothing; the server would refuse it anyway.
  document.addEventListener("submit", (event) => {
    const form = event.target;
    if (form.dataset.sent) { event.preventDefault(); return; }
    if (form.method === "post") {
      form.dataset.sent = "1";
      setTimeout(() => { delete form.dataset.sent; }, 8000);
    }
  });
  window.addEventListener("pageshow", () => {
    for (const form of document.forms) delete form.dataset.sent;
  });

  // Narrow a long list of names while typing.
  document.addEventListener("input", (event) => {
    const id = event.target.dataset && event.target.dataset.narrows;
    if (!id) return;
    const text = event.target.value.trim();
    for (const choice of document.querySelectorAll(`#${CSS.escape(id)} .choice`)) {
      const checked = choice.querySelector("input").checked;
      choice.hidden = !checked && text !== "" && !choice.textContent.includes(text);
    }
  });

  // Keyboard: "/" searches, j and k walk through a list, Enter opens.
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.target.closest("input, select, textarea, [contenteditable]")) return;
    if (event.key === "/") {
      const search = document.querySelector("[data-key='/']");
      if (search) { event.preventDefault(); search.focus(); search.select(); }
    }
    if (event.key === "j" || event.key === "k") {
      const links = [...document.querySelectorAll("[data-rows] .what a")]
        .filter((link) => !link.closest("details:not([open])"));
      if (!links.length) return;
      const at = links.indexOf(document.activeElement);
      const next = event.key === "j" ? Math.min(at + 1, links.length - 1) : Math.max(at - 1, 0);
      links[next].focus();
    }
  });
})();
