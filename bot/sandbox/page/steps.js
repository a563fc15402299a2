// The README's five steps, filled in, to copy one after the other. Only `djangobot demo` has them shown.

import { $, copy, el, icon, memory } from "./ui.js";

// As the chat shows it, or as it stands in the curl call.
const CODE = /\b\d{3} \d{3} \d{4}\b|\b\d{4}(?: \d{4}){4}\b|(?<="code": ")\d{10,20}(?=")/;
/** A code's digits as the chat shows them. */
const grouped = (code) => {
  const digits = code.replaceAll(" ", "");
  return digits.replace(digits.length > 10 ? /(\d{4})(?!$)/g : /^(\d{3})(\d{3})/, digits.length > 10 ? "$1 " : "$1 $2 ");
};
const CODE_LIVES = 10 * 60;

const field = (name) => `sed 's/.*"${name}":"\\([^"]*\\)".*/\\1/'`;

export class Steps {
  /** `act`: say(text) writes into the open chat. */
  constructor(api, act) {
    this.api = api;
    this.act = act;
    this.code = null;
    this.copied = new Set();
    this.toggle = $("steps-open");
    this.toggle.addEventListener("click", () => this.show($("steps").hidden));
    $("steps-close").addEventListener("click", () => this.show(false));
    $("steps").addEventListener("keydown", (event) => {
      if (event.key === "Escape") this.show(false);
    });
    this.draw();
    // A code grows old without anything happening.
    setInterval(() => this.seen && this.look(...this.seen), 10_000);
    this.show(memory.get("steps") !== "closed" && matchMedia("(min-width: 75rem)").matches, false);
  }

  show(open, remember = true) {
    $("steps").hidden = !open;
    this.toggle.hidden = open;
    if (!remember) return;
    memory.set("steps", open ? "open" : "closed");
    (open ? $("steps-close") : this.toggle).focus();
  }

  /** Looks for the newest code the bot has given in the open chat. */
  look(messages, person) {
    this.seen = [messages, person];
    const from = messages.findLast((message) => message.from === "bot" && CODE.test(message.text));
    const code = from ? grouped(CODE.exec(from.text)[0]) : null;
    const old = from ? Date.now() / 1000 - from.date > CODE_LIVES : false;
    if (code === this.code && old === this.old && person === this.person) return;
    if (code !== this.code) this.copied.delete(4);
    [this.code, this.old, this.person] = [code, old, person];
    this.draw();
  }

  get fresh() {
    return Boolean(this.code) && !this.old;
  }

  draw() {
    const focused = document.activeElement?.closest("[data-step]")?.dataset.step;
    const account = `{"login": "FedXL", "psw": "password1234"}`;
    $("steps-body").replaceChildren(
      el("p", {}, "Send your first message: copy each line into a terminal, one after the other."),
      el(
        "ol",
        {},
        this.step(1, "Register an account", `curl -sS ${this.api}/api/user/ -d '{"name": "Fedor", "login": "FedXL", "psw": "password1234"}'`),
        this.step(2, "Sign in, for a day", `ACCESS=$(curl -sS ${this.api}/api/auth/ -d '${account}' | ${field("access_token")}); echo "$ACCESS"`),
        this.chatStep(),
        this.step(
          4,
          "Turn it into a bot token",
          `TOKEN=$(curl -sS ${this.api}/api/cabinet/ -H "Authorization: Bearer $ACCESS" -d '{"code": "${this.code ?? "…"}"}' | ${field("bot_token")}); echo "$TOKEN"`,
          this.fresh ? null : "Needs the code of step 3.",
        ),
        this.step(5, "Send a message", `curl -sS ${this.api}/api/send_message -d '{"text": "The backup is done", "type": "Text", "bot_token": "'"$TOKEN"'"}'`),
      ),
      el("p", {}, "The message is in the chat at once. Write /tokens there to see who may write to you, and /history for what came."),
      el("p", { class: "fine" }, "For sh, bash and zsh; keep to one terminal, the steps hand ACCESS and TOKEN on. Or have it all played: djangobot demo --walkthrough. All calls: ", el("a", { href: `${this.api}/api/`, target: "_blank", rel: "noopener noreferrer" }, `${this.api}/api/`)),
    );
    if (focused) $("steps-body").querySelector(`[data-step="${focused}"]`)?.focus();
  }

  step(number, title, line, missing = null) {
    const done = this.copied.has(number);
    const button = el(
      "button",
      {
        type: "button",
        class: "quiet small",
        "data-step": String(number),
        "aria-label": `Copy step ${number}`,
        disabled: missing !== null,
        onclick: async () => {
          if (!(await copy(line, `Step ${number} is copied`))) return;
          this.copied.add(number);
          this.draw();
        },
      },
      icon(done ? "done" : "copy"),
      done ? "Copied" : "Copy",
    );
    return el(
      "li",
      { class: done ? "done" : null },
      el("div", { class: "step-head" }, el("h3", {}, title), button),
      missing ? el("p", { class: "fine" }, missing) : el("pre", { tabindex: "0" }, el("code", {}, line)),
    );
  }

  chatStep() {
    const ask = (text) =>
      el("button", { type: "button", class: "quiet small", "data-step": "3", disabled: this.person === null || this.person === undefined, onclick: () => this.act.say(text) }, `Send ${text}`);
    return el(
      "li",
      { class: this.fresh ? "done" : null },
      el("div", { class: "step-head" }, el("h3", {}, "Get a code in the chat"), ask(this.code ? "/code" : "/start")),
      this.fresh
        ? el("p", {}, "The bot has given the code ", el("b", { class: "code" }, this.code), ".")
        : this.code
          ? el("p", {}, `The code ${this.code} is older than ten minutes: ask for a new one.`)
          : el("p", {}, "Write /start to the bot; it answers with a code."),
    );
  }
}
