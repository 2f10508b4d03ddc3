// The page: images in, bars out. All that it knows of the model it reads from the model's own files.

import { Classifier, decode } from "./edgetl-classifier/classifier.js";
import { box } from "./edgetl-classifier/resample.js";
import { FRAMES, Smoothing } from "./edgetl-classifier/smoothing.js";
import { accelerate, describe, prove } from "./cards.js";
import { at, element, percent } from "./elements.js";
import { keptOffline } from "./offline.js";
import { say, speak } from "./words.js";

const TOP = 5; // classes that are shown
const PAUSE_MS = 100; // between two frames of the camera: ten predictions a second are enough to see, and spare the battery
const STEADY_MS = 2000; // between two announcements to screen readers of what the camera sees

// The strings of an image that shows none of the classes: who knows one class an image is not sure, who knows several has learned what shows none.
const ONE = { verdict: "not_sure", guesses: "best_guesses", announced: "announced_not_sure" };
const SEVERAL = { verdict: "none_of_the_classes", guesses: "nearest", announced: "announced_none" };
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
  const { runtime, accelerator } = classifier;
  at("latency").textContent = say("latency_in_all", { ms: modelMs.toFixed(1), runtime, accelerator, total: totalMs.toFixed(0) });
  at("latency").hidden = false;
}

function announce({ best, present }, classifier) {
  const named = best.slice(0, Math.max(present.length, 1)).map(({ className, probability }) => `${className}, ${percent(probability)}`);
  const classes = named.join("; ");
  at("announced").textContent = present.length ? classes : say(without(classifier).announced, { classes });
}

async function showImage(image) {
  stopCamera();
  const mine = ++turn;
  problem("");
  const name = image.name || say("image");
  let bitmap;
  try {
    bitmap = await decode(image);
  } catch {
    return problem(say("unreadable_file", { name }));
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
    problem(say("not_classified", { reason: error.message }));
  } finally {
    bitmap.close();
  }
}

const CAMERA_PROBLEMS = { NotAllowedError: "camera_denied", NotFoundError: "camera_missing", NotReadableError: "camera_busy" };

async function startCamera() {
  const mine = ++turn;
  problem("");
  if (!navigator.mediaDevices) return problem(say("camera_needs_https"));
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
    watching(true);
    await watch(video, mine);
  } catch (error) {
    if (mine !== turn) return; // it was stopped meanwhile
    stopCamera();
    problem(say(CAMERA_PROBLEMS[error.name] ?? "camera_failed", { reason: error.message }));
  }
}

function watching(on) {
  at("camera").ariaPressed = String(on);
  at("camera").textContent = say(on ? "stop_camera" : "use_camera");
  at("smoothing").hidden = !on;
}

async function watch(video, mine) {
  const classifier = await loading;
  let [announced, said, smoothing] = [0, null, null];
  while (mine === turn && video.srcObject) {
    smoothing = at("smooth").checked ? (smoothing ?? new Smoothing()) : null;
    const prediction = await classifier.classify(video, TOP, smoothing);
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
  if (video.videoWidth && input) draw(video, video.videoWidth, video.videoHeight, say("last_frame"));
  for (const track of video.srcObject.getTracks()) track.stop();
  video.srcObject = null;
  video.hidden = true;
  watching(false);
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
  at("prove").addEventListener("click", () => prove(loading));
  at("accelerate").addEventListener("click", () => accelerate(loading, true));
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
    else problem(say("not_a_file"));
  });
}

speak();
at("smooth-text").textContent = say("smooth", { frames: FRAMES });
listen();
try {
  const classifier = await loading;
  at("without").textContent = say(without(classifier).verdict);
  at("guesses").textContent = say(without(classifier).guesses);
  describe(classifier);
  at("state").textContent = say("waiting");
  accelerate(loading);
} catch (error) {
  at("state").hidden = true;
  problem(say("loading_failed", { reason: error.message }));
}
