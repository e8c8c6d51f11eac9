// Leaving: a kept pair that would not count is not left by Ctrl+Enter before the page has said what it lacks.
import { focusLacking } from "./form.js";
import { isWhole, lacksOf } from "./lacks.js";
import { keyOf } from "./outbox.js";
import { told } from "./view.js";

let said = ""; // of which pair, and what it lacked

export function arrived() {
  said = "";
}

// Whether this is the first press for what it lacks now; it is then said, and the focus goes there.
export function holdsBack(pair, written) {
  if (written.decision !== "kept" || isWhole(written)) return false;
  const lacks = lacksOf(written);
  const now = `${keyOf(pair)} ${lacks.join()}`;
  if (said === now) return false;
  said = now;
  focusLacking(lacks);
  told(`Still lacks: ${lacks.join(", ")}. Ctrl+Enter again goes on.`);
  return true;
}
