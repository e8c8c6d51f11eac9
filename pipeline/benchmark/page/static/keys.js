// Keys: what each key does. Single keys act where no text is typed; a field has its own few.
import { focusAfter, isText } from "./form.js";

const single = document.getElementById("single");
const help = document.getElementById("help");
const BLINK = '[data-do="blink"]';
const HELD = ["b", " "];
const AGAIN = ["n", "p", "ArrowRight", "ArrowLeft"]; // of these a key that is held down counts each time

// `acts`: key -> what it does; `hold(on)`: while b or space is down; `leave()`: out of a field; `onward()`: on to the
// next pair, true where it goes there.
export function listen({ acts, hold, leave, onward }) {
  document.addEventListener("keydown", (event) => {
    if (event.isComposing) return;
    if (document.querySelector("dialog[open]")) inDialog(event);
    else if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) goOn(event, onward);
    else if (isText(event.target)) inField(event, leave);
    else if (event.target.matches("select")) inMenu(event);
    else if (!event.ctrlKey && !event.metaKey && !event.altKey && single.checked) press(event, acts, hold);
  });
  document.addEventListener("keyup", () => hold(false));
  window.addEventListener("blur", () => hold(false));
}

function press(event, acts, hold) {
  const key = nameOf(event);
  const held = HELD.includes(key) || (key === "Enter" && event.target.matches(BLINK));
  if (owns(event.target, key)) return;
  const onward = key === "Enter" && event.target.matches("[type=radio]") && (() => focusAfter(event.target));
  const act = onward || (held ? () => hold(true) : acts[key]);
  if (!act) return;
  event.preventDefault();
  if (!event.repeat || AGAIN.includes(key)) act();
}

// Keys that a button, a link or a radio has a use of its own for.
function owns(target, key) {
  if (target.matches("[type=radio]")) return [" ", "ArrowLeft", "ArrowRight"].includes(key);
  return target.matches(`a, button:not(${BLINK})`) && [" ", "Enter"].includes(key);
}

// From a field, from the right answer, from anywhere: on to the next pair, unless there is something to say first.
function goOn(event, onward) {
  event.preventDefault();
  if (!event.repeat && onward()) event.target.blur();
}

function inField(event, leave) {
  if (event.key === "Escape") {
    event.preventDefault();
    if (event.target.type === "search") clear(event.target);
    event.target.blur();
    leave();
  } else if (event.key === "Enter") {
    event.preventDefault();
    if (event.target.type === "search") event.target.blur();
    else focusAfter(event.target);
  }
}

// A search that is left by Escape is over; one that is left by Enter stays.
function clear(search) {
  search.value = "";
  search.dispatchEvent(new Event("input", { bubbles: true }));
}

function inMenu(event) {
  if (event.key === "Escape") event.target.blur();
}

function inDialog(event) {
  if (event.key === "?" && help.open) help.close();
}

// The key's name, also with caps lock, on keyboards of other alphabets, and where digits need shift.
function nameOf(event) {
  if (/^[a-z]$/i.test(event.key)) return event.key.toLowerCase();
  if (event.shiftKey || event.key.length > 1 || event.key === "/") return event.key;
  const digit = /^Digit([1-9])$/.exec(event.code);
  const letter = /^Key([A-Z])$/.exec(event.code);
  return digit ? digit[1] : letter && event.key > "\u007f" ? letter[1].toLowerCase() : event.key;
}
