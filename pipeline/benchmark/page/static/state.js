// State: whether all is saved, as the page says it. Screen readers hear what is new of it, not each keystroke's.
const place = document.getElementById("state");
const said = document.getElementById("said");
let saving = { name: "saved", why: "" };
let silent = null; // null: the server answers; else what it said when it refused to

document.addEventListener("silent", (event) => heard(event.detail ?? ""));
document.addEventListener("heard", () => heard(null));

function heard(why) {
  if (why === silent) return;
  silent = why;
  draw();
}

// `name`: saved, saving, conflict or stuck; `why` it is stuck.
export function showState(name, why = "") {
  saving = { name, why };
  draw();
}

// Whether words would be lost if the page were closed now.
export const isUnsaved = () => saving.name !== "saved" && place.dataset.state === "unsaved";

// Say something to screen readers alone.
export function say(text) {
  said.textContent = text;
}

function draw() {
  const [name, text] = now();
  if (place.textContent === text) return;
  const before = place.dataset.state;
  place.dataset.state = name;
  place.textContent = text;
  if (name === "unsaved") say(text);
  else if (name === "saved" && (before === "unsaved" || !document.activeElement.matches("[data-field]"))) say(text);
}

function now() {
  const { name, why } = saving;
  if (name === "stuck") return ["unsaved", `Not saved: ${why}`];
  if (name === "conflict") return ["unsaved", "Not saved: changed elsewhere"];
  if (silent !== null && name === "saving") return ["unsaved", `Not saved, trying again${silent && `: ${silent}`}`];
  if (silent !== null) return ["unsaved", "The server does not answer, trying again"];
  return name === "saving" ? ["saving", "Saving …"] : ["saved", "Saved"];
}
