// The list on the left, and the form for a new person.

import { get, post } from "./api.js";
import { $, avatar, el, fullName, icon, whenShort } from "./ui.js";
import { summary } from "./text.js";

// More are found by searching: a list nobody scrolls to the end of need not be drawn.
const SHOWN = 150;
const SEARCH_FROM = 8;

export class People {
  constructor({ onMade }) {
    this.all = new Map();
    this.open = null;
    this.wanted = "";
    $("search").addEventListener("input", ({ target }) => {
      this.wanted = target.value.trim().toLowerCase();
      this.draw();
    });
    $("people").addEventListener("keydown", (event) => {
      const to = { ArrowDown: "nextElementSibling", ArrowUp: "previousElementSibling" }[event.key];
      const next = to && event.target.closest("li")?.[to]?.querySelector("a");
      if (!next) return;
      event.preventDefault();
      next.focus();
    });
    this.form(onMade);
  }

  async load(bot) {
    const list = await get("/people", { bot });
    this.all = new Map(list.map((person) => [person.id, person]));
    this.draw();
  }

  /** Takes what an event tells of a person; false when nobody here has this id. */
  change(id, changes) {
    const known = this.all.get(id);
    if (!known) return false;
    Object.assign(known, changes);
    this.draw();
    return true;
  }

  sorted() {
    const when = (person) => person.last?.date ?? 0;
    return [...this.all.values()].sort((a, b) => when(b) - when(a) || a.id - b.id);
  }

  draw() {
    if (this.drawing) return;
    this.drawing = true;
    queueMicrotask(() => {
      this.drawing = false;
      this.paint();
    });
  }

  paint() {
    const found = this.sorted().filter(
      (person) => !this.wanted || `${fullName(person)} ${person.username} ${person.id}`.toLowerCase().includes(this.wanted),
    );
    const focused = document.activeElement?.closest("#people a")?.getAttribute("href");
    const rows = found.slice(0, SHOWN).map((person) => this.row(person));
    if (found.length > SHOWN) rows.push(el("li", { class: "hint" }, `and ${found.length - SHOWN} more: search for them`));
    if (!found.length && this.all.size) rows.push(el("li", { class: "hint" }, "Nobody of that name."));
    $("people").replaceChildren(...rows);
    if (focused) $("people").querySelector(`a[href="${focused}"]`)?.focus({ preventScroll: true });
    $("no-people").hidden = this.all.size > 0;
    $("search").hidden = this.all.size < SEARCH_FROM;
    const unread = [...this.all.values()].reduce((sum, person) => sum + person.unread, 0);
    document.title = unread ? `(${unread > 99 ? "99+" : unread}) Sandbox` : "Sandbox";
  }

  row(person) {
    const name = fullName(person);
    const last = person.last;
    return el(
      "li",
      {},
      el(
        "a",
        { href: `#/${person.id}`, "aria-current": person.id === this.open ? "true" : null },
        avatar(person),
        el(
          "span",
          { class: "name" },
          el("bdi", { title: name }, name),
          person.language && el("span", { class: "language", title: "their language" }, person.language),
        ),
        last ? el("time", { datetime: new Date(last.date * 1000).toISOString() }, whenShort(new Date(last.date * 1000))) : "",
        el("span", { class: "last", dir: "auto" }, this.hint(person)),
        person.unread
          ? el("span", { class: "unread" }, person.unread > 99 ? "99+" : String(person.unread), el("span", { class: "unseen" }, " unread"))
          : person.blocked && el("span", { class: "blocked", title: "has blocked the bot" }, icon("blocked"), el("span", { class: "unseen" }, "has blocked the bot")),
      ),
    );
  }

  hint(person) {
    if (person.deleted) return "deleted account";
    if (!person.last) return "nothing written yet";
    return person.last.from === "bot" ? summary(person.last) : `› ${summary(person.last)}`;
  }

  form(onMade) {
    const dialog = $("person");
    const form = $("person-form");
    const show = () => {
      form.reset();
      $("person-problem").textContent = "";
      dialog.showModal();
    };
    $("add").addEventListener("click", show);
    $("add-first").addEventListener("click", show);
    $("person-cancel").addEventListener("click", () => dialog.close());
    form.addEventListener("submit", async (event) => {
      event.preventDefault();
      const given = Object.fromEntries([...new FormData(form)].map(([name, value]) => [name, value.trim()]));
      try {
        const { id } = await post("/people", given);
        dialog.close();
        onMade(id);
      } catch (refusal) {
        $("person-problem").textContent = given.first_name ? refusal.message : "A person needs a first name.";
      }
    });
  }
}
