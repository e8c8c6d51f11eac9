// Comfort only: without this script every figure, question and reply is on the page all the same.
(() => {
  "use strict";
  document.documentElement.classList.add("js");
  const list = document.getElementById("cards");
  const search = document.getElementById("search");
  const buttons = [...document.querySelectorAll(".filters [data-tag]")];
  const cards = [...list.children];
  const words = new Map(cards.map((card) => [card, card.querySelector(".body").textContent.toLowerCase()]));
  const tags = new Map(cards.map((card) => [card, new Set(card.dataset.tags.split(" "))]));
  let tag = "";
  let current = null;

  const visible = () => cards.filter((card) => !card.hidden);

  function matches(card, asked) {
    return (!tag || tags.get(card).has(tag)) && asked.every((word) => words.get(card).includes(word));
  }

  function narrow() {
    const asked = search.value.trim().toLowerCase().split(/\s+/);
    for (const card of cards) card.hidden = !matches(card, asked);
    for (const button of buttons) button.setAttribute("aria-pressed", String(button.dataset.tag === tag));
    const found = visible().length;
    const number = (count) => count.toLocaleString("en");
    const named = cards.length === 1 ? list.dataset.one : list.dataset.several;
    document.getElementById("count").textContent = found < cards.length ? `${number(found)} of ${number(cards.length)} ${named}` : `${number(found)} ${named}`;
    document.getElementById("nothing").hidden = found > 0;
  }

  function choose(wanted) {
    tag = wanted;
    narrow();
  }

  // The address names the filter, so that a link shows what its sender saw; #group-17 shows that one in any case.
  function follow() {
    const name = decodeURIComponent(location.hash.slice(1));
    const card = cards.find((one) => one.id === name);
    if (card) {
      if (card.hidden) {
        search.value = "";
        choose("");
      }
      current = card;
      card.scrollIntoView({ block: "center" });
    } else if (name.startsWith("show-")) {
      const known = buttons.some((button) => button.dataset.tag === name.slice(5));
      choose(known ? name.slice(5) : "");
    }
  }

  function go(step) {
    const shown = visible();
    if (!shown.length) return;
    const at = shown.indexOf(current);
    current = shown[at < 0 ? 0 : Math.min(shown.length - 1, Math.max(0, at + step))];
    current.focus({ preventScroll: true });
    current.scrollIntoView({ block: "center" });
  }

  for (const button of buttons) {
    button.addEventListener("click", () => {
      choose(button.dataset.tag);
      history.replaceState(null, "", tag ? `#show-${tag}` : "#groups");
    });
  }
  const keys = { j: () => go(1), k: () => go(-1), ArrowRight: () => go(1), ArrowLeft: () => go(-1), "/": () => search.focus() };
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.target.closest("input, .scroll[tabindex]")) return;
    if (event.key === "Enter" && event.target === current) {
      const replies = current.querySelector(".replies");
      replies.open = !replies.open;
    } else if (keys[event.key]) {
      event.preventDefault();
      keys[event.key]();
    }
  });
  document.addEventListener("focusin", (event) => {
    current = event.target.closest(".cards .card") ?? current;
  });
  search.addEventListener("input", narrow);
  window.addEventListener("hashchange", follow);
  narrow();
  follow();
})();
