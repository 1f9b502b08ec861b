// What every page gains from scripts; without them all of it works, a little less smoothly.

// A second click while the first is on its way sends nothing.
document.addEventListener("submit", (event) => {
  const form = event.target;
  if (event.defaultPrevented || form.method !== "post") return;
  if (form.dataset.sent) { event.preventDefault(); return; }
  form.dataset.sent = "yes";
  const button = event.submitter;
  if (button?.dataset.busy) { button.dataset.idle = button.textContent; button.textContent = button.dataset.busy; }
  setTimeout(() => { delete form.dataset.sent; }, 8000);
});
// A page that comes back by the back button may be sent again.
addEventListener("pageshow", () => {
  for (const form of document.forms) delete form.dataset.sent;
  for (const button of document.querySelectorAll("[data-idle]")) button.textContent = button.dataset.idle;
});
// After a refusal the problems are read first.
document.querySelector(".summary a")?.focus();
