// Api: what the server is asked, and how its silence is told from its answers. A document hears "silent", with the
// server's own sentence if it gave one, while an answer is waited for, and "heard" when one came.
const AGAIN_MS = 1000;
const page = document.body.dataset;
let token = page.token;

class Unanswered extends Error {}

// An answer with its status, whatever it says. Raises Unanswered where none came, or none that this server gives.
async function ask(path, method = "GET", body = undefined) {
  const write = method !== "GET";
  const headers = write ? { "Content-Type": "application/json", "X-Blindpairs-Token": token } : {};
  try {
    // keepalive: words go on their way where the page is closed after them
    const more = write ? { body: JSON.stringify(body), keepalive: method === "PUT" } : {};
    const answer = await fetch(path, { method, headers, cache: "no-store", ...more });
    return { ...(await answer.json()), status: answer.status };
  } catch (error) {
    throw new Unanswered(String(error));
  }
}

// Asked every second until the server is there; its answer.
export async function insist(path, method = "GET", body = undefined) {
  for (;;) {
    const answer = await attempt(path, method, body);
    if (answer && (answer.status < 500 || answer.status === 502)) {
      tell("heard");
      return answer;
    }
    tell("silent", answer?.error);
    await new Promise((done) => setTimeout(done, AGAIN_MS));
  }
}

// Asked once; null where no answer came.
export async function attempt(path, method = "GET", body = undefined) {
  const used = token;
  try {
    const answer = await ask(path, method, body);
    return answer.status === 403 && (await renewed(used)) ? await ask(path, method, body) : answer;
  } catch (error) {
    if (error instanceof Unanswered) return null;
    throw error;
  }
}

// A server that was started anew gives its page another token; true where it is the same page of the same run.
async function renewed(used) {
  try {
    const answer = await fetch("/", { cache: "no-store" });
    const now = new DOMParser().parseFromString(await answer.text(), "text/html").body.dataset;
    const same = answer.ok && ["page", "run", "person"].every((name) => now[name] === page[name]);
    if (!same || now.token === used) return false;
    token = now.token;
    return true;
  } catch (error) {
    throw new Unanswered(String(error));
  }
}

function tell(name, detail) {
  document.dispatchEvent(new CustomEvent(name, { detail }));
}
