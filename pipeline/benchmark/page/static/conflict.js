// Conflict: a notice that somebody else changed the pair, with their words and ours, until a person has chosen.
import { NAMES } from "./names.js";

const place = document.getElementById("conflict");
const waiting = [];
let chosen = { theirs: () => {}, mine: () => {} };

// `theirs(entry)` and `mine(entry)` are called when a person has chosen.
export function listen(heard) {
  chosen = heard;
}

// Take up a conflict. It does not take the focus from who is typing.
export function raise(entry) {
  waiting.push(entry);
  if (waiting.length === 1) draw();
}

// Go to the notice; false where there is none.
export function focusNotice() {
  if (place.hidden) return false;
  place.focus();
  return true;
}

function draw() {
  const [entry] = waiting;
  place.hidden = !entry;
  if (!entry) return place.replaceChildren();
  const by = entry.theirs.written;
  const when = new Date(by.changed_at).toLocaleTimeString();
  const title = made("h2", `Pair ${entry.place + 1} was changed meanwhile, by ${by.changed_by} at ${when}`);
  title.id = "conflict-title";
  const both = made("div");
  both.className = "both";
  both.append(button("Take theirs", "theirs"), button("Keep mine", "mine"));
  place.replaceChildren(title, differences(by, { ...entry.sent, ...entry.waiting }), both);
}

function differences(theirs, mine) {
  const list = made("dl");
  for (const [name, value] of Object.entries(mine)) {
    list.append(made("dt", NAMES[name]), made("dd", `theirs: ${theirs[name] || "nothing"}`), made("dd", `mine: ${value || "nothing"}`));
  }
  return list;
}

function button(text, which) {
  const one = made("button", text);
  one.type = "button";
  one.addEventListener("click", () => decide(which));
  return one;
}

function decide(which) {
  const entry = waiting.shift();
  chosen[which](entry);
  draw();
  if (!focusNotice()) document.getElementById("form").focus({ preventScroll: true });
}

function made(tag, text = "") {
  return Object.assign(document.createElement(tag), { textContent: text });
}
