// The open chat's messages: what is loaded is drawn, older ones come when somebody scrolls up.

import { get } from "./api.js";
import { bubble } from "./bubble.js";
import { $, announce, day, dayNumber, el, guard } from "./ui.js";
import { summary } from "./text.js";

const PAGE = 100;
// Drawn at most while new ones keep coming and nobody has scrolled up.
const KEPT = 400;
const NEAR = 48;
const TOGETHER = 5 * 60;

export class Messages {
  /** `act`: command(text), press(message, button), busy(message, button), read(), drawn(). */
  constructor(act) {
    this.act = { ...act, find: (id) => this.loaded.get(id), jump: (id) => this.jump(id) };
    this.loaded = new Map();
    this.nodes = new Map();
    this.chat = null;
    this.pending = [];
    this.fresh = new Set();
    this.line = null;
    this.loading = null;
    this.moreAbove = false;
    this.atEnd = true;
    this.below = 0;
    this.scroller = $("scroller");
    this.list = $("messages");
    this.scroller.addEventListener("scroll", () => this.scrolled(), { passive: true });
    $("down").addEventListener("click", () => this.toEnd(true));
    const keep = new ResizeObserver(() => this.atEnd && this.toEnd());
    keep.observe(this.scroller);
    keep.observe(this.list);
  }

  /** Opens a chat, or reads the open one anew: `chat` is {bot, person, names, unread}. */
  async open(chat) {
    const again = this.chat?.bot === chat.bot && this.chat?.person === chat.person;
    this.chat = chat;
    if (!again) this.clear();
    // Events that come while the answer is on its way are newer than the answer.
    this.pending = [];
    const limit = Math.max(PAGE, this.loaded.size);
    const loading = (this.loading = get(`/chats/${chat.person}/messages`, { bot: chat.bot, limit }));
    let found;
    try {
      found = await loading;
    } finally {
      if (this.loading === loading) this.loading = null;
    }
    if (this.chat !== chat) return;
    const stay = again && !this.atEnd ? this.anchor() : null;
    const line = again ? this.line : null;
    const lastSeen = again ? Math.max(0, ...this.loaded.keys()) : 0;
    this.clear();
    this.moreAbove = found.length === limit;
    for (const message of found) this.loaded.set(message.id, message);
    for (const [kind, message] of this.pending.splice(0)) this.take(kind, message);
    this.paint(line ?? this.firstUnread(chat.unread));
    const mark = this.list.querySelector(".new-line");
    if (stay && this.nodes.has(stay.id)) this.restore(stay);
    else if (!again && mark && mark.offsetTop < this.scroller.scrollHeight - this.scroller.clientHeight) this.show(mark);
    else this.toEnd();
    this.scrolled();
    if (again) for (const message of found) if (message.id > lastSeen) this.tell(message);
  }

  close() {
    this.chat = null;
    this.clear();
  }

  clear() {
    this.loaded.clear();
    this.nodes.clear();
    this.list.replaceChildren();
    this.moreAbove = false;
    this.fresh = new Set();
    this.line = null;
    this.atEnd = true;
    this.count(0);
  }

  get last() {
    return this.sorted().at(-1) ?? null;
  }

  sorted() {
    return [...this.loaded.values()].sort((a, b) => a.id - b.id);
  }

  /** An event about the open chat; events of one moment are drawn together. */
  event(kind, message) {
    this.pending.push([kind, message]);
    if (this.loading || this.drawing) return;
    this.drawing = true;
    const soon = document.visibilityState === "visible" ? requestAnimationFrame : (work) => setTimeout(work, 100);
    soon(() => {
      this.drawing = false;
      if (!this.loading) this.settle();
    });
  }

  settle() {
    const events = this.pending.splice(0);
    if (!events.length || !this.chat) return;
    const end = this.atEnd;
    for (const [kind, message] of events) this.take(kind, message);
    const arrived = events.filter(([kind, { id, from }]) => kind === "new" && from === "bot" && this.loaded.has(id));
    const mine = events.some(([kind, { from }]) => kind === "new" && from === "person");
    if (end) this.trim();
    this.paint(mine ? null : this.line);
    if (end || mine) this.toEnd();
    else this.count(this.below + arrived.length);
    for (const [, message] of arrived) this.tell(message);
    if (this.atEnd) this.act.read();
  }

  take(kind, message) {
    if (kind === "delete") {
      this.loaded.delete(message.id);
      this.nodes.delete(message.id);
      return;
    }
    const oldest = this.moreAbove ? Math.min(...this.loaded.keys()) : 0;
    // An edit of a message that is not loaded is seen when it is.
    if (message.id < oldest || (kind === "edit" && !this.loaded.has(message.id))) return;
    this.loaded.set(message.id, message);
    this.nodes.delete(message.id);
    if (kind === "new") this.fresh.add(message.id);
  }

  tell(message) {
    if (message.from === "bot") announce(`${this.chat.names.bot}: ${summary(message)}`);
  }

  /** Draws one message anew, whatever the reason. */
  redraw(id) {
    if (!this.loaded.has(id)) return;
    this.nodes.delete(id);
    this.paint(this.line);
  }

  firstUnread(unread) {
    const theirs = unread ? this.sorted().filter(({ from }) => from === "bot") : [];
    return theirs.at(-Math.min(unread, theirs.length))?.id ?? null;
  }

  paint(line = null) {
    this.line = line ?? null;
    const focused = this.focused();
    const wanted = [];
    let before = null;
    for (const together of albums(this.sorted())) {
      const [message] = together;
      const node = this.nodeOf(together);
      const date = new Date(message.date * 1000);
      const newDay = !before || dayNumber(date) !== dayNumber(new Date(before.date * 1000));
      const joined = !newDay && message.id !== line && before.from === message.from && message.date - before.date < TOGETHER;
      node.classList.toggle("joined", joined);
      if (newDay) wanted.push(this.divider("day", day(date)));
      if (message.id === line) wanted.push(this.divider("new-line", "New messages"));
      wanted.push(node);
      before = together.at(-1);
    }
    this.place(wanted);
    this.refocus(focused);
    this.act.drawn();
  }

  /** The node of a message or an album; a new one when any of its messages has changed. */
  nodeOf(together) {
    const known = this.nodes.get(together[0].id);
    const count = String(together.length);
    if (known?.dataset.count === count && together.every(({ id }) => this.nodes.get(id) === known)) return known;
    const node = bubble(together, this.chat.names, this.act);
    for (const { id } of together) {
      if (this.fresh.delete(id)) node.classList.add("fresh");
      this.nodes.set(id, node);
    }
    return node;
  }

  divider(name, text) {
    return el("li", { class: `divider ${name}` }, el("span", {}, text));
  }

  /** Puts the nodes in place and touches only what differs, so that nothing loses its focus or selection. */
  place(wanted) {
    let at = this.list.firstChild;
    for (const node of wanted) {
      if (at === node) at = at.nextSibling;
      else if (at && !node.isConnected && at.isEqualNode(node)) at = at.nextSibling;
      else if (at && at.nextSibling === node) {
        at.remove();
        at = node.nextSibling;
      } else this.list.insertBefore(node, at);
    }
    while (at) {
      const next = at.nextSibling;
      at.remove();
      at = next;
    }
  }

  focused() {
    const active = document.activeElement;
    const item = active?.closest("li.message");
    if (!item || !this.list.contains(item)) return null;
    return { id: Number(item.id.slice(1)), place: [...item.querySelectorAll(FOCUSABLE)].indexOf(active) };
  }

  refocus(was) {
    const node = was && this.nodes.get(was.id);
    if (!node || node.contains(document.activeElement)) return;
    const places = [...node.querySelectorAll(FOCUSABLE)];
    (places[was.place] ?? places.at(-1) ?? this.scroller).focus({ preventScroll: true });
  }

  trim() {
    const all = this.sorted();
    if (all.length <= KEPT) return;
    for (const { id } of all.slice(0, all.length - KEPT / 2)) {
      this.loaded.delete(id);
      this.nodes.delete(id);
    }
    this.moreAbove = true;
  }

  // ---- scrolling

  scrolled() {
    const { scrollTop, scrollHeight, clientHeight } = this.scroller;
    const was = this.atEnd;
    this.atEnd = scrollHeight - scrollTop - clientHeight < NEAR;
    $("down").hidden = this.atEnd;
    if (this.atEnd) this.count(0);
    if (this.atEnd && (!was || this.chat?.unread)) this.act.read();
    if (scrollTop < clientHeight && this.moreAbove && !this.loading) guard(this.older());
  }

  async older() {
    const { chat } = this;
    const first = this.sorted()[0];
    if (!chat || !first) return;
    $("older").hidden = false;
    const loading = (this.loading = get(`/chats/${chat.person}/messages`, { bot: chat.bot, before: first.id, limit: PAGE }));
    try {
      const found = await loading;
      if (this.chat !== chat || this.loading !== loading) return;
      this.moreAbove = found.length === PAGE;
      const stay = this.anchor();
      for (const message of found) this.loaded.set(message.id, message);
      this.paint(this.line);
      if (stay) this.restore(stay);
    } finally {
      $("older").hidden = true;
      if (this.loading === loading) this.loading = null;
      if (!this.loading) this.settle();
    }
  }

  /** The first message in sight, and where on the screen it is. */
  anchor() {
    const top = this.scroller.getBoundingClientRect().top;
    for (const { id } of this.sorted()) {
      const place = this.nodes.get(id)?.getBoundingClientRect();
      if (place && place.bottom > top) return { id, top: place.top };
    }
    return null;
  }

  restore({ id, top }) {
    const node = this.nodes.get(id);
    if (node) this.scroller.scrollTop += node.getBoundingClientRect().top - top;
  }

  show(node) {
    this.scroller.scrollTop = node.offsetTop - 24;
    this.atEnd = false;
  }

  toEnd(smooth = false) {
    this.atEnd = true;
    this.scroller.scrollTo({ top: this.scroller.scrollHeight, behavior: smooth ? "smooth" : "instant" });
  }

  count(below) {
    this.below = below;
    $("down-count").textContent = below ? `${below} new` : "";
    $("down").setAttribute("aria-label", below ? `${below} new messages: go to the end` : "Go to the newest message");
  }

  jump(id) {
    const node = this.nodes.get(id);
    if (!node) return;
    node.scrollIntoView({ block: "center", behavior: "smooth" });
    node.classList.remove("pointed");
    requestAnimationFrame(() => node.classList.add("pointed"));
  }
}

/** Messages of one album are neighbours: they come as one list, all others alone. */
function albums(sorted) {
  const found = [];
  for (const message of sorted) {
    if (message.group && found.at(-1)?.[0].group === message.group) found.at(-1).push(message);
    else found.push([message]);
  }
  return found;
}

const FOCUSABLE = "a[href], button, [tabindex]";
