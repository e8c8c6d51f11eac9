// Main: the authors' page. Keys and buttons change the pair that is shown; the outbox sees that it is kept.
import { attempt, insist } from "./api.js";
import * as conflict from "./conflict.js";
import * as form from "./form.js";
import { showFrozen } from "./frozen.js";
import * as keys from "./keys.js";
import { together } from "./lacks.js";
import { arrived, holdsBack } from "./leaving.js";
import { undone } from "./names.js";
import { Outbox, keyOf } from "./outbox.js";
import { flip, over, preload } from "./photos.js";
import { Queue } from "./queue.js";
import { isUnsaved, say, showState } from "./state.js";
import { openMenu, showFound, showPair, showProgress, showWritten, told } from "./view.js";

const FOUND_MS = 250;
const byId = (id) => document.getElementById(id);
const page = document.body.dataset;
const { window: start, progress: first } = JSON.parse(byId("start").textContent);
let [queued, asking] = [first.queue, false];
const SAYS = { kept: "Kept", rejected: "Rejected", duplicate: "Duplicate", open: "Open again" };

const queue = new Queue({
  arrived: (pair) => {
    arrived();
    say(showPair(pair, queued));
    draw({ all: true });
  },
  refreshed: () => draw(),
  found: (matching, position) => {
    queue.matching = matching;
    showFound(queue, matching, position);
  },
  ended: (by) => told(queue.matching === 0 ? "No pair matches" : by > 0 ? "That was the last one" : "This is the first one"),
});

const outbox = new Outbox(`unsent of ${page.person} in ${page.run}`, {
  kept: (pair, progress) => {
    queue.remember(pair);
    if (progress) count(progress);
    draw();
  },
  conflict: (entry) => {
    conflict.raise(entry);
    if (!form.isText(document.activeElement)) conflict.focusNotice();
  },
  gone: (sentence) => told(`Not kept: ${sentence}`),
  state: showState,
});

// What is written of the shown pair, with what is not yet sent.
const written = () => together(queue.current.written, outbox.unsent(queue.current));

function draw(how) {
  if (!queue.current) return;
  showWritten(queue.current, written());
  form.fill(written(), how);
}

function count(progress) {
  queued = progress.queue;
  showProgress(progress);
}

function change(changes, how) {
  outbox.change(queue.current, changes, how);
  showWritten(queue.current, written());
}

function decide(decision) {
  if (queue.steps) return; // the key was meant for the pair that comes
  if (written().decision !== decision) change({ decision });
  told(SAYS[decision]);
  if (decision === "rejected" || decision === "duplicate") queue.step(1);
}

function choose(left_answer) {
  change({ left_answer });
  form.fill(written());
}

function setPattern(name) {
  const pattern = written().pattern === name ? "" : name;
  change({ pattern });
  told(pattern ? `Pattern: ${pattern}` : "No pattern");
}

function setUse() {
  const use = written().use === "training" ? "benchmark" : "training";
  change({ use });
  told(`For ${use === "training" ? "training" : "the benchmark"}`);
}

function take() {
  if (!queue.current.written.draft) return told("There is no draft to take");
  change({});
  told("Draft taken");
}

async function undo() {
  await outbox.settled();
  const answer = await attempt("/api/undo", "POST", {}); // once: a second try would take back one more
  if (!answer) return told("Not undone: the server does not answer");
  if (answer.progress) count(answer.progress);
  const before = answer.pair && shown(answer.pair);
  told(answer.status === 200 ? undone(before, answer) : `Not undone: ${answer.error}`);
}

// Show a pair as the server has it now, wherever one was; what was known of it before.
function shown(pair) {
  const before = queue.remember(pair);
  if (keyOf(pair) === keyOf(queue.current)) draw();
  else queue.go(pair);
  return before;
}

async function draft() {
  if (!page.drafts || asking) return;
  asking = true;
  await outbox.settled();
  told(`Asking ${page.drafts} …`);
  const pair = queue.current;
  const answer = await attempt(`/api/drafts/${keyOf(pair)}`, "POST", { version: pair.written.version });
  asking = false;
  if (answer?.pair) queue.remember(answer.pair);
  if (answer?.progress) count(answer.progress);
  draw();
  const why = answer ? answer.error : "the server does not answer";
  told(answer?.status === 200 ? `A draft of ${page.drafts} for pair ${pair.place + 1}` : `No draft: ${why}`);
}

async function freeze() {
  await outbox.settled();
  const answer = await insist("/api/freeze", "POST", {});
  if (answer.status !== 200) return told(`Not frozen: ${answer.error}`);
  count(answer.progress);
  showFrozen(answer);
}

const deeds = {
  previous: () => queue.step(-1), next: () => queue.step(1), undo, freeze, use: setUse, draft, take,
  help: () => byId("help").showModal(), flip: () => flip(),
  unlisted: () => narrow(Object.assign(byId("show"), { value: "unlisted" })),
};
const patterns = [...document.querySelectorAll("[data-pattern]")].map((button) => button.dataset.pattern);
const acts = {
  k: () => decide("kept"), r: () => decide("rejected"), d: () => decide("duplicate"), o: () => decide("open"), u: undo,
  n: deeds.next, ArrowRight: deeds.next, p: deeds.previous, ArrowLeft: deeds.previous, f: deeds.flip,
  e: form.focusFirst, Enter: form.focusFirst, a: () => choose(written().left_answer === "a" ? "b" : "a"),
  t: setUse, g: draft, y: take, m: openMenu, "/": () => byId("search").focus(), "?": deeds.help,
  ...Object.fromEntries(patterns.map((name, place) => [String(place + 1), () => setPattern(name)])),
};

function press(event) {
  const { do: deed, decision, pattern } = event.target.closest("button")?.dataset ?? {};
  if (decision) decide(decision);
  else if (pattern) setPattern(pattern);
  else deeds[deed]?.();
}

function left() {
  outbox.flush();
  draw();
}

// On to the next pair; true where it goes there.
function onward() {
  outbox.flush();
  if (queue.current && holdsBack(queue.current, written())) return false;
  queue.step(1);
  return true;
}

const narrow = () => queue.narrow(byId("show").value, byId("search").value.trim());

function listen() {
  document.addEventListener("click", press);
  const blink = document.querySelector('[data-do="blink"]');
  blink.addEventListener("pointerdown", () => over(true));
  for (const end of ["pointerup", "pointercancel"]) window.addEventListener(end, () => over(false));
  byId("show").addEventListener("change", narrow);
  byId("search").addEventListener("input", () => {
    clearTimeout(narrow.due);
    narrow.due = setTimeout(narrow, FOUND_MS);
  });
  document.addEventListener("visibilitychange", () => (document.hidden ? outbox.flush() : queue.current && queue.look()));
  window.addEventListener("pagehide", () => outbox.flush());
  window.addEventListener("beforeunload", (event) => isUnsaved() && event.preventDefault());
  form.listen({ typed: (name, value) => change({ [name]: value }, { typed: true }), left, chosen: choose });
  keys.listen({ acts, hold: over, leave: conflict.focusNotice, onward });
  conflict.listen({ theirs: (entry) => outbox.takeTheirs(entry), mine: (entry) => outbox.keepMine(entry) });
}

showProgress(first);
preload(start.pairs);
if (start.pairs.length) queue.go(start.pairs[0]);
else await queue.narrow("all", "");
listen();
outbox.flush();
