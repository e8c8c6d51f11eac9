// Comfort only: without this script every pair, word and figure is on the page all the same.
(() => {
  "use strict";
  document.documentElement.classList.add("js");
  const list = document.getElementById("cards");
  if (!list) return;
  const search = document.getElementById("search");
  const sort = document.getElementById("sort");
  const viewer = document.getElementById("viewer");
  const stage = document.getElementById("viewer-card");
  const cards = [...list.children];
  const words = new Map(cards.map((card) => [card, card.querySelector(".words").textContent.toLowerCase()]));
  const value = (card, name) => Number(card.dataset[name]);
  const orders = {
    rank: (a, b) => value(a, "rank") - value(b, "rank"),
    gap: (a, b) => value(b, "gap") - value(a, "gap"),
    blind: (a, b) => value(b, "blind") - value(a, "blind"),
    reference: (a, b) => value(a, "reference") - value(b, "reference"),
    group: (a, b) => value(a, "group") - value(b, "group") || orders.rank(a, b),
  };
  let current = null;

  function reorder() {
    cards.sort(orders[sort.value]);
    list.append(...cards);
  }

  function matches(card, asked) {
    const group = /^group (\d+)$/.exec(asked);
    return group ? card.dataset.group === group[1] : asked.split(/\s+/).every((word) => words.get(card).includes(word));
  }

  function narrow() {
    const asked = search.value.trim().toLowerCase();
    for (const card of cards) card.hidden = !matches(card, asked);
    const left = visible().length;
    const total = cards.length.toLocaleString("en");
    document.getElementById("nothing").hidden = left > 0;
    document.getElementById("count").textContent = left === cards.length ? `${total} pairs` : `${left.toLocaleString("en")} of ${total} pairs`;
  }

  function visible() {
    return cards.filter((card) => !card.hidden);
  }

  function go(step) {
    const shown = visible();
    if (!shown.length) return;
    const at = shown.indexOf(current);
    const next = at < 0 ? 0 : Math.min(shown.length - 1, Math.max(0, at + step));
    current = shown[next];
    if (viewer.open) enlarge(current);
    else current.focus({ preventScroll: true });
    current.scrollIntoView({ block: "center" });
  }

  // A copy of the card: the large view can never say anything else than the small one.
  function enlarge(card) {
    current = card;
    const copy = card.cloneNode(true);
    copy.removeAttribute("id");
    stage.replaceChildren(copy);
    if (!viewer.open) viewer.showModal();
  }

  function blink(card, on) {
    if (card) card.querySelector(".shots").classList.toggle("blinking", on);
  }

  function still() {
    for (const shots of document.querySelectorAll(".blinking")) shots.classList.remove("blinking");
  }

  function act(target) {
    const card = target.closest(".card");
    const wish = target.closest("[data-do]")?.dataset.do;
    if (wish === "previous") go(-1);
    else if (wish === "next") go(1);
    else if (wish === "enlarge") enlarge(card);
    else if (wish === "group") {
      viewer.close();
      search.value = `group ${card.dataset.group}`;
      narrow();
      document.getElementById("pairs").scrollIntoView();
    } else if (target.closest(".cards .shots")) enlarge(card);
  }

  document.addEventListener("click", (event) => act(event.target));
  document.addEventListener("focusin", (event) => {
    current = event.target.closest(".cards .card") ?? current;
  });
  document.addEventListener("pointerdown", (event) => {
    const button = event.target.closest('[data-do="blink"]');
    if (button) blink(button.closest(".card"), true);
  });
  for (const end of ["pointerup", "pointercancel", "blur"]) window.addEventListener(end, still);
  document.addEventListener("contextmenu", (event) => {
    if (event.target.closest('[data-do="blink"]')) event.preventDefault();
  });

  const keys = {
    j: () => go(1),
    k: () => go(-1),
    ArrowRight: () => go(1),
    ArrowLeft: () => go(-1),
    b: () => blink(viewer.open ? stage.firstChild : current, true),
    "/": () => search.focus(),
  };
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.target.closest("input, select, .scroll")) return;
    const onBlink = event.target.closest('[data-do="blink"]');
    if (onBlink && (event.key === " " || event.key === "Enter")) {
      event.preventDefault();
      blink(onBlink.closest(".card"), true);
    } else if (event.key === "Enter" && event.target === current && !viewer.open) {
      enlarge(current);
    } else if (keys[event.key]) {
      event.preventDefault();
      keys[event.key]();
    }
  });
  document.addEventListener("keyup", still);
  viewer.addEventListener("close", () => {
    still();
    current?.focus({ preventScroll: true });
  });
  search.addEventListener("input", narrow);
  sort.addEventListener("change", reorder);
  reorder();
  narrow();
})();
