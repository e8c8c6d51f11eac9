// Outbox: what was changed here and is not yet known to be kept. One request at a time, in the order of the changes, so
// that undo takes back what was done last, and each with the version that the last answer about its pair gave. What is
// unsent lies in the session's storage too: a reload loses nothing.
import { insist } from "./api.js";

const TYPED_MS = 400;
export const keyOf = (pair) => `${pair.left_id}/${pair.right_id}`;

export class Outbox {
  // `heard`: kept(pair, progress), conflict(entry), gone(sentence), state(name, sentence)
  constructor(name, heard) {
    this.name = name;
    this.heard = heard;
    this.waiters = [];
    this.due = new Set(); // entries to send, in the order of their last change
    this.busy = false;
    this.entries = new Map(JSON.parse(sessionStorage.getItem(name) ?? "[]").map((entry) => [entry.key, entry]));
  }

  // Note changes to a pair; `typed` ones wait for the next keystroke.
  change(pair, changes, { typed = false } = {}) {
    const entry = this.#entry(pair);
    if (entry.stuck) Object.assign(entry, { stuck: null, waiting: { ...entry.sent, ...entry.waiting }, sent: null });
    entry.waiting = { ...entry.waiting, ...changes };
    clearTimeout(entry.timer);
    if (typed) entry.timer = setTimeout(() => this.#send(entry), TYPED_MS);
    this.#told();
    if (!typed) this.#send(entry);
  }

  // What of this pair the server has not said it has.
  unsent(pair) {
    const entry = this.entries.get(keyOf(pair));
    return entry ? { ...entry.sent, ...entry.waiting } : {};
  }

  // Send at once what waits for the next keystroke, or is left of an earlier visit.
  flush() {
    for (const entry of this.entries.values()) if (!this.due.has(entry)) this.#send(entry);
  }

  // When all is kept that can be: what is in conflict waits for a person.
  async settled() {
    this.flush();
    while ([...this.entries.values()].some((entry) => !entry.theirs && !entry.stuck)) {
      await new Promise((done) => this.waiters.push(done));
    }
  }

  takeTheirs(entry) {
    clearTimeout(entry.timer);
    this.entries.delete(entry.key);
    this.#told();
    this.heard.kept(entry.theirs);
  }

  keepMine(entry) {
    const { theirs, sent, waiting } = entry;
    Object.assign(entry, { theirs: null, version: theirs.written.version, waiting: { ...sent, ...waiting }, sent: null });
    this.heard.kept(theirs);
    this.#send(entry);
  }

  #entry(pair) {
    const key = keyOf(pair);
    const made = { key, place: pair.place, version: pair.written.version, sent: null, waiting: null };
    if (!this.entries.has(key)) this.entries.set(key, made);
    return this.entries.get(key);
  }

  async #send(entry) {
    clearTimeout(entry.timer);
    this.due.delete(entry);
    this.due.add(entry);
    if (this.busy) return;
    this.busy = true;
    for (let next; (next = this.#next()); this.#told()) this.#answered(next, await this.#put(next));
    this.busy = false;
  }

  // The entry to send next; what is sent of it stands in `sent` until the server has answered to just this.
  #next() {
    for (const entry of this.due) {
      const open = !entry.theirs && !entry.stuck;
      if (open && entry.sent) return entry; // left of an earlier visit
      this.due.delete(entry);
      if (open && entry.waiting) return Object.assign(entry, { sent: entry.waiting, waiting: null });
    }
    return null;
  }

  #put({ key, version, sent }) {
    this.#told();
    return insist(`/api/pairs/${key}`, "PUT", { version, changes: sent });
  }

  #answered(entry, answer) {
    if (answer.status === 200 || (answer.status === 409 && says(answer.pair, entry.sent))) {
      Object.assign(entry, { version: answer.pair.written.version, sent: null });
      this.heard.kept(answer.pair, answer.progress);
    } else if (answer.status === 409 && answer.pair) {
      entry.theirs = answer.pair;
      this.heard.conflict(entry);
    } else if (answer.status === 404) {
      Object.assign(entry, { sent: null, waiting: null });
      this.heard.gone(answer.error);
    } else {
      entry.stuck = answer.error; // until the next change
    }
    if (!entry.sent && !entry.waiting) this.entries.delete(entry.key);
  }

  // Keep what is left where a reload finds it, and say how things stand.
  #told() {
    const entries = [...this.entries.values()];
    const left = entries.map(({ key, place, version, sent, waiting }) => ({ key, place, version, sent, waiting }));
    if (left.length) sessionStorage.setItem(this.name, JSON.stringify(left));
    else sessionStorage.removeItem(this.name);
    const stuck = entries.find((entry) => entry.stuck);
    const conflict = entries.some((entry) => entry.theirs) && "conflict";
    this.heard.state(stuck ? "stuck" : conflict || (entries.length ? "saving" : "saved"), stuck?.stuck);
    for (const done of this.waiters.splice(0)) done();
  }
}

// Whether the pair already says what was sent: the answer to it was lost, or another tab wrote the same.
function says(pair, sent) {
  const kept = (name, value) => pair.written[name] === value.trim().replace(/\s+/g, " ");
  const took = Object.keys(sent).length || !pair?.written.draft; // to send nothing is to take the draft
  return Boolean(pair && took) && Object.entries(sent).every(([name, value]) => kept(name, value));
}
