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
  const fold = document.getElementById("fold");
  const rest = document.getElementById("rest");
  const phone = matchMedia("(max-width: 640px)");
  const PAGE = 100; // cards that a phone shows at a time
  const opened = new Set(); // images of which all pairs are shown
  let pages = 1;
  let current = null;

  function reorder() {
    cards.sort(orders[sort.value]);
    list.append(...cards);
    narrow();
  }

  function matches(card, asked) {
    const group = /^group (\d+)$/.exec(asked);
    return group ? card.dataset.group === group[1] : asked.split(/\s+/).every((word) => words.get(card).includes(word));
  }

  function narrow() {
    const asked = search.value.trim().toLowerCase();
    const found = cards.filter((card) => matches(card, asked));
    const plan = foldCards(found, opened, asked || !fold.checked ? Infinity : Number(list.dataset.most));
    const left = found.filter((card) => !plan.folded.has(card));
    const shown = new Set(phone.matches ? left.slice(0, pages * PAGE) : left);
    for (const card of cards) card.hidden = !shown.has(card);
    addMoreButtons(plan);
    tell(asked, found.length, plan.folded.size, left.length - shown.size);
  }

  function tell(asked, found, folded, later) {
    const number = (count) => count.toLocaleString("en");
    const total = `${number(cards.length)} ${cards.length === 1 ? "pair" : "pairs"}`;
    document.getElementById("nothing").hidden = found > 0;
    document.getElementById("count").textContent = asked ? `${number(found)} of ${total}` : folded ? `${total}, ${number(folded)} folded` : total;
    document.getElementById("folding").hidden = !(folded || opened.size || !fold.checked);
    rest.hidden = !later;
    rest.textContent = `Show ${number(Math.min(PAGE, later))} more of ${number(later)}`;
  }

  function open(image) {
    const before = new Set(visible());
    opened.add(image);
    viewer.close();
    narrow();
    current = visible().find((card) => !before.has(card)) ?? current;
    current?.focus({ preventScroll: true });
  }

  // A link to a pair, such as #pair-17, works although its card is folded or further down than the phone shows.
  function reveal() {
    const card = cards.find((one) => location.hash === `#${one.id}`);
    if (!card?.hidden) return;
    search.value = "";
    opened.add(card.dataset.left);
    while (narrow(), card.hidden && !rest.hidden) pages += 1;
    card.scrollIntoView({ block: "center" });
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
    else if (wish === "more") open(target.dataset.image);
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
  function fromTheTop() {
    pages = 1;
    narrow();
  }
  search.addEventListener("input", fromTheTop);
  sort.addEventListener("change", reorder);
  fold.addEventListener("change", () => {
    opened.clear();
    fromTheTop();
  });
  rest.addEventListener("click", () => {
    const last = visible().at(-1);
    pages += 1;
    narrow();
    current = visible()[visible().indexOf(last) + 1];
    current.focus({ preventScroll: true });
  });
  phone.addEventListener("change", narrow);
  window.addEventListener("hashchange", reveal);
  reorder();
  reveal();
})();
