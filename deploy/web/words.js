// What the page says, in the visitor's language where there is a translation. strings.js is made by `edgetl ship`; the words of index.html are English.

import { STRINGS } from "./strings.js";

const language = navigator.languages.map((one) => one.split("-")[0]).find((one) => one in STRINGS) ?? "en";

// A string of the table, with what stands in its braces filled in.
export const say = (key, values = {}) => STRINGS[language][key].replace(/\{(\w+)\}/g, (_, name) => values[name]);

// Puts the strings into the page: as text, or as the name that screen readers say.
export function speak() {
  document.documentElement.lang = language;
  for (const one of document.querySelectorAll("[data-say]")) one.textContent = say(one.dataset.say, one.dataset);
  for (const one of document.querySelectorAll("[data-say-name]")) one.ariaLabel = say(one.dataset.sayName);
}
