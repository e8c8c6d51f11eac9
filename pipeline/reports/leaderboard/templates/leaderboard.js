// Comfort only: without this script every figure, card and reply is on the page all the same.
(() => {
  "use strict";
  document.documentElement.classList.add("js");
  const list = document.getElementById("cards");
  if (!list) return;
  const bar = document.querySelector(".bar");
  const category = document.getElementById("category");
  const whole = document.getElementById("whole");
  const buttons = [...bar.querySelectorAll("[data-show]")];
  const cards = [...list.children];
  let current = null;

  // What is shown is in the address, #show=all-wrong&category=text, so that it can be sent, kept and gone back to.
  function wanted() {
    const asked = new URLSearchParams(location.hash.slice(1));
    const known = (value, values) => (values.includes(value) ? value : "");
    return {
      show: known(asked.get("show"), buttons.map((one) => one.dataset.show)),
      category: category ? known(asked.get("category"), [...category.options].map((one) => one.value)) : "",
    };
  }

  function ask(change) {
    const asked = new URLSearchParams(Object.entries({ ...wanted(), ...change }).filter(([, value]) => value));
    location.hash = asked.size ? asked : "show=all";
  }

  function filter({ show, category: chosen }) {
    const fits = (card) => (!show || card.dataset.tags.split(" ").includes(show)) && (!chosen || card.dataset.category === chosen);
    for (const card of cards) card.hidden = !fits(card);
    for (const button of buttons) button.setAttribute("aria-pressed", button.dataset.show === show);
    if (category) category.value = chosen;
    tell(visible().length);
  }

  function tell(found) {
    const number = (count) => count.toLocaleString("en");
    const total = `${number(cards.length)} ${cards.length === 1 ? bar.dataset.one : bar.dataset.several}`;
    document.getElementById("count").textContent = found === cards.length ? total : `${number(found)} of ${total}`;
    document.getElementById("nothing").hidden = found > 0;
  }

  // A link to a card, such as #group-17, works although a filter hides it.
  function read() {
    const linked = cards.find((one) => location.hash === `#${one.id}`);
    if (!linked) return filter(wanted());
    if (linked.hidden) filter({ show: "", category: "" });
    focus(linked);
  }

  function visible() {
    return cards.filter((card) => !card.hidden);
  }

  function focus(card) {
    current = card;
    card.focus({ preventScroll: true });
    card.scrollIntoView({ block: "start" });
  }

  function go(step) {
    const shown = visible();
    if (!shown.length) return;
    const at = shown.indexOf(current);
    focus(shown[at < 0 ? 0 : Math.min(shown.length - 1, Math.max(0, at + step))]);
  }

  const keys = { j: () => go(1), k: () => go(-1), ArrowRight: () => go(1), ArrowLeft: () => go(-1) };
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.target.closest("input, select, .scroll")) return;
    if (event.key === "Enter" && event.target === current) {
      current.classList.toggle("whole");
    } else if (keys[event.key]) {
      event.preventDefault();
      keys[event.key]();
    }
  });
  document.addEventListener("focusin", (event) => {
    current = event.target.closest(".card") ?? current;
  });
  bar.addEventListener("click", (event) => {
    const button = event.target.closest("[data-show]");
    if (button) ask({ show: button.dataset.show });
  });
  category?.addEventListener("change", () => ask({ category: category.value }));
  whole.addEventListener("change", () => list.classList.toggle("whole", whole.checked));
  window.addEventListener("hashchange", read);
  filter(wanted());
  read();
})();
