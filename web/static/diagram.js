/* Draws a matter's procedure with bpmn-js and marks what is done, present and skipped. */
(() => {
  "use strict";
  const box = document.getElementById("diagram");
  if (!box || typeof BpmnJS === "undefined") return;
  const marks = JSON.parse(box.dataset.marks);
  const viewer = new BpmnJS({ container: box });

  const show = async () => {
    const answer = await fetch(box.dataset.source, { credentials: "same-origin" });
    if (!answer.ok) throw new Error(`diagram: ${answer.status}`);
    await viewer.importXML(await answer.text());
    const canvas = viewer.get("canvas");
    const registry = viewer.get("elementRegistry");
    const overlays = viewer.get("overlays");
    const now = [];
    for (const [id, state] of Object.entries(marks)) {
      const element = registry.get(id);
      if (!element) continue;
      const stage = element.type === "bpmn:SubProcess";
      canvas.addMarker(id, `${stage ? "stage" : "is"}-${state}`);
      if (state === "now" && !stage) {
        now.push(element);
        const flag = document.createElement("span");
        flag.className = "now-flag";
        flag.textContent = box.dataset.now;
        overlays.add(id, { position: { top: -14, left: 6 }, html: flag });
      }
    }
    // A flow is walked when both its ends were.
    for (const flow of registry.filter((e) => e.type === "bpmn:SequenceFlow")) {
      const from = marks[flow.source.id];
      const to = marks[flow.target.id];
      if (from === "done" && (to === "done" || to === "now")) canvas.addMarker(flow.id, "is-done");
    }
    const fit = () => canvas.zoom("fit-viewport", "auto");
    const toNow = () => {
      if (!now.length) { fit(); return; }
      // The present step may stand in a closed subprocess, which has a plane of its own.
      canvas.setRootElement(canvas.findRoot(now[0]));
      const size = canvas.getSize();
      const scale = 0.9;
      const { x, y, width, height } = now[0];
      canvas.viewbox({
        x: x + width / 2 - size.width / scale / 2,
        y: y + height / 2 - size.height / scale / 2,
        width: size.width / scale,
        height: size.height / scale,
      });
    };
    const actions = {
      in: () => canvas.zoom(canvas.zoom() * 1.3),
      out: () => canvas.zoom(canvas.zoom() / 1.3),
      fit,
      now: toNow,
    };
    for (const button of box.querySelectorAll("[data-zoom]")) {
      button.addEventListener("click", () => actions[button.dataset.zoom]());
    }
    toNow();
    box.dataset.ready = "1";
  };

  show().catch(() => {
    document.getElementById("diagram-text").open = true;
    box.hidden = true;
  });
})();
