// A file that is too large is told before it is sent; the server says so too.
for (const form of document.querySelectorAll("form[data-most]")) {
  const input = form.querySelector("input[type=file]");
  const check = () => {
    const size = [...input.files].reduce((sum, file) => sum + file.size, 0);
    input.setCustomValidity(size > Number(form.dataset.most) ? form.dataset.large : "");
    input.reportValidity();
  };
  input.addEventListener("change", check);
}
