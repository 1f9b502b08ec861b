// Keys for the list of prospects; without scripts every row opens by its link.
const rows = [...document.querySelectorAll("tr[data-row]")];
let at = -1;

function panel() {
  return at < 0 ? null : document.getElementById(rows[at].dataset.row);
}

function choose(next) {
  if (!rows.length) return;
  rows[at]?.classList.remove("chosen");
  at = Math.min(Math.max(next, 0), rows.length - 1);
  rows[at].classList.add("chosen");
  rows[at].querySelector("a.open").focus();
}

function open() {
  if (at < 0) choose(0);
  location.hash = rows[at].dataset.row;
}

const keys = {
  j: () => choose(at + 1),
  k: () => choose(at < 0 ? 0 : at - 1),
  c: () => { open(); panel()?.querySelector("button.main")?.focus(); },
  o: () => { open(); panel()?.querySelector("a.outcome")?.click(); },
  Escape: () => { location.hash = "list"; rows[at]?.querySelector("a.open").focus(); },
};

addEventListener("keydown", (event) => {
  const typing = event.target.matches("input, select, textarea");
  if (event.ctrlKey || event.altKey || event.metaKey || (typing && event.key !== "Escape")) return;
  const act = keys[event.key];
  if (!act || (event.key === "Escape" && !location.hash.startsWith("#p-"))) return;
  event.preventDefault();
  act();
});

// A row that was opened with the mouse is the one the keys go on from, and its panel is read next.
function follow() {
  rows[at]?.classList.remove("chosen");
  const found = rows.findIndex((row) => `#${row.dataset.row}` === decodeURIComponent(location.hash));
  if (found < 0) return;
  at = found;
  rows[at].classList.add("chosen");
  if (panel()?.contains(document.activeElement)) return;
  panel()?.focus({ preventScroll: matchMedia("(min-width: 1000px)").matches });
}
addEventListener("hashchange", follow);
follow();
