// A message's text with its entities, as DOM nodes. Offsets are UTF-16 units, which is what strings here are made of.

import { fileWord } from "./attachment.js";
import { copy, el, icon } from "./ui.js";

/** Only addresses a browser may follow; anything else is shown and leads nowhere. */
export function safeLink(address) {
  const whole = /^[a-z][a-z0-9+.-]*:/i.test(address) ? address : `https://${address}`;
  try {
    const url = new URL(whole);
    return ["http:", "https:", "mailto:", "tel:"].includes(url.protocol) ? url.href : null;
  } catch {
    return null;
  }
}

const inline = (tag) => () => el(tag);

const MARKS = {
  bold: inline("strong"),
  italic: inline("em"),
  underline: inline("u"),
  strikethrough: inline("s"),
  code: (_, text) => code(text),
  pre: (entity, text) => block(entity, text),
  url: (_, text) => link(text),
  text_link: (entity) => link(entity.url),
  email: (_, text) => link(`mailto:${text}`),
  phone_number: (_, text) => link(`tel:${text.replace(/[^+\d]/g, "")}`),
  mention: () => el("span", { class: "mention" }),
  text_mention: () => el("span", { class: "mention" }),
  hashtag: () => el("span", { class: "mention" }),
  cashtag: () => el("span", { class: "mention" }),
  bot_command: (_, text, act) => command(text, act),
  spoiler: () => spoiler(),
  blockquote: (entity) => quote(entity),
};

const LINES = new Set(["pre", "blockquote"]);

/** `act.command(text)` is called when a command in the text is chosen. */
export function render(text, entities, act) {
  const known = entities
    .filter((entity) => MARKS[entity.type] && entity.length > 0 && entity.offset >= 0)
    .map((entity) => ({ ...entity, end: Math.min(entity.offset + entity.length, text.length) }))
    .sort((a, b) => a.offset - b.offset || b.end - a.end);
  return pieces(text, 0, text.length, known, act);
}

function pieces(text, from, to, entities, act) {
  const made = [];
  const left = [...entities];
  let at = from;
  while (left.length) {
    const entity = left.shift();
    if (entity.offset >= to) break;
    if (entity.end <= at) continue;
    const start = Math.max(entity.offset, at);
    if (start > at) made.push(text.slice(at, start));
    const end = Math.min(entity.end, to);
    const within = [];
    while (left.length && left[0].offset < end) {
      const other = left.shift();
      within.push({ ...other, end: Math.min(other.end, end) });
      // What overlaps without lying within is cut in two.
      if (other.end > end) insert(left, { ...other, offset: end });
    }
    const content = text.slice(start, end);
    const node = MARKS[entity.type](entity, content, act);
    (node.querySelector("[data-content]") ?? node).append(...pieces(text, start, end, within, act));
    made.push(node);
    // A quote and a block end their line themselves.
    at = end + (LINES.has(entity.type) && end < to && text[end] === "\n" ? 1 : 0);
  }
  if (at < to) made.push(text.slice(at, to));
  return made;
}

function insert(list, entity) {
  const place = list.findIndex((other) => other.offset > entity.offset);
  list.splice(place < 0 ? list.length : place, 0, entity);
}

/** Makes an element that is no button behave like one, where a button could not flow with the text. */
function pressable(element, label, work) {
  element.setAttribute("role", "button");
  element.setAttribute("tabindex", "0");
  if (label) element.title = label;
  element.addEventListener("click", work);
  element.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" && event.key !== " ") return;
    event.preventDefault();
    work(event);
  });
  return element;
}

function code(text) {
  return pressable(el("code"), "Copy", () => {
    if (getSelection().isCollapsed) copy(text, text.length < 40 ? `Copied: ${text}` : "Copied");
  });
}

function block(entity, text) {
  return el(
    "span",
    { class: "pre" },
    el(
      "span",
      { class: "pre-head" },
      el("span", {}, entity.language || "text"),
      el("button", { type: "button", "aria-label": "Copy this block", onclick: () => copy(text) }, icon("copy"), "Copy"),
    ),
    el("pre", { tabindex: "0" }, el("code", { "data-content": true })),
  );
}

function link(address) {
  const href = safeLink(address);
  if (!href) return el("span", { class: "mention", title: `${address}: this page does not open such links` });
  return el("a", { href, title: href, target: "_blank", rel: "noopener noreferrer" });
}

function command(text, act) {
  return pressable(el("span", { class: "command" }), "Send this command", () => act.command(text));
}

function spoiler() {
  const hidden = el("span", { class: "spoiler", "aria-label": "Hidden text: press to read", "aria-expanded": "false" });
  const open = (event) => {
    if (hidden.classList.contains("open")) return;
    event.stopPropagation();
    event.preventDefault();
    hidden.classList.add("open");
    hidden.removeAttribute("aria-label");
    hidden.setAttribute("aria-expanded", "true");
    hidden.title = "";
  };
  pressable(hidden, "Press to read", open);
  // Before what lies within gets the click.
  hidden.addEventListener("click", open, true);
  return hidden;
}

function quote(entity) {
  const body = el("blockquote", { class: entity.collapsed ? "collapsed" : null });
  if (entity.collapsed) {
    pressable(body, "Show all of it", () => {
      if (getSelection().isCollapsed) body.classList.toggle("collapsed");
    });
  }
  return body;
}

/** A message in one line, for lists and for those who listen; what is a spoiler stays one. */
export function summary(message) {
  let text = message.text;
  for (const { type, offset, length } of message.entities) {
    if (type === "spoiler") text = text.slice(0, offset) + "▒".repeat(length) + text.slice(offset + length);
  }
  text = text.replace(/\s+/g, " ").trim().slice(0, 160).toWellFormed();
  if (!message.file) return text;
  const name = fileWord(message.file);
  return text ? `${name}: ${text}` : name;
}
