// Answer: one photo, one question, and the choice of a person who does not know what is right.
import { attempt, insist } from "./api.js";

const TOLD_MS = 4000;
const byId = (id) => document.getElementById(id);
let asked = JSON.parse(byId("start").textContent);
const given = new Map(); // what was chosen here, of each question; changed words make another question of it
let busy = false;
let next = null; // the photo that comes after this one, decoded ahead
let hiding = 0;

function draw() {
  const { question } = asked;
  byId("asked").hidden = !question;
  byId("nothing").hidden = Boolean(question);
  byId("count").textContent = `${asked.done} of ${asked.total} answered`;
  byId("done").max = Math.max(1, asked.total);
  byId("done").value = asked.done;
  if (question) show(question);
  else end();
}

function show(question) {
  const photo = next?.getAttribute("src") === question.src ? next : made(question.src);
  photo.alt = `The photo of question ${asked.done + 1}`;
  byId("photo").replaceChildren(photo);
  byId("question").textContent = question.question;
  for (const button of document.querySelectorAll("[data-chosen]")) {
    button.querySelector("span").textContent = question.options[button.dataset.chosen === "a" ? 0 : 1];
    button.querySelector("small").hidden = given.get(question.id) !== button.dataset.chosen;
  }
  next = asked.next_src ? made(asked.next_src) : null;
  byId("question").focus({ preventScroll: true }); // screen readers read the question
}

function end() {
  byId("photo").replaceChildren();
  const says = `blindpairs people ${document.body.dataset.run} says what people got right.`;
  byId("nothing-title").textContent = asked.total ? "All are answered. Thank you." : "There are no questions any more";
  byId("nothing-says").textContent = asked.total ? says : "Their authors changed or dropped them; reload this page later.";
  byId("nothing-title").focus();
}

function made(src) {
  const image = Object.assign(new Image(), { src });
  image.decode().catch(() => {}); // the page shows its alternative text then
  return image;
}

// `ask`: insist, or attempt where a second try would do more than the first.
async function send(ask, path, body) {
  if (busy) return;
  busy = true;
  const answer = await ask(path, "POST", body);
  busy = false;
  if (!answer) return told("The server does not answer");
  if (answer.status !== 200) told(answer.error);
  const then = answer.status === 200 ? answer : answer.next;
  if (!then) return;
  asked = then;
  draw();
}

function choose(chosen) {
  if (!asked.question || busy) return;
  given.set(asked.question.id, chosen);
  send(insist, "/api/answers", { question: asked.question.id, chosen });
}

const back = () => send(attempt, "/api/answers/back", {});

function told(text) {
  byId("told").textContent = text;
  byId("told").classList.add("shown");
  clearTimeout(hiding);
  hiding = setTimeout(() => byId("told").classList.remove("shown"), TOLD_MS);
}

const acts = { a: () => choose("a"), 1: () => choose("a"), b: () => choose("b"), 2: () => choose("b"), u: back };
document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.repeat || event.isComposing) return;
  acts[event.key.toLowerCase()]?.();
});
document.addEventListener("silent", () => told("The server does not answer, trying again"));
byId("back").addEventListener("click", back);
for (const button of document.querySelectorAll("[data-chosen]")) button.addEventListener("click", () => choose(button.dataset.chosen));
draw();
