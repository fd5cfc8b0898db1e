// What the page can do with scripts; without them it reads and enlarges all the same.
addEventListener("beforeprint", () => document.querySelectorAll("details").forEach(block => (block.open = true)));

addEventListener("keydown", event => {
  if (event.key === "Escape") document.querySelectorAll(".zoom :checked").forEach(box => (box.checked = false));
});

// A click on a heading sorts by its column: largest first, smallest first, as it was. "0.213 ± 0.041" counts as 0.213.
const SECONDS = { s: 1, min: 60, h: 3600 };

function value(cell) {
  const [, number, unit] = cell.textContent.replace("−", "-").match(/^\s*([+-]?\d[\d.]*(?:e[+-]?\d+)?)\s*([a-z]*)/) || [];
  return number === undefined ? NaN : number * (SECONDS[unit] || 1);
}

function sort(heading) {
  const table = heading.closest("table"), body = table.tBodies[0], column = heading.cellIndex;
  const direction = { descending: "ascending", ascending: "none" }[heading.ariaSort] || "descending";
  const rows = [...body.rows];
  rows.forEach((row, place) => (row.dataset.place ??= place));
  const sign = direction === "ascending" ? 1 : -1;
  const keys = new Map(rows.map(row => [row, { number: value(row.cells[column]), text: row.cells[column].textContent }]));
  const numbers = [...keys.values()].some(key => !isNaN(key.number));
  rows.sort((one, other) => {
    const [a, b] = [keys.get(one), keys.get(other)];
    const kept = one.dataset.place - other.dataset.place;
    if (direction === "none") return kept;
    if (!numbers) return sign * a.text.localeCompare(b.text) || kept;
    // What is no number stays below, whichever way.
    return isNaN(a.number) - isNaN(b.number) || sign * (a.number - b.number) || kept;
  });
  body.append(...rows);
  for (const each of heading.parentNode.cells) each.ariaSort = each === heading ? direction : "none";
}

for (const heading of document.querySelectorAll("thead th")) {
  if (heading.closest("table").tBodies[0]?.rows.length > 1) {
    const button = document.createElement("button");
    button.append(...heading.childNodes);
    button.onclick = () => sort(heading);
    heading.append(button);
  }
}
