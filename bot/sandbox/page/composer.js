// Writing: the field, the bot's command menu, the bot's reply keyboard.

import { $, el, guard } from "./ui.js";

// As long as a message may be, in characters (Telegram: 4096 after parsing).
const LIMIT = 4096;
const WARN = 200;

export class Composer {
  /** `act`: send(text), commands(): a promise of [{command, description}]. */
  constructor(act) {
    this.act = act;
    this.drafts = new Map();
    this.chat = null;
    this.menu = [];
    this.chosen = 0;
    this.known = [];
    this.asked = 0; // which question for the commands is the last one; none once the menu was put away
    this.field = $("text");
    this.list = $("commands");
    this.field.addEventListener("input", () => this.typed());
    this.field.addEventListener("keydown", (event) => this.key(event));
    this.field.addEventListener("blur", () => this.hide());
    $("composer").addEventListener("submit", (event) => {
      event.preventDefault();
      this.send(this.field.value);
      this.field.focus();
    });
    // The field keeps the focus, and phones their keyboard.
    for (const node of [$("send"), $("slash"), this.list]) node.addEventListener("mousedown", (event) => event.preventDefault());
    $("slash").addEventListener("click", () => this.slash());
  }

  open(chat) {
    if (this.chat === chat) return;
    if (this.chat !== null) this.drafts.set(this.chat, this.field.value);
    this.chat = chat;
    this.known = [];
    this.field.value = this.drafts.get(chat) ?? "";
    this.hide();
    this.fit();
  }

  focus() {
    if (matchMedia("(pointer: fine)").matches) this.field.focus({ preventScroll: true });
  }

  /** Sends it; the text comes back into the field when it was refused. */
  async send(text) {
    if (!text.trim() || [...text].length > LIMIT) return;
    const { chat } = this;
    this.field.value = "";
    this.hide();
    this.fit();
    const sent = await guard(this.act.send(text).then(() => true));
    if (sent) return;
    if (this.chat === chat && !this.field.value) this.field.value = text;
    else if (this.chat !== chat && !this.drafts.get(chat)) this.drafts.set(chat, text);
    this.fit();
  }

  typed() {
    this.fit();
    this.suggest();
  }

  fit() {
    this.field.style.height = "auto";
    this.field.style.height = `${Math.min(this.field.scrollHeight, innerHeight * 0.4)}px`;
    const left = LIMIT - [...this.field.value].length;
    $("left").textContent = left < WARN ? String(left) : "";
    $("left").classList.toggle("over", left < 0);
    $("send").disabled = left < 0 || !this.field.value.trim();
  }

  // ---- the command menu

  slash() {
    if (!this.field.value.trim()) this.field.value = "/";
    this.field.focus();
    if (this.list.hidden) this.typed();
    else this.hide();
  }

  async suggest() {
    const typed = this.field.value;
    if (!/^\/\w*$/.test(typed)) return this.hide();
    const asked = (this.asked += 1);
    this.match(typed);
    const commands = await this.act.commands().catch(() => []);
    if (this.asked !== asked) return;
    this.known = commands;
    const now = this.field.value;
    if (/^\/\w*$/.test(now) && document.activeElement === this.field) this.match(now);
  }

  match(typed) {
    const before = this.menu[this.chosen]?.command;
    this.menu = this.known.filter(({ command }) => command.startsWith(typed.slice(1).toLowerCase()));
    this.chosen = Math.max(0, this.menu.findIndex(({ command }) => command === before));
    this.draw();
  }

  draw() {
    this.list.hidden = !this.menu.length;
    this.list.replaceChildren(
      ...this.menu.map(({ command, description }, place) =>
        el(
          "li",
          {
            role: "option",
            id: `command-${place}`,
            "aria-selected": String(place === this.chosen),
            onclick: () => this.send(`/${command}`),
            onmousemove: () => this.choose(place),
          },
          el("span", { class: "name" }, `/${command}`),
          el("span", { class: "about", dir: "auto" }, description),
        ),
      ),
    );
    this.mark();
  }

  choose(place) {
    if (place === this.chosen) return;
    this.chosen = place;
    for (const [at, option] of [...this.list.children].entries()) option.setAttribute("aria-selected", String(at === place));
    this.mark();
  }

  mark() {
    if (this.list.hidden) return this.field.removeAttribute("aria-activedescendant");
    this.field.setAttribute("aria-activedescendant", `command-${this.chosen}`);
    this.list.children[this.chosen]?.scrollIntoView({ block: "nearest" });
  }

  hide() {
    this.asked += 1;
    this.menu = [];
    this.chosen = 0;
    this.draw();
  }

  key(event) {
    if (event.isComposing) return;
    const open = this.menu.length > 0;
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (open && step) this.choose((this.chosen + step + this.menu.length) % this.menu.length);
    else if (open && event.key === "Tab" && !event.shiftKey) this.complete();
    else if (open && event.key === "Escape") this.hide();
    else if (open && event.key === "Enter" && !event.shiftKey) this.send(`/${this.menu[this.chosen].command}`);
    else if (event.key === "Enter" && !event.shiftKey && matchMedia("(pointer: fine)").matches) this.send(this.field.value);
    else return;
    event.preventDefault();
  }

  complete() {
    this.field.value = `/${this.menu[this.chosen].command} `;
    this.hide();
    this.fit();
  }

  // ---- the bot's reply keyboard

  keys(rows) {
    const wanted = JSON.stringify(rows);
    if (this.shownKeys === wanted) return;
    this.shownKeys = wanted;
    $("reply-keys").hidden = !rows.length;
    $("reply-keys").replaceChildren(
      ...rows.map((row) =>
        el("div", { class: "row" }, ...row.map((text) => el("button", { type: "button", class: "key", dir: "auto", onclick: () => guard(this.act.send(text)) }, text))),
      ),
    );
  }
}
