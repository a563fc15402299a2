// For the checks in JavaScript: the running sandbox, as `tests/clients/run` names it, and its JSON API.
export const [host, port] = process.env.SANDBOX_TELEGRAM.split(":");
export const web = process.env.SANDBOX_WEB;
export const key = process.env.SANDBOX_PEM;
export const [modulus, exponent, fingerprint] = process.env.SANDBOX_KEY.split(" ");
export const patience = 1000 * Number(process.env.TEST_PATIENCE ?? 30);

// The proxy's secret is the sandbox's own, published in docs/sandbox.md.
export const secret = Buffer.from("djangobotsandbox").toString("hex");

export async function person(firstName) {
  const body = JSON.stringify({ first_name: firstName, language: "en" });
  const headers = { "Content-Type": "application/json" };
  return (await (await fetch(`${web}/people`, { method: "POST", headers, body })).json()).id;
}

// What comes one after another, and can be waited for.
export class Queue {
  #items = [];
  #waiting = [];

  put(item) {
    const waiting = this.#waiting.shift();
    if (waiting) waiting(item);
    else this.#items.push(item);
  }

  async get() {
    if (this.#items.length) return this.#items.shift();
    let timer;
    const late = new Promise((_, refuse) => {
      timer = setTimeout(() => refuse(new Error("nothing came")), patience);
    });
    const item = new Promise((take) => this.#waiting.push(take));
    return Promise.race([item, late]).finally(() => clearTimeout(timer));
  }
}

export function assert(condition, what) {
  if (!condition) throw new Error(`not so: ${what}`);
}
