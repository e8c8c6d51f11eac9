// Names: what is written of a pair as a person calls it, and what an undo took back.
export const NAMES = {
  decision: "decision", use: "use", pattern: "pattern", question: "question", option_a: "option a", option_b: "option b",
  left_answer: "right for the left photo", left_statement: "statement, left", right_statement: "statement, right",
};
const CHOICES = ["decision", "use", "pattern", "left_answer"]; // whose values are a word
const MANY = 3; // changes that one sentence can name

// `before`: the pair as the page knew it, if it did; `answer`: the server's, with the pair as it is since.
export function undone(before, { changed, pair: now }) {
  if (!now) return changed ? "Undone, of a pair that is shown no more" : "Nothing to undo";
  const what = before ? taken(before.written, now.written) : "";
  return `Undone, pair ${now.place + 1}${what && `: ${what}`}`;
}

function taken(before, now) {
  if (before.draft && !now.draft) return "the draft";
  const names = Object.keys(NAMES).filter((name) => before[name] !== now[name]);
  if (names.length > MANY) return "all that was written at once";
  const told = names.map((name) => (CHOICES.includes(name) ? `${NAMES[name]} is ${now[name] || "none"} again` : NAMES[name]));
  return [...told, ...(now.draft && !before.draft ? ["it is a draft again"] : [])].join(", ");
}
