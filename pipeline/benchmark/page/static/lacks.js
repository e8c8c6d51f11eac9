// Lacks: what is still to be written of a pair, from the form as it stands, in the server's words (stages/author/
// authored.py): a test compares both. So the page says it while somebody types, not only once it is saved.
const WORDS = ["question", "option_a", "option_b", "left_statement", "right_statement", "left_answer"];
const PARENTHESES = "options without parentheses, at which MMVP's readers cut them";

// A text as the server keeps it: in one line, with single spaces, without control characters.
export function plain(text) {
  return text.replace(/\p{Cc}/gu, " ").split(/\p{White_Space}+/u).filter(Boolean).join(" ");
}

// Python's casefold, letter by letter: ß and ẞ are ss, and a dotless ı is no i.
export function folded(text) {
  return [...text].map((letter) => (letter === "ı" ? letter : letter.toLowerCase().toUpperCase().toLowerCase())).join("");
}

export function questionLacks(written) {
  const [question, a, b] = texts(written, "question", "option_a", "option_b");
  return [
    !question && "the question",
    !a && "option a",
    !b && "option b",
    a && folded(a) === folded(b) && "two options that differ",
    /[()]/.test(a + b) && PARENTHESES,
    !written.left_answer && "the right answer",
  ].filter(Boolean);
}

export function statementsLack(written) {
  const [left, right] = texts(written, "left_statement", "right_statement");
  return [
    !left && "the left statement",
    !right && "the right statement",
    !written.pattern && "a pattern for its statements",
    left && folded(left) === folded(right) && "two statements that differ",
  ].filter(Boolean);
}

// What is lacking of what was begun; of a question if nothing was begun.
export function lacksOf(written) {
  if (written.draft) return ["a person's yes to the draft"];
  const isStated = texts(written, "left_statement", "right_statement").some(Boolean);
  const isAsked = written.left_answer || texts(written, "question", "option_a", "option_b").some(Boolean) || !isStated;
  return [...(isAsked ? questionLacks(written) : []), ...(isStated ? statementsLack(written) : [])];
}

// Whether freezing takes it: kept, with a whole question, whole statements, or both.
export function isWhole(written) {
  const any = [questionLacks, statementsLack].some((lacks) => !lacks(written).length);
  return written.decision === "kept" && !written.draft && any;
}

// What is written of a pair with what is not yet sent. A draft with a word of a person is a draft no more.
export function together(written, unsent) {
  return { ...written, ...unsent, ...(WORDS.some((name) => name in unsent) ? { draft: "" } : {}) };
}

function texts(written, ...names) {
  return names.map((name) => plain(written[name] ?? ""));
}
