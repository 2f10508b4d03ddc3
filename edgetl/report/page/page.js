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
