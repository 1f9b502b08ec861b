// The profile while it is filled in: live figures, problems beside fields as they are left, goods by
// name, routes picked on the drawing. All of it works without this file, by buttons.
const form = document.getElementById("step");
// Inputs named action hide the property of that name.
const place = form.getAttribute("action");
const figures = document.getElementById("figures");
const left = new Set();
let waiting, latest = 0;

async function look() {
  const turn = ++latest;
  const data = new URLSearchParams(new FormData(form));
  data.set("action", "live");
  let answer;
  try {
    answer = await fetch(place, { method: "POST", body: data, headers: { Accept: "application/json" } });
  } catch { return; }
  if (turn !== latest || !answer.ok) return;
  const found = await answer.json();
  figures.innerHTML = found.html;
  mark(found.problems);
}

function mark(problems) {
  for (const name of left) {
    const input = form.elements.namedItem(name);
    const box = input?.closest?.(".field");
    if (!box) continue;
    box.querySelector(".complaints")?.remove();
    const said = problems[name] || [];
    box.classList.toggle("wrong", said.length > 0);
    input.toggleAttribute("aria-invalid", said.length > 0);
    if (!said.length) continue;
    const list = document.createElement("ul");
    list.className = "complaints";
    for (const sentence of said) list.append(Object.assign(document.createElement("li"), { textContent: sentence }));
    box.append(list);
  }
}

form.addEventListener("input", (event) => {
  if (event.target.name === "uscc" && event.target.value.trim().length >= 18) left.add("uscc");
  clearTimeout(waiting);
  waiting = setTimeout(look, 250);
});
form.addEventListener("change", (event) => {
  if (event.target.name) left.add(event.target.name);
  clearTimeout(waiting);
  waiting = setTimeout(look, 50);
});

// Goods by name: words are looked up, and a click puts the code in their place.
const goods = document.querySelector("[data-goods]");
if (goods) {
  const input = goods.querySelector("input");
  const list = document.createElement("ul");
  list.className = "found";
  list.setAttribute("role", "status");
  input.after(list);
  let asking, asked = 0;
  const words = () => input.value.split(/\s+/).filter((part) => part && !/^\d{2,10}$/.test(part));
  input.addEventListener("input", () => {
    clearTimeout(asking);
    asking = setTimeout(async () => {
      const turn = ++asked, query = words().join(" ");
      if (!query) { list.replaceChildren(); return; }
      const answer = await fetch("/goods?" + new URLSearchParams({ q: query }), { headers: { Accept: "application/json" } });
      if (!answer.ok || turn !== asked) return;
      const { goods: rows } = await answer.json();
      list.replaceChildren(...rows.map(({ code, name }) => {
        const item = document.createElement("li");
        const button = Object.assign(document.createElement("button"), { type: "button", className: "quiet", textContent: `${code} ${name}` });
        button.addEventListener("click", () => {
          const codes = input.value.split(/\s+/).filter((part) => /^\d{2,10}$/.test(part));
          input.value = [...new Set([...codes, code])].join(" ") + " ";
          list.replaceChildren();
          input.focus();
          input.dispatchEvent(new Event("change", { bubbles: true }));
        });
        item.append(button);
        return item;
      }));
    }, 150);
  });
}

// Routes: a click on the drawing ticks the box beside it, and the other way round.
const map = document.querySelector("[data-map]");
if (map) {
  const boxes = [...form.querySelectorAll("input[name=way]")];
  const show = () => boxes.forEach((box) => {
    map.querySelector(`[data-way="${box.value}"]`)?.classList.toggle("on", box.checked);
  });
  map.addEventListener("click", (event) => {
    const way = event.target.closest("[data-way]");
    const box = way && boxes.find((one) => one.value === way.dataset.way);
    if (!box) return;
    box.checked = !box.checked;
    box.dispatchEvent(new Event("change", { bubbles: true }));
  });
  form.addEventListener("change", show);
  map.classList.add("clickable");
}
