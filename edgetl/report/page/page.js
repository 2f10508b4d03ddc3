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

// A click on an image of a gallery shows it large.
const large = document.createElement("dialog");
large.setAttribute("aria-label", "Enlarged image");
large.append(document.createElement("img"), document.createElement("p"), document.createElement("button"));
const [largeImage, largeText, close] = large.children;
close.type = "button";
close.textContent = "Close";
large.addEventListener("click", (event) => { if (event.target !== largeText) large.close(); });
for (const image of document.querySelectorAll(".gallery:not(.large) img")) {
  const button = document.createElement("button");
  button.type = "button";
  button.title = "Enlarge";
  image.replaceWith(button);
  button.append(image);
  button.addEventListener("click", () => {
    largeImage.src = image.src;
    largeImage.alt = image.alt;
    largeText.textContent = image.alt;
    if (!large.isConnected) document.body.append(large);
    large.showModal();
  });
}

// Boxes beside images make a list, which a button saves.
for (const list of document.querySelectorAll(".ticked")) {
  const [lines, head] = [JSON.parse(list.dataset.lines), JSON.parse(list.dataset.head)];
  const boxes = new Map(); // those of a line, which may be of several findings
  const chosen = () => [...boxes].filter(([, all]) => all[0].checked).map(([line]) => line).concat(lines);
  const button = document.createElement("button");
  const status = document.createElement("span");
  const count = () => {
    const number = chosen().length;
    status.textContent = number === 1 ? "1 image to leave out" : `${number} images to leave out`;
  };
  for (const figure of document.querySelectorAll("figure[data-ticks]")) {
    for (const [line, text, ticked] of JSON.parse(figure.dataset.ticks)) {
      const [label, box, name] = ["label", "input", "span"].map((tag) => document.createElement(tag));
      box.type = "checkbox";
      box.checked = ticked;
      name.textContent = figure.querySelector("b").textContent === text ? "leave out" : `leave out ${text}`;
      box.setAttribute("aria-label", `leave out ${text}`);
      label.append(box, name);
      figure.append(label);
      boxes.set(line, [...(boxes.get(line) || []), box]);
      box.addEventListener("change", () => {
        for (const other of boxes.get(line)) other.checked = box.checked;
        count();
      });
    }
  }
  button.type = "button";
  button.textContent = `Save ${list.dataset.file}`;
  button.addEventListener("click", () => {
    const link = document.createElement("a");
    link.href = URL.createObjectURL(new Blob([[...head, ...chosen(), ""].join("\n")], { type: "text/plain" }));
    link.download = list.dataset.file;
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 10000);
  });
  status.setAttribute("role", "status");
  list.append(status, button);
  document.querySelector("main").prepend(list); // where it stays in sight
  list.hidden = false;
  count();
}
