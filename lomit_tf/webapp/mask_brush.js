// The mask painter's behaviour. Gradio gives `element`, `props`, `trigger` and `watch`.
// props.value from the server: {id, picture, mask, found}, the last three data: URLs, and plain: true where there is
// nothing to paint; null for no picture.
// props.value to the server, with an "input" event: {id, mask}.
const find = (name) => element.querySelector(".mb-" + name);
const root = find("empty").closest(".mb");
const [frame, picture, canvas, cursor, sizer] = ["frame", "picture", "mask", "cursor", "size"].map(find);
const context = canvas.getContext("2d", { willReadFrequently: true });
const stamp = document.createElement("canvas");
const TINT = "#ff2d55", KEPT = 25, AWAY = 10000;
const ARROWS = { arrowleft: [-1, 0], arrowright: [1, 0], arrowup: [0, -1], arrowdown: [0, 1] };
let id = null, found = null, past = [], future = [], stroke = null, erasing = false, soft = true, loads = 0, spot = null;

function image(url) {
  return new Promise((resolve, reject) => {
    const made = new Image();
    made.onload = () => resolve(made);
    made.onerror = reject;
    made.src = url;
  });
}

async function load() {
  const value = props.value;
  if (value && !value.picture) return; // our own painting, on its way to the server
  const mine = ++loads;
  root.classList.toggle("mb-none", !value);
  if (!value) { id = null; refresh(); return; }
  const [shown, mask, own] = await Promise.all([value.picture, value.mask, value.found].map(image));
  if (mine !== loads) return;
  if (stroke) finish(true); // a stroke in this moment belongs to what was shown so far
  root.classList.toggle("mb-plain", Boolean(value.plain));
  picture.src = shown.src;
  for (const c of [canvas, stamp]) { c.width = mask.naturalWidth; c.height = mask.naturalHeight; }
  context.drawImage(mask, 0, 0);
  [id, found, past, future, stroke, spot] = [value.id, own, [], [], null, null];
  refresh();
}

function refresh() {
  find("undo").disabled = !past.length;
  find("redo").disabled = !future.length;
  for (const name of ["clear", "restore", "see"]) find(name).disabled = id === null;
  const press = (name, on) => find(name).setAttribute("aria-pressed", on);
  press("paint", !erasing); press("erase", erasing); press("soft", soft); press("hard", !soft);
  root.dataset.id = id ?? "";
}

const snapshot = () => context.getImageData(0, 0, canvas.width, canvas.height);

function send() {
  refresh();
  props.value = { id, mask: canvas.toDataURL("image/png") };
  trigger("input");
}

function change(draw) { // one step that can be undone
  if (id === null) return;
  past.push(snapshot());
  if (past.length > KEPT) past.shift();
  future = [];
  draw();
  send();
}

function step(from, to) {
  if (!from.length || stroke) return;
  to.push(snapshot());
  context.putImageData(from.pop(), 0, 0);
  send();
}

// The brush's diameter in the picture's pixels, from the slider's per cent of its longer side.
const diameter = () => Math.max(2, sizer.value / 100 * Math.max(canvas.width, canvas.height));

function at(event) {
  const box = canvas.getBoundingClientRect();
  return [(event.clientX - box.left) / box.width * canvas.width, (event.clientY - box.top) / box.height * canvas.height];
}

function drawStroke() {
  // The whole stroke at once, so that a soft edge is equally soft wherever the stroke crosses itself.
  const pen = stamp.getContext("2d"), wide = diameter();
  pen.clearRect(0, 0, stamp.width, stamp.height);
  pen.lineCap = pen.lineJoin = "round";
  pen.strokeStyle = TINT;
  pen.shadowColor = soft ? TINT : "transparent";
  pen.shadowBlur = soft ? wide * 0.35 : 0;
  pen.shadowOffsetX = soft ? AWAY : 0; // a shadow alone is a stroke with a Gaussian edge, in every browser
  pen.lineWidth = soft ? wide * 0.7 : wide;
  const left = soft ? AWAY : 0;
  pen.beginPath();
  stroke.points.forEach(([x, y], n) => (n ? pen.lineTo(x - left, y) : pen.moveTo(x - left, y)));
  if (stroke.points.length === 1) pen.lineTo(stroke.points[0][0] - left + 0.01, stroke.points[0][1]);
  pen.stroke();
  context.putImageData(stroke.before, 0, 0);
  context.globalCompositeOperation = stroke.erasing ? "destination-out" : "source-over";
  context.drawImage(stamp, 0, 0);
  context.globalCompositeOperation = "source-over";
}

function showCursor(left, top) {
  const wide = diameter() * canvas.getBoundingClientRect().width / canvas.width;
  cursor.style.cssText = `width:${wide}px;height:${wide}px;left:${left}px;top:${top}px`;
}

function moveCursor(event) {
  const box = frame.getBoundingClientRect();
  root.classList.remove("mb-keys");
  showCursor(event.clientX - box.left, event.clientY - box.top);
}

// Without a mouse: arrow keys move the brush, space paints where it is, and arrow keys with Shift draw a line.
function byKeys(key, draws) {
  if (id === null || stroke || root.classList.contains("mb-plain")) return;
  const from = spot ?? [canvas.width / 2, canvas.height / 2], [across, down] = ARROWS[key] ?? [0, 0];
  const step = Math.max(1, diameter() / 2), within = (place, size) => Math.max(0, Math.min(size, place));
  spot = [within(from[0] + across * step, canvas.width), within(from[1] + down * step, canvas.height)];
  const box = canvas.getBoundingClientRect();
  root.classList.add("mb-keys");
  showCursor(spot[0] / canvas.width * box.width, spot[1] / canvas.height * box.height);
  if (key !== " " && !draws) return;
  stroke = { points: key === " " ? [spot] : [from, spot], before: snapshot(), erasing, pointer: "keys" };
  finish(true);
}

canvas.addEventListener("pointerdown", (event) => {
  if (id === null || !event.isPrimary || event.button !== 0 || stroke) return;
  canvas.setPointerCapture(event.pointerId);
  stroke = { points: [at(event)], before: snapshot(), erasing, pointer: event.pointerId };
  drawStroke();
});
canvas.addEventListener("pointermove", (event) => {
  moveCursor(event);
  if (!stroke || event.pointerId !== stroke.pointer) return;
  const events = event.getCoalescedEvents?.() ?? [];
  for (const e of events.length ? events : [event]) stroke.points.push(at(e));
  if (stroke.waiting) return;
  stroke.waiting = true;
  requestAnimationFrame(() => { if (stroke) { stroke.waiting = false; drawStroke(); } });
});
const end = (event, keep) => { if (event.pointerId === stroke?.pointer) finish(keep); };
function finish(keep) {
  if (keep) drawStroke();
  const { before } = stroke;
  stroke = null;
  if (!keep) { context.putImageData(before, 0, 0); return; } // the finger's start became a pinch or a scroll
  past.push(before);
  if (past.length > KEPT) past.shift();
  future = [];
  send();
}
canvas.addEventListener("pointerup", (event) => end(event, true));
canvas.addEventListener("pointercancel", (event) => end(event, false));

const onClick = (name, act) => find(name).addEventListener("click", () => { act(); refresh(); });
onClick("paint", () => { erasing = false; });
onClick("erase", () => { erasing = true; });
onClick("soft", () => { soft = true; });
onClick("hard", () => { soft = false; });
onClick("undo", () => step(past, future));
onClick("redo", () => step(future, past));
onClick("clear", () => change(() => context.clearRect(0, 0, canvas.width, canvas.height)));
onClick("restore", () => change(() => {
  context.clearRect(0, 0, canvas.width, canvas.height);
  context.drawImage(found, 0, 0);
}));
onClick("see", () => {
  const hidden = root.classList.toggle("mb-unseen");
  find("see").textContent = hidden ? "Show mask" : "Hide mask";
});
root.addEventListener("keydown", (event) => {
  const key = event.key.toLowerCase(), control = event.ctrlKey || event.metaKey;
  if (control && key === "z") (event.shiftKey ? step(future, past) : step(past, future));
  else if (control && key === "y") step(future, past);
  else if (key === "[" || key === "]") sizer.value = Number(sizer.value) + (key === "]" ? 2 : -2);
  else if (event.target === root && !control && (key === " " || ARROWS[key])) byKeys(key, event.shiftKey);
  else return;
  event.preventDefault();
});

watch("value", load);
load();
