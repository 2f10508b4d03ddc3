// Runs the self-test once; <html data-selftest> becomes "passed" or "failed", for programs that look.

import { Classifier } from "./classifier.js";
import { selfTest, STEPS } from "./selftest.js";

const verdict = document.getElementById("verdict");
const steps = STEPS.map((text) => Object.assign(document.createElement("li"), { textContent: text }));
document.getElementById("steps").append(...steps);

try {
  const facts = await selfTest(await Classifier.load(), (index) => steps[index].classList.add("passed"));
  verdict.textContent = `Passed: ${JSON.stringify(facts)}`;
  document.documentElement.dataset.selftest = "passed";
} catch (error) {
  verdict.textContent = `Failed: ${error.message}`;
  document.documentElement.dataset.selftest = "failed";
}
