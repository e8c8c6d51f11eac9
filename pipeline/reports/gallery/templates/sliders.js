// The sliders over both thresholds: every count was made with the page, a slider only looks it up.
(() => {
  "use strict";
  const form = document.getElementById("sliders");
  if (!form) return;
  const { blind, reference, count } = form.elements;
  const steps = (text) => text.split(" ").map(Number);
  const thresholds = { blind: steps(form.dataset.blind), reference: steps(form.dataset.reference) };
  const counts = form.dataset.counts.split(",").map(steps);
  const capital = (text) => text.charAt(0).toUpperCase() + text.slice(1);

  function show() {
    const found = counts[blind.value][reference.value];
    for (const slider of [blind, reference]) {
      const threshold = thresholds[slider.name][slider.value];
      slider.parentElement.querySelector("b").textContent = threshold;
      slider.setAttribute("aria-valuetext", threshold);
    }
    const candidates = `${found.toLocaleString("en")} ${found === 1 ? "candidate" : "candidates"}`;
    count.textContent = capital(`${form.dataset.about}${candidates} would pass with`);
    form.querySelector("code").textContent =
      `--set filter.blind_min=${thresholds.blind[blind.value]} --set filter.reference_max=${thresholds.reference[reference.value]}`;
  }

  [blind.value, reference.value] = steps(form.dataset.chosen);
  form.addEventListener("input", show);
  form.addEventListener("submit", (event) => event.preventDefault());
  show();
})();
