"use strict";
// What a page offers beside what it shows without a script.

// A choice of the images of a gallery by their groups, pairs of a kind and a name.
for (const gallery of document.querySelectorAll(".gallery.grouped")) {
  const figures = [...gallery.children];
  const groupsOf = figures.map((figure) => JSON.parse(figure.dataset.groups || "[]").map((pair) => JSON.stringify(pair)));
  const counts = new Map();
  for (const group of groupsOf.flat()) counts.set(group, (counts.get(group) || 0) + 1);
  const label = document.createElement("label");
  const select = document.createElement("select");
  const shown = document.createElement("span");
  const kinds = new Map();
  select.append(new Option(`all (${figures.length})`, ""));
  for (const [group, count] of [...counts].sort((a, b) => a[0].localeCompare(b[0]))) {
    const [kind, name] = JSON.parse(group);
    if (!kinds.has(kind)) {
      kinds.set(kind, document.createElement("optgroup"));
      kinds.get(kind).label = kind;
      select.append(kinds.get(kind));
    }
    kinds.get(kind).append(new Option(`${name} (${count})`, group));
  }
  select.addEventListener("change", () => {
    figures.forEach((figure, place) => { figure.hidden = select.value !== "" && !groupsOf[place].includes(select.value); });
    shown.textContent = `${figures.filter((figure) => !figure.hidden).length} of ${figures.length} shown`;
  });
  label.append("Show ", select);
  shown.setAttribute("role", "status");
  const filter = document.createElement("div");
  filter.className = "filter";
  filter.append(label, shown);
  gallery.before(filter);
}

// A button in each head of a table with several rows sorts by its column: first upwards, then downwards.
const numberIn = (text) => {
  const found = text.replaceAll(",", "").match(/^[^\p{L}]*?([-+\u2212]?\d+(\.\d+)?)/u);
  return found ? parseFloat(found[1].replace("\u2212", "-")) : NaN;
};
const compare = (a, b) => {
  const [first, second] = [numberIn(a), numberIn(b)];
  if (Number.isNaN(first) && Number.isNaN(second)) return a.localeCompare(b, undefined, { numeric: true });
  return Number.isNaN(first) ? -1 : Number.isNaN(second) ? 1 : first - second;
};
for (const table of document.querySelectorAll("table")) {
  const body = table.tBodies[0];
  const heads = [...table.tHead.rows[0].cells];
  if (body.rows.length < 3) continue;
  heads.forEach((head, column) => {
    const button = document.createElement("button");
    button.type = "button";
    button.append(...head.childNodes);
    head.append(button);
    button.addEventListener("click", () => {
      const upwards = head.getAttribute("aria-sort") !== "ascending";
      heads.forEach((other) => other.removeAttribute("aria-sort"));
      head.setAttribute("aria-sort", upwards ? "ascending" : "descending");
      const rows = [...body.rows].map((row) => [row.cells[column].textContent.trim(), row]);
      rows.sort((a, b) => (upwards ? compare(a[0], b[0]) : compare(b[0], a[0])));
      body.append(...rows.map((row) => row[1]));
    });
  });
}

// A button beside each command copies it.
for (const command of document.querySelectorAll(".command")) {
  const text = command.textContent;
  const button = document.createElement("button");
  button.type = "button";
  button.textContent = "Copy";
  button.setAttribute("aria-label", `Copy ${text}`);
  button.addEventListener("click", async () => {
    try {
      await navigator.clipboard.writeText(text);
    } catch { // a browser that has no clipboard for this page
      const range = document.createRange();
      range.selectNodeContents(command.querySelector("code"));
      getSelection().removeAllRanges();
      getSelection().addRange(range);
      document.execCommand("copy");
    }
    button.textContent = "Copied";
    setTimeout(() => { button.textContent = "Copy"; }, 2000);
  });
  command.append(button);
}
