// Photos: decoded ahead, swapped in at once, and laid over one another.
const KEPT = 16;
const ready = new Map(); // src -> an image that was asked for; the oldest first

// Have the photos of these pairs decoded before they are shown.
export function preload(pairs) {
  for (const src of pairs.flatMap((pair) => [pair.left.src, pair.right.src])) image(src);
}

function image(src) {
  const found = ready.get(src) ?? loaded(src);
  ready.delete(src);
  ready.set(src, found);
  for (const old of ready.keys()) {
    if (ready.size <= KEPT) break;
    ready.delete(old);
  }
  return found;
}

function loaded(src) {
  const made = new Image();
  made.decoding = "sync"; // it is decoded by then; never a frame without a photo
  made.src = src;
  made.decode().catch(() => {}); // one that is gone is said to be so where it is shown
  return made;
}

// Put a photo where it belongs. An image that cannot be shown is said to be gone.
export function show(place, photo, alt) {
  const shown = place.querySelector("img");
  if (shown && shown.getAttribute("src") === photo.src && !ready.has(photo.src)) ready.set(photo.src, shown);
  const now = image(photo.src);
  now.alt = alt;
  if (shown !== now) place.replaceChildren(now);
  const say = () => place.classList.toggle("gone", now.complete && !now.naturalWidth);
  now.onload = now.onerror = say;
  say();
}

// The right photo over the left (while a key is held), or over it and away again by itself.
export function over(on) {
  document.getElementById("shots").classList.toggle("over", on);
}

export function flip(on) {
  const shots = document.getElementById("shots");
  const now = on ?? !shots.classList.contains("flipping");
  shots.classList.toggle("flipping", now);
  document.querySelector('[data-do="flip"]').setAttribute("aria-pressed", String(now));
}
