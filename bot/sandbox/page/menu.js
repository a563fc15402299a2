// The menu of the chat: opens under its button, and the arrow keys move through it.

import { $, el } from "./ui.js";

export class Menu {
  /** `items()` answers what to show: [text, what to do] for each entry. */
  constructor(items) {
    this.items = items;
    this.box = $("menu");
    this.button = $("more");
    this.button.addEventListener("click", () => this.show(this.box.hidden));
    this.box.addEventListener("keydown", (event) => this.onKey(event));
    document.addEventListener("pointerdown", ({ target }) => {
      if (!target.closest(".menu-place")) this.show(false);
    });
  }

  show(shown) {
    if (this.box.hidden !== shown) return;
    this.box.hidden = !shown;
    this.button.setAttribute("aria-expanded", String(shown));
    if (!shown) return;
    this.box.replaceChildren(...this.items().map(([text, work]) => this.entry(text, work)));
    this.box.firstElementChild.focus();
  }

  entry(text, work) {
    const choose = () => {
      this.show(false);
      this.button.focus();
      work();
    };
    return el("button", { type: "button", role: "menuitem", tabindex: "-1", onclick: choose }, text);
  }

  onKey(event) {
    const entries = [...this.box.children];
    const at = entries.indexOf(document.activeElement);
    const to = { ArrowDown: at + 1, ArrowUp: at - 1 + entries.length, Home: 0, End: entries.length - 1 }[event.key];
    if (to !== undefined) entries[to % entries.length].focus();
    else if (event.key === "Escape") this.button.focus();
    if (event.key === "Escape" || event.key === "Tab") this.show(false);
    if (to !== undefined || event.key === "Escape") event.preventDefault();
  }
}
