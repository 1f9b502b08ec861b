// Progress of a job as it happens; without scripts the page is loaded again by hand.
const box = document.querySelector("[data-events]");
if (box) {
  const steps = box.dataset.steps.split("\n");
  const bar = box.querySelector("progress");
  const share = document.getElementById("share");
  box.querySelector(".without-script")?.remove();
  const source = new EventSource(box.dataset.events);
  const place = (job) => {
    const at = steps.indexOf(job.step);
    bar.value = job.progress;
    share.textContent = `${Math.round(job.progress * 100)} %`;
    if (job.status === "running") box.querySelector(".queued")?.remove();
    [...box.querySelectorAll(".steps li")].forEach((item, number) => {
      item.className = number < at ? "past" : number === at ? "now" : "next";
      if (number === at) item.setAttribute("aria-current", "step"); else item.removeAttribute("aria-current");
    });
  };
  source.addEventListener("progress", (event) => place(JSON.parse(event.data)));
  source.addEventListener("end", () => { source.close(); location.reload(); });
  addEventListener("pagehide", () => source.close());
}
