// The page: what a person does, on its way to the worker, and what comes back.

import { EXAMPLES, MODEL, VERSION } from "./build.js";
import { component } from "./components.js";
import { groupControls, spoken } from "./group_controls.js";
import { canvasOf, colourOf, faceUrl, layerOf, layerUrl, pictureUrl, swatch } from "./layers.js";
import { PageError, asPageError, noted, sentence } from "./messages.js";
import { lacking } from "./support.js";
import { connected } from "./worker_calls.js";

const find = (selector) => document.querySelector(selector);
const base = new URL("./", location.href).href, SIDES = ["input", "exemplar"];
const state = { shown: 0, input: null, exemplar: null, updating: false, again: false, opening: 0 };
const NOTHING_TAKEN = "Choose at least one attribute to take from the exemplar.";
const strength = find("#strength"), slider = find("#lomit-slider"), line = slider.querySelector("input");

/** Say what went wrong; what was there before stays. */
function complain(error, name) {
  const { kind, detail } = asPageError(error, name);
  if (kind === "fault") console.error(error);
  find("#fault p").textContent = sentence(kind, detail);
  find("#fault").hidden = false;
}

const call = connected(new URL("worker.js", base), ({ received, total }) => {
  find("#progress").value = received / total;
  find("#loading-text").textContent = `Loading ${(received / 1e6).toFixed(1)} of ${(total / 1e6).toFixed(1)} MB`;
});

// What the page shows.

const settings = () => ({ taken: groups.taken(), strength: Number(strength.value) });

/** Show a picture with the mask of the group that is painted. */
function showBrush(side) {
  const photo = state[side], group = groups.painted();
  state.shown += 1;
  photo.shown = { ...photo.shown, [group]: state.shown };
  photo.url ??= photo.plain ? null : pictureUrl(photo.screen, photo.editor);
  brushes[side].set({ id: state.shown, ...(photo.plain ?? {
    picture: photo.url, mask: layerUrl(photo.layers[group], photo.editor), found: layerUrl(photo.found[group], photo.editor),
  }) });
}

/** Show the masks of another group, once what was painted of the one before has arrived. */
async function showGroup() {
  for (const side of SIDES) {
    await state[side]?.arriving?.catch(() => {}); // whoever painted has heard of it
    if (state[side]) showBrush(side);
  }
}

function showFaces() {
  const { faces, face, screen, width } = state.input, scale = screen.width / width;
  const pictures = faces.map((window, n) => ({ url: faceUrl(screen, window, scale, 112), name: `Face ${n + 1}` }));
  facesStrip.set(pictures.length ? { chosen: face, pictures } : null);
}

/** Translate anew; while that is being done, only the last wish counts. */
async function update() {
  if (state.updating) {
    state.again = true;
    return;
  }
  state.updating = true;
  document.body.classList.add("working");
  do {
    state.again = false;
    try {
      const start = performance.now(), given = settings(), shown = given.taken.length ? await call("show", given) : null;
      if (shown) show(shown, performance.now() - start);
      else find("#lomit-status").textContent = given.taken.length ? "Open a picture and an exemplar." : NOTHING_TAKEN;
      find("#lomit-save-picture").disabled = !shown;
    } catch (error) {
      complain(error);
    }
  } while (state.again);
  state.updating = false;
  document.body.classList.remove("working");
}

function show({ before, after, notes }, milliseconds) {
  for (const [name, picture] of Object.entries({ before, after })) {
    const canvas = slider.querySelector(`.${name}`);
    Object.assign(canvas, { width: picture.width, height: picture.height });
    canvas.getContext("2d").drawImage(canvasOf(picture), 0, 0);
  }
  slider.hidden = false;
  state.results = (state.results ?? 0) + 1;
  slider.dataset.result = state.results;
  find("#lomit-status").textContent = [`Translated in ${milliseconds.toFixed(0)} ms`, ...notes.map((note) => `Note: ${noted(note)}`)].join("\n");
}

// What a person does.

async function open(side, file, name) {
  const mine = ++state.opening;
  document.body.classList.add("working");
  find("#lomit-status").textContent = `Looking at ${name} ...`;
  try {
    state[side] = await call("open", { side, file, name });
    find("#fault").hidden = true;
    showBrush(side);
    if (side === "input") showFaces();
  } catch (error) {
    complain(error, name);
  }
  if (mine === state.opening) document.body.classList.remove("working");
  await update();
}

async function example(side, index) {
  const { file, name } = EXAMPLES[index];
  try {
    const response = await fetch(new URL(file, base));
    if (!response.ok) throw new Error(`${file}: ${response.status}`);
    await open(side, await response.blob(), name);
  } catch (error) {
    complain(error, name);
  }
}

/** Take what was painted of the group whose mask had this id, also when another one is shown by now. */
async function paint(side, { id, mask }) {
  const photo = state[side], group = MODEL.groups.findIndex((_, g) => photo?.shown[g] === id);
  if (group < 0 || photo.plain) return;
  try {
    photo.arriving = layerOf(mask).then((layer) => { photo.layers[group] = layer; });
    await photo.arriving;
    if (await call("paint", { side, id: photo.id, group, layer: photo.layers[group] })) await update();
  } catch (error) {
    complain(error);
  }
}

async function takeColour(text) {
  const colour = colourOf(text), group = groups.coloured();
  if (!colour) return complain(new PageError("colour", { text }));
  const code = await call("colour", { colour, group });
  const name = MODEL.coloured.length > 1 ? `${code} (${spoken(MODEL.groups[group])})` : code;
  state.exemplar = { plain: swatch(code), name, code };
  find("#fault").hidden = true;
  showBrush("exemplar");
  return update();
}

async function chooseFace(face) {
  if (face === state.input.face) return;
  try {
    state.input = await call("face", { face });
    showBrush("input");
    showFaces();
  } catch (error) {
    complain(error);
  }
  await update();
}

async function save() {
  const button = find("#lomit-save-picture");
  button.disabled = true;
  document.body.classList.add("working");
  try {
    const blob = await call("save", settings()), link = document.createElement("a");
    link.href = URL.createObjectURL(blob);
    link.download = `${plain(state.input.name)}_as_${plain(state.exemplar.name)}.png`;
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
  } catch (error) {
    complain(error, state.input.name);
  }
  button.disabled = !groups.taken().length;
  document.body.classList.remove("working");
}

/** A picture's name without its ending and without what file systems dislike. */
function plain(name) {
  return name.replace(/\.[^.]*$/, "").replace(/[^\p{L}\p{N}_.-]+/gu, "_").replace(/^[._]+|[._]+$/g, "").slice(0, 60) || "picture";
}

// Setting it up.

const brushes = Object.fromEntries(SIDES.map((side) => [
  side, component("brush", find(`#lomit-${side}-mask`), null, (event, data, value) => paint(side, value)),
]));
const groups = groupControls(MODEL, {
  taken: update,
  painted: showGroup,
  coloured: () => state.exemplar?.plain && takeColour(state.exemplar.code),
});
const facesStrip = component("strip", find("#lomit-faces"), null, (event, { index }) => chooseFace(index),
  { title: "Click on the face to change", named: true });

function connectFiles(side) {
  const drop = find(`#lomit-${side}-file`), input = drop.querySelector("input");
  const take = (files) => { if (files[0] && !input.disabled) open(side, files[0], files[0].name || "the pasted picture"); };
  input.addEventListener("change", () => {
    take(input.files);
    input.value = "";
  });
  const section = find(`#lomit-${side}`);
  for (const name of ["dragover", "dragleave", "drop"]) {
    section.addEventListener(name, (event) => {
      event.preventDefault();
      drop.classList.toggle("over", name === "dragover");
      if (name === "drop") take(event.dataTransfer.files);
    });
  }
}

function connect() {
  const tray = { chosen: null, pictures: EXAMPLES.map(({ file, name }) => ({ url: new URL(file, base).href, name })) };
  for (const side of SIDES) {
    connectFiles(side);
    component("strip", find(`#lomit-${side}-examples`), tray, (event, { index }) => example(side, index), { title: "Examples" });
    find(`#lomit-${side}-file input`).disabled = false;
  }
  component("colour", find("#lomit-colour"), MODEL.swatches, (event, { colour }) => takeColour(colour));
  strength.addEventListener("input", () => {
    find("#strength-value").textContent = strength.value;
    update();
  });
  strength.disabled = false;
  groups.show();
  document.addEventListener("paste", (event) => {
    const file = [...event.clipboardData.files].find(({ type }) => type.startsWith("image/"));
    if (file) open("input", file, "the pasted picture");
  });
  find("#lomit-save-picture").addEventListener("click", save);
}

line.addEventListener("input", () => slider.style.setProperty("--cut", `${line.value}%`));
find("#fault button").addEventListener("click", () => { find("#fault").hidden = true; });

/** Let a service worker keep the page; whether it does. */
async function keep() {
  if (!navigator.serviceWorker) return false;
  try {
    await navigator.serviceWorker.register(new URL("sw.js", base), { scope: base });
    await navigator.serviceWorker.ready;
    return true;
  } catch (error) {
    console.warn(error); // private windows: the page works, but not without a network
    return false;
  }
}

async function start() {
  const missing = lacking();
  if (missing) throw missing;
  const kept = keep(), loaded = await call("load", { base, cacheName: `lomit ${base} ${VERSION}` });
  find("#loading").hidden = true;
  connect();
  await example("input", 0);
  await example("exemplar", 1);
  const offline = loaded.kept && await kept;
  find("#offline").textContent = offline ? "Loaded: it works without a network now." : "";
  document.body.dataset.ready = offline ? "offline" : "online";
}

start().catch((error) => {
  find("#loading").hidden = true;
  complain(error);
});
