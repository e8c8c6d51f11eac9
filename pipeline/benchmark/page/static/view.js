// View: a pair, the progress and the state of saving as they stand on the page. Words come in as text, never as HTML.
import { isWhole, lacksOf } from "./lacks.js";
import { flip, show } from "./photos.js";

const TOLD_MS = 3500; // at least, and as long as reading it takes
const READ_MS = 70; // a letter
const byId = (id) => document.getElementById(id);
const number = (value) => value.toLocaleString("en");
let hiding = 0;

// Say something for a moment, to eyes and to screen readers.
export function told(text) {
  byId("told").textContent = text;
  byId("told").classList.add("shown");
  clearTimeout(hiding);
  hiding = setTimeout(() => byId("told").classList.remove("shown"), Math.max(TOLD_MS, READ_MS * text.length));
}

// A pair that was not shown before; what there is to be said of it.
export function showPair(pair, queue) {
  flip(false);
  byId("place").textContent = `Pair ${number(pair.place + 1)} of ${number(queue)}`;
  for (const side of ["left", "right"]) {
    const photo = pair[side];
    show(byId(`shot-${side}`), photo, altOf(side, photo));
    showWords(byId(`words-${side}`), photo);
  }
  showCosines(pair);
  byId("rank").textContent = pair.rank === null ? "" : `rank ${number(pair.rank)} · group ${pair.group}`;
  document.title = `${pair.place + 1} · ${document.body.dataset.run}`;
  return `${byId("place").textContent}. ${altOf("left", pair.left)}. ${altOf("right", pair.right)}`;
}

function altOf(side, photo) {
  return `${side === "left" ? "Left" : "Right"} photo: ${photo.caption || photo.label || photo.key}`;
}

function showWords(place, photo) {
  place.querySelector(".label").textContent = photo.label ?? "";
  place.querySelector(".caption").textContent = photo.caption ?? "";
  const size = photo.width ? ` · ${photo.width} × ${photo.height}` : "";
  const rest = `${size}${photo.license ? ` · ${photo.license}` : ""}`;
  place.querySelector(".key").replaceChildren(`${photo.source} / `, named(photo), rest);
  place.scrollTop = 0;
}

function named(photo) {
  if (!/^https?:\/\//i.test(photo.url ?? "")) return photo.key;
  const link = document.createElement("a");
  Object.assign(link, { href: photo.url, rel: "noreferrer noopener", target: "_blank", textContent: photo.key });
  return link;
}

function showCosines(pair) {
  byId("cosines").hidden = pair.gap === null;
  if (pair.gap === null) return;
  for (const name of ["reference_cosine", "blind_cosine", "gap"]) byId(name).textContent = pair[name].toFixed(4);
  const percent = (value) => `${Math.min(100, Math.max(0, 100 * value))}%`;
  byId("gauge").style.setProperty("--r", percent(pair.reference_cosine));
  byId("gauge").style.setProperty("--b", percent(pair.blind_cosine));
}

// What is written of the pair, apart from the fields. `written` holds what is not yet sent, too.
export function showWritten(pair, written) {
  press("[data-decision]", (button) => button.dataset.decision === written.decision);
  press("[data-pattern]", (button) => button.dataset.pattern === written.pattern);
  press('[data-do="use"]', () => written.use === "training");
  byId("draft").hidden = !written.draft;
  byId("drafted").textContent = written.draft;
  byId("form").classList.toggle("is-draft", Boolean(written.draft));
  byId("by").textContent = written.author ? `${written.author}, ${new Date(written.authored_at).toLocaleString([], { dateStyle: "medium", timeStyle: "short" })}` : "";
  showAnswers(written);
  showLacks(pair, written);
}

function press(selector, pressed) {
  for (const button of document.querySelectorAll(selector)) button.setAttribute("aria-pressed", String(pressed(button)));
}

// Under each photo, what will be right for it.
function showAnswers(written) {
  const other = { a: "b", b: "a" };
  for (const side of ["left", "right"]) {
    const letter = side === "left" ? written.left_answer : other[written.left_answer];
    const place = byId(`words-${side}`).querySelector(".answer");
    const words = letter && written[`option_${letter}`];
    if (!words) place.replaceChildren();
    else place.replaceChildren(Object.assign(document.createElement("b"), { textContent: letter }), words);
  }
}

function showLacks(pair, written) {
  const place = byId("lacks");
  const kept = written.decision === "kept";
  const [lacks, whole] = [lacksOf(written).join(", "), isWhole(written)];
  const state = !lacks ? "Whole." : whole ? `Whole; but what was begun beside it lacks: ${lacks}.` : `Still lacks: ${lacks}.`;
  const sentences = [
    [pair.listed ? "" : "No longer among the run’s pairs.", "warn"],
    [pair.missed.length ? `Answered wrongly by ${pair.missed.join(", ")}.` : "", "warn"],
    [kept ? state : "", whole ? "whole" : ""],
  ].filter(([text]) => text);
  const spans = sentences.map(([textContent, className]) => Object.assign(document.createElement("span"), { textContent, className }));
  place.replaceChildren(...spans.flatMap((span, turn) => (turn ? [" ", span] : [span])));
}

export function showProgress(progress) {
  byId("whole").textContent = number(progress.whole);
  byId("goal").value = progress.whole;
  byId("goal").max = progress.wanted;
  for (const button of document.querySelectorAll("[data-pattern]")) showPattern(button, progress);
  for (const option of byId("show").options) option.textContent = `${option.dataset.name} (${number(progress[option.value === "all" ? "queue" : option.value])})`;
  byId("unlisted-says").textContent = progress.unlisted_says;
  byId("unlisted").hidden = !progress.unlisted;
  byId("frozen").textContent = progress.frozen ? `version ${progress.frozen}${progress.changed ? ", changed since" : ""}` : "";
}

function showPattern(button, progress) {
  const { asked, stated } = progress.patterns[button.dataset.pattern] ?? { asked: 0, stated: 0 };
  button.querySelector(".asked").textContent = asked;
  button.querySelector(".stated").textContent = stated;
  button.querySelector("progress").value = stated;
  button.toggleAttribute("data-full", stated >= progress.each);
}

// How many match, and which of them this is; nothing where all are shown.
export function showFound(queue, matching, position) {
  const place = byId("found");
  const narrowed = queue.show !== "all" || queue.search;
  place.classList.toggle("none", narrowed && !matching);
  const count = position ? `${number(position)} of ${number(matching)}` : `${number(matching)} found`;
  place.textContent = narrowed ? (matching ? count : "none found") : "";
}

// The menu opens at once; a choice from it leads back to the keys.
export function openMenu() {
  byId("show").focus();
  byId("show").showPicker?.();
  byId("show").addEventListener("change", () => byId("show").blur(), { once: true });
}
