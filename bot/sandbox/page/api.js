// The sandbox's JSON API (docs/sandbox.md).

export class Refusal extends Error {
  constructor(status, text) {
    super(text);
    this.status = status;
  }
}

async function call(method, path, query, body) {
  const given = Object.entries(query ?? {}).filter(([, value]) => value !== null && value !== undefined);
  const address = given.length ? `${path}?${new URLSearchParams(given)}` : path;
  const options = { method };
  if (body !== undefined) {
    options.body = JSON.stringify(body);
    options.headers = { "Content-Type": "application/json" };
  }
  let answer;
  try {
    answer = await fetch(address, options);
  } catch {
    throw new Refusal(0, "The sandbox does not answer. Is it still running?");
  }
  const data = await answer.json().catch(() => ({ error: `The sandbox answered ${answer.status}.` }));
  if (!answer.ok) throw new Refusal(answer.status, sentence(data.error));
  return data;
}

const sentence = (text) => text.charAt(0).toUpperCase() + text.slice(1) + (/[.!?]$/.test(text) ? "" : ".");

export const get = (path, query) => call("GET", path, query);
export const post = (path, body = {}) => call("POST", path, null, body);
