// The page: images in, bars out. All that it knows of the model it reads from the model's own files.

import { Classifier, decode } from "./edgetl-classifier/classifier.js";
import { box } from "./edgetl-classifier/resample.js";
import { selfTest, STEPS } from "./edgetl-classifier/selftest.js";
import { keptOffline } from "./offline.js";

const TOP = 5; // classes that are shown
const PAUSE_MS = 100; // between two frames of the camera: ten predictions a second are enough to see, and spare the battery
const STEADY_MS = 2000; // between two announcements to screen readers of what the camera sees

const at = (id) => document.getElementById(id);
const percent = (share) => `${(100 * share).toFixed(1)}\u00a0%`;
// Of an image that shows none of the classes: who knows one class an image is not sure, who knows several has learned what shows none.
const ONE = { verdict: "Not sure", guesses: "Perhaps none of what it knows. Best guesses:", announced: "Not sure. Best guess: " };
const SEVERAL = { verdict: "None of the classes", guesses: "Nearest to it:", announced: "None of the classes. Nearest to it: " };
const without = ({ several }) => (several ? SEVERAL : ONE);
const EDGE = 960; // pixels of the longer edge of an image on the page
const later = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

const loading = keptOffline().then(() => Classifier.load()).then(framed);
let input; // what the model takes, once it is loaded
let turn = 0; // of the newest image, or of the camera: what an older one predictions is not shown any more

function problem(text) {
  at("problem").textContent = text;
  at("problem").hidden = !text;
}

function element(tag, properties = {}, ...children) {
  const made = Object.assign(document.createElement(tag), properties);
  made.append(...children);
  return made;
}

// Gives what is shown of an image the proportions of the model's input.
function framed(classifier) {
  input = classifier.input;
  const [stage, canvas, longer] = [at("stage"), at("preview"), Math.max(input.width, input.height)];
  stage.style.setProperty("--ratio", input.width / input.height);
  stage.style.setProperty("--fit", input.crop === "none" ? "fill" : "cover");
  canvas.width = (EDGE * input.width) / longer;
  canvas.height = (EDGE * input.height) / longer;
  return classifier;
}

// The part of an image or video that the model sees.
function draw(image, width, height, name) {
  const canvas = at("preview");
  const { left, top, wide, high } = box(width, height, input);
  const context = canvas.getContext("2d");
  context.fillStyle = "white";
  context.fillRect(0, 0, canvas.width, canvas.height);
  context.imageSmoothingQuality = "high";
  context.drawImage(image, left, top, wide, high, 0, 0, canvas.width, canvas.height);
  canvas.setAttribute("aria-label", name);
  canvas.hidden = false;
  at("hint").hidden = true;
  at("stage").classList.add("filled");
}

function show({ best, present, modelMs, totalMs }, classifier) {
  at("state").hidden = true;
  at("unsure").hidden = present.length > 0;
  at("prediction").replaceChildren(
    ...best.map(({ className, probability }) => {
      const bar = element("span", { className: "bar", ariaHidden: "true" });
      bar.style.setProperty("--share", `${100 * probability}%`);
      const properties = { className: present.includes(className) ? "present" : "" };
      return element("li", properties, element("bdi", { textContent: className }), element("span", { className: "share", textContent: percent(probability) }), bar);
    }),
  );
  at("latency").textContent = `${modelMs.toFixed(1)} ms in ${classifier.runtime} on the ${classifier.accelerator}, ${totalMs.toFixed(0)} ms in all`;
  at("latency").hidden = false;
}

function announce({ best, present }, classifier) {
  const named = best.slice(0, Math.max(present.length, 1)).map(({ className, probability }) => `${className}, ${percent(probability)}`);
  at("announced").textContent = `${present.length ? "" : without(classifier).announced}${named.join("; ")}`;
}

async function showImage(image) {
  stopCamera();
  const mine = ++turn;
  problem("");
  const name = image.name || "Image";
  let bitmap;
  try {
    bitmap = await decode(image);
  } catch {
    return problem(`${name} cannot be read as an image here.`);
  }
  try {
    const classifier = await loading;
    if (mine !== turn) return;
    draw(bitmap, bitmap.width, bitmap.height, name);
    const prediction = await classifier.classify(bitmap, TOP);
    if (mine !== turn) return;
    show(prediction, classifier);
    announce(prediction, classifier);
  } catch (error) {
    problem(`It cannot be classified: ${error.message}`);
  } finally {
    bitmap.close();
  }
}

const CAMERA_PROBLEMS = {
  NotAllowedError: "The camera is not allowed: allow it in the browser's settings for this page.",
  NotFoundError: "There is no camera.",
  NotReadableError: "The camera is in use by another program.",
};

async function startCamera() {
  const mine = ++turn;
  problem("");
  if (!navigator.mediaDevices) return problem("Browsers give the camera to pages of https or localhost only.");
  const video = at("video");
  try {
    const stream = await navigator.mediaDevices.getUserMedia({ video: { facingMode: "environment", width: { ideal: 1280 } } });
    if (mine !== turn) return stream.getTracks().forEach((track) => track.stop());
    stream.getVideoTracks()[0].addEventListener("ended", stopCamera);
    video.srcObject = stream;
    await video.play();
    if (mine !== turn) return;
    video.hidden = false;
    at("preview").hidden = at("hint").hidden = true;
    at("stage").classList.add("filled");
    at("camera").ariaPressed = "true";
    at("camera").textContent = "Stop camera";
    await watch(video, mine);
  } catch (error) {
    if (mine !== turn) return; // it was stopped meanwhile
    stopCamera();
    problem(CAMERA_PROBLEMS[error.name] ?? `The camera cannot be used: ${error.message}`);
  }
}

async function watch(video, mine) {
  const classifier = await loading;
  let [announced, said] = [0, null];
  while (mine === turn && video.srcObject) {
    const prediction = await classifier.classify(video, TOP);
    if (mine !== turn) return;
    show(prediction, classifier);
    const shows = prediction.present.join();
    if (shows !== said && performance.now() - announced > STEADY_MS) {
      [announced, said] = [performance.now(), shows];
      announce(prediction, classifier);
    }
    await later(PAUSE_MS);
    await new Promise(requestAnimationFrame); // none while the page is not seen
  }
}

// The last frame stays.
function stopCamera() {
  const video = at("video");
  if (!video.srcObject) return;
  turn++;
  if (video.videoWidth && input) draw(video, video.videoWidth, video.videoHeight, "The camera's last frame");
  for (const track of video.srcObject.getTracks()) track.stop();
  video.srcObject = null;
  video.hidden = true;
  at("camera").ariaPressed = "false";
  at("camera").textContent = "Use camera";
}

async function prove() {
  const [button, verdict] = [at("prove"), at("verdict")];
  if (button.ariaBusy === "true") return;
  button.ariaBusy = "true";
  verdict.className = "verdict";
  verdict.textContent = "Running …";
  const steps = STEPS.map((text) => element("li", {}, text));
  at("steps").replaceChildren(...steps);
  at("steps").hidden = false;
  try {
    const facts = await selfTest(await loading, (index) => steps[index].classList.add("passed"));
    const otherwise = facts.other_decisions ? `, ${facts.other_decisions} decided otherwise` : "";
    verdict.textContent = `Passed: ${facts.images} images, ${facts.max_steps.toFixed(1)} of 256 steps off at most${otherwise}`;
    verdict.classList.add("passed");
  } catch (error) {
    steps.find((step) => !step.classList.contains("passed"))?.classList.add("failed");
    verdict.textContent = `Failed: ${error.message}`;
    verdict.classList.add("failed");
  }
  button.ariaBusy = "false";
}

// At the first start this times the accelerators, which takes seconds; later, and for a page that cannot keep the choice, it shows it.
async function accelerate(again = false) {
  const [button, chosen] = [at("accelerate"), at("chosen")];
  if (button.ariaBusy === "true") return;
  button.ariaBusy = "true";
  chosen.textContent = "Timing …";
  try {
    const classifier = await loading;
    const { name, rows } = await classifier.accelerate({ again });
    const item = (row) => element("li", { textContent: row, className: name && row.startsWith(`${name}:`) ? "chosen" : "" });
    at("accelerators").replaceChildren(...rows.map(item));
    chosen.textContent = name ? `The model runs on the ${name}.` : `None gives the known predictions: run the self-test. The model runs on the ${classifier.accelerator}.`;
  } catch (error) {
    chosen.textContent = `They cannot be timed: ${error.message}`;
  }
  button.ariaBusy = "false";
}

// The lowest and the highest of the thresholds.
function between(thresholds) {
  const [lowest, highest] = [Math.min(...thresholds), Math.max(...thresholds)];
  return lowest === highest ? percent(lowest) : `${percent(lowest)} to ${percent(highest)}, by class`;
}

function describe(classifier) {
  const { manifest, app, runtime, several, presentFrom } = classifier;
  at("without").textContent = without(classifier).verdict;
  at("guesses").textContent = without(classifier).guesses;
  const { top1_accuracy, top1_interval_95, multi_label: found } = manifest.models[app.model];
  const [accuracy, interval] = found ? [found.mean_average_precision, found.map_interval_95] : [top1_accuracy, top1_interval_95];
  const range = interval?.map((share) => (100 * share).toFixed(1)).join(" to ");
  const facts = {
    [several ? "Mean average precision" : "Accuracy"]: range ? `${percent(accuracy)} of ${manifest.validation.images} images (95\u00a0% interval ${range})` : "not measured",
    Classes: String(manifest.contract.output.class_names.length),
    ...(presentFrom.some((least) => least > 0) && { [several ? "Shown from" : "Not sure below"]: between(presentFrom) }),
    Architecture: manifest.architecture,
    Runs: `${app.model} in ${runtime}`,
    Version: manifest.version,
    Licence: manifest.licence || "not stated",
  };
  at("facts").replaceChildren(
    ...Object.entries(facts).flatMap(([name, text]) => [element("dt", { textContent: name }), element("dd", {}, element("bdi", { textContent: text }))]),
  );
  at("forced").hidden = !manifest.validation.forced;
  at("forced").textContent = `Bundled without a good validation: ${manifest.validation.forced}`;
}

// The first image of a drop or of the clipboard.
const imageOf = (data) => Array.from(data?.files ?? []).find((file) => file.type.startsWith("image/")) ?? data?.files[0];

function listen() {
  at("file").addEventListener("change", (event) => {
    if (event.target.files[0]) showImage(event.target.files[0]);
    event.target.value = ""; // so that the same file can be chosen again
  });
  at("stage").addEventListener("click", () => at("video").hidden && at("file").click());
  at("camera").addEventListener("click", () => (at("video").srcObject ? stopCamera() : startCamera()));
  at("prove").addEventListener("click", prove);
  at("accelerate").addEventListener("click", () => accelerate(true));
  addEventListener("paste", (event) => imageOf(event.clipboardData) && showImage(imageOf(event.clipboardData)));
  addEventListener("dragover", (event) => {
    event.preventDefault(); // or the browser opens the file
    at("stage").classList.add("dragging");
  });
  addEventListener("dragleave", (event) => event.relatedTarget ?? at("stage").classList.remove("dragging"));
  addEventListener("drop", (event) => {
    event.preventDefault();
    at("stage").classList.remove("dragging");
    const image = imageOf(event.dataTransfer);
    if (image) showImage(image);
    else problem("That is no file: save the image first, and drop the file.");
  });
}

listen();
try {
  describe(await loading);
  at("state").textContent = "Nothing yet: give it an image.";
  accelerate();
} catch (error) {
  at("state").hidden = true;
  problem(`The model cannot be loaded: ${error.message}`);
}
