// The cards beside the image: the self-test, the accelerators, and the model's facts.

import { selfTest, STEPS } from "./edgetl-classifier/selftest.js";
import { at, element, percent } from "./elements.js";
import { say } from "./words.js";

const ROUNDED = 0.01; // steps: golden predictions have six decimals

// In words, how far the predictions are from those of the validation.
function passed({ images, max_steps, other_decisions }) {
  const steps = Math.max(Math.ceil(max_steps - ROUNDED), 0);
  const verdict = steps ? say("passed_within", { images, steps }) : say("passed", { images });
  return other_decisions ? say("decided_otherwise", { verdict, count: other_decisions }) : verdict;
}

export async function prove(loading) {
  const [button, verdict] = [at("prove"), at("verdict")];
  if (button.ariaBusy === "true") return;
  button.ariaBusy = "true";
  verdict.className = "verdict";
  verdict.textContent = say("running");
  const steps = STEPS.map((text) => element("li", {}, text));
  at("steps").replaceChildren(...steps);
  at("steps").hidden = false;
  try {
    verdict.textContent = passed(await selfTest(await loading, (index) => steps[index].classList.add("passed")));
    verdict.classList.add("passed");
  } catch (error) {
    steps.find((step) => !step.classList.contains("passed"))?.classList.add("failed");
    verdict.textContent = say("failed", { reason: error.message });
    verdict.classList.add("failed");
  }
  button.ariaBusy = "false";
}

// At the first start this times the accelerators, which takes seconds; later, and for a page that cannot keep the choice, it shows it.
export async function accelerate(loading, again = false) {
  const [button, chosen] = [at("accelerate"), at("chosen")];
  if (button.ariaBusy === "true") return;
  button.ariaBusy = "true";
  chosen.textContent = say("timing");
  try {
    const classifier = await loading;
    const { name, rows } = await classifier.accelerate({ again });
    const item = (row) => element("li", { textContent: row, className: name && row.startsWith(`${name}:`) ? "chosen" : "" });
    at("accelerators").replaceChildren(...rows.map(item));
    chosen.textContent = say(name ? "runs_on" : "runs_unproven", { accelerator: name ?? classifier.accelerator });
  } catch (error) {
    chosen.textContent = say("timing_failed", { reason: error.message });
  }
  button.ariaBusy = "false";
}

// The lowest and the highest of the thresholds.
function between(thresholds) {
  const [lowest, highest] = [Math.min(...thresholds), Math.max(...thresholds)];
  return lowest === highest ? percent(lowest) : say("to_by_class", { lowest: percent(lowest), highest: percent(highest) });
}

function accuracy({ models, validation }, { model }) {
  const { top1_accuracy, top1_interval_95, multi_label: found } = models[model];
  const [share, interval] = found ? [found.mean_average_precision, found.map_interval_95] : [top1_accuracy, top1_interval_95];
  if (!interval) return say("not_measured");
  const [lowest, highest] = interval.map((end) => (100 * end).toFixed(1));
  return say("accuracy_of", { share: percent(share), images: validation.images, range: say("to", { lowest, highest }) });
}

export function describe(classifier) {
  const { manifest, app, runtime, several, presentFrom, classNames } = classifier;
  const facts = {
    [several ? "mean_average_precision" : "accuracy"]: accuracy(manifest, app),
    ...(presentFrom.some((least) => least > 0) && { [several ? "shown_from" : "not_sure_below"]: between(presentFrom) }),
    architecture: manifest.architecture,
    runs: say("runs_in", { model: app.model, runtime }),
    version: manifest.version,
    licence: manifest.licence || say("licence_missing"),
  };
  at("facts").replaceChildren(
    ...Object.entries(facts).flatMap(([key, text]) => [element("dt", { textContent: say(key) }), element("dd", {}, element("bdi", { textContent: text }))]),
  );
  at("class-count").textContent = say("class_names", { count: classNames.length });
  at("class-names").replaceChildren(...classNames.map((name) => element("li", {}, element("bdi", { textContent: name }))));
  at("classes").hidden = false;
  at("forced").hidden = !manifest.validation.forced;
  at("forced").textContent = say("forced", { reason: manifest.validation.forced });
}
