"use strict"; // for all of the page's script

// Which cards are folded away: those of an image that has `most` cards already, unless one of the two images was opened.
// Returns the folded cards, and for each image its last shown card and how many of its cards are folded.
function foldCards(cards, opened, most) {
  const used = new Map();
  const last = new Map();
  const waiting = new Map();
  const folded = new Set();
  for (const card of cards) {
    const images = [card.dataset.left, card.dataset.right];
    const full = images.filter((image) => (used.get(image) ?? 0) >= most);
    if (full.length && !images.some((image) => opened.has(image))) {
      folded.add(card);
      for (const image of full) waiting.set(image, (waiting.get(image) ?? 0) + 1);
      continue;
    }
    for (const image of images) {
      used.set(image, (used.get(image) ?? 0) + 1);
      last.set(image, card);
    }
  }
  return { folded, last, waiting };
}

// A button on an image's last shown card, below that image's words.
function addMoreButtons({ last, waiting }) {
  for (const button of document.querySelectorAll('[data-do="more"]')) button.remove();
  for (const [image, count] of waiting) {
    const card = last.get(image);
    const button = document.createElement("button");
    button.type = "button";
    button.dataset.do = "more";
    button.dataset.image = image;
    button.textContent = `${count} more ${count === 1 ? "pair" : "pairs"} of this image`;
    card.querySelectorAll(".words > div")[card.dataset.left === image ? 0 : 1].append(button);
  }
}
