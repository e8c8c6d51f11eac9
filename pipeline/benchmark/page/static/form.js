// Form: the fields of what is written of a pair.
const fields = [...document.querySelectorAll("[data-field]")];
const radios = [...document.querySelectorAll('[name="left_answer"]')];

export const isText = (element) => element.matches("textarea, input:not([type=radio], [type=checkbox])");

// Show what is written; `all`: in the field that is being typed in, too.
export function fill(written, { all = false } = {}) {
  for (const field of fields) {
    const value = written[field.dataset.field];
    if ((all || field !== document.activeElement) && field.value !== value) field.value = value;
  }
  for (const radio of radios) radio.checked = radio.value === written.left_answer;
}

// `typed(name, value)` at each keystroke, `left()` when a field is left, `chosen(letter)` for the right option.
export function listen({ typed, left, chosen }) {
  for (const field of fields) {
    field.addEventListener("input", () => typed(field.dataset.field, field.value.replace(/\s/g, " ")));
    field.addEventListener("blur", left);
  }
  for (const radio of radios) radio.addEventListener("change", () => chosen(radio.value));
}

// Go to the first empty field, or to the question where none is.
export function focusFirst() {
  const field = fields.find((one) => !one.value) ?? fields[0];
  field.focus();
  field.setSelectionRange(field.value.length, field.value.length);
}

const PLACES = { "the question": 0, "option a": 1, "option b": 2, "the left statement": 3, "the right statement": 4 };

// Go to what is lacking first, by its name in lacks.js; stay where it is none of the fields.
export function focusLacking(lacks) {
  const [first] = lacks;
  if (first in PLACES) fields[PLACES[first]].focus();
  else if (first === "the right answer") radios[0].focus();
}

// Go on from a field: from the options to which of them is right, then to the statements, from the last field nowhere.
export function focusAfter(element) {
  const options = fields.findIndex((field) => field.dataset.field === "option_b");
  if (radios.includes(element)) fields[options + 1].focus();
  else if (element === fields[options]) (radios.find((one) => one.checked) ?? radios[0]).focus();
  else if (fields.includes(element)) fields[fields.indexOf(element) + 1]?.focus();
}
