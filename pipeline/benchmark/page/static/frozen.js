// Frozen: the dialog about a version that was just made: what is in it, what is not, and which formats it fits.
const byId = (id) => document.getElementById(id);

export function showFrozen({ version, questions, new: isNew, unfinished, formats }) {
  const words = `${questions} ${questions === 1 ? "question" : "questions"}`;
  byId("frozen-says").textContent = isNew ? `Version ${version} is made: ${words}.` : `Nothing changed since version ${version}: ${words}.`;
  byId("frozen-lacks").textContent = unfinished && `Not in it: ${unfinished}.`;
  const [format, ...others] = formats;
  byId("frozen-format").textContent = format ?? "FORMAT";
  byId("frozen-formats").textContent = others.length ? `It also fits the formats ${others.join(", ")}.` : "";
  byId("frozen-dialog").showModal();
}
