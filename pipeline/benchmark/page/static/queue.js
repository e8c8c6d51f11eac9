// Queue: which pair is shown, which come next, and where they are looked for. The next ones are fetched ahead.
import { insist } from "./api.js";
import { keyOf } from "./outbox.js";
import { preload } from "./photos.js";

const AHEAD = 3;
const BEHIND = 20;

export class Queue {
  // `heard`: arrived(pair), found(matching, position), refreshed(pair), ended(step)
  constructor(heard) {
    Object.assign(this, { heard, current: null, show: "all", search: "", ahead: [], behind: [] });
    this.walked = Promise.resolve();
    this.steps = 0; // that are not done yet: what is shown is about to change
    this.looks = 0;
  }

  // One pair on (1) or back (-1); steps wait for one another, so that none of a quick hand's is lost.
  step(by) {
    return this.#walk(() => this.#step(by));
  }

  // Walk through other pairs from now on: from the current one if it is among them, else from the next that is.
  narrow(show, search) {
    Object.assign(this, { show, search, ahead: [], behind: [] });
    return this.#walk(() => this.#narrowed());
  }

  // Show this pair, wherever one was.
  go(pair) {
    if (this.current && keyOf(pair) !== keyOf(this.current)) this.behind.unshift(this.current);
    this.behind.length = Math.min(this.behind.length, BEHIND);
    this.ahead = [];
    this.#arrive(pair);
  }

  // What the server said last of a pair replaces what was fetched of it before, which is returned.
  remember(pair) {
    const known = [this.current, ...this.ahead, ...this.behind].find((one) => one && keyOf(one) === keyOf(pair));
    const newest = (one) => (one && keyOf(one) === keyOf(pair) && one.written.version <= pair.written.version ? pair : one);
    this.current = newest(this.current);
    this.ahead = this.ahead.map(newest);
    this.behind = this.behind.map(newest);
    return known;
  }

  // Ask again for the current pair and those that follow it.
  async look() {
    const turn = ++this.looks;
    const seen = await this.#window({ after: this.current.place - 1, count: AHEAD + 1 });
    if (turn !== this.looks) return;
    const here = seen.pairs.find((pair) => keyOf(pair) === keyOf(this.current));
    this.ahead = seen.pairs.filter((pair) => pair !== here).slice(0, AHEAD);
    preload(this.ahead);
    this.heard.found(seen.matching, here ? seen.before + 1 : null);
    if (here && here.written.version > this.current.written.version) {
      this.current = here;
      this.heard.refreshed(here);
    }
  }

  #walk(step) {
    this.steps += 1;
    this.walked = this.walked.then(step).finally(() => (this.steps -= 1));
    return this.walked;
  }

  async #step(by) {
    const [from, to] = by > 0 ? ["ahead", "behind"] : ["behind", "ahead"];
    if (!this[from].length) {
      const found = await this.#beyond(by);
      this.looks += 1; // a look that is under way was for fewer
      this[from] = found;
    }
    const pair = this[from].shift();
    if (!pair) return this.heard.ended(by);
    if (this.current) this[to].unshift(this.current);
    this[to].length = Math.min(this[to].length, BEHIND);
    this.#arrive(pair);
  }

  async #beyond(by) {
    const place = this.current ? this.current.place : -1;
    return (await this.#window(by > 0 ? { after: place, count: AHEAD } : { before: place, count: AHEAD })).pairs;
  }

  async #narrowed() {
    let seen = await this.#window({ after: this.current ? this.current.place - 1 : -1, count: AHEAD + 1 });
    if (!seen.pairs.length) seen = await this.#window({ after: -1, count: AHEAD + 1 });
    const [first] = seen.pairs;
    if (!first) return this.heard.found(0, null);
    if (this.current && keyOf(first) === keyOf(this.current)) return this.look();
    this.#arrive(first);
  }

  #arrive(pair) {
    this.current = pair;
    this.heard.arrived(pair);
    this.look();
  }

  #window(where) {
    const asked = new URLSearchParams({ show: this.show, search: this.search, ...where });
    return insist(`/api/pairs?${asked}`);
  }
}
