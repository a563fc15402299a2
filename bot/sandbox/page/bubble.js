// One message or album: its bubble and the buttons under it.

import { attachments, isPicture } from "./attachment.js";
import { render, safeLink, summary } from "./text.js";
import { copy, el, icon, notice, time, toast } from "./ui.js";

/**
 * `messages` is one message, or an album: they share a bubble.
 * `act`: command(text), press(message, button), busy(message, button), find(id), jump(id).
 */
export function bubble(messages, names, act) {
  const [message] = messages;
  const last = messages.at(-1);
  const mine = message.from === "person";
  const files = messages.map(({ file }) => file).filter(Boolean);
  const item = el("li", { class: `message ${mine ? "mine" : "theirs"}`, id: `m${message.id}`, "data-count": String(messages.length) });
  const body = el(
    "div",
    { class: "bubble" },
    el("span", { class: "unseen" }, mine ? names.person : names.bot, ": "),
    quoted(message, act),
    files.length > 0 && attachments(files),
    ...messages.filter(({ text }) => text).map((each) => words(each, act)),
    message.preview && preview(message),
    meta(messages),
  );
  const drawn = files.length > 1 ? files.every(({ kind }) => kind === "photo" || kind === "video") : files.length && isPicture(files[0]);
  if (drawn && !messages.some(({ text }) => text)) body.classList.add("bare");
  item.append(body);
  if (last.buttons.length) item.append(keyboard(last, act));
  return item;
}

function words(message, act) {
  return el("div", { class: "text", dir: "auto" }, ...render(message.text, message.entities, act));
}

function meta(messages) {
  const last = messages.at(-1);
  const sent = new Date(last.date * 1000);
  return el(
    "span",
    { class: "meta" },
    last.silent && el("span", { class: "silent", role: "img", "aria-label": "sent without sound", title: "Sent without sound" }, icon("silent")),
    messages.some(({ edited }) => edited) && el("span", { class: "edited" }, "edited "),
    el("time", { datetime: sent.toISOString(), title: sent.toLocaleString("en-GB") }, time(sent)),
  );
}

/** Telegram shows a preview of the first link here; the sandbox fetches nothing. */
function preview({ text, entities }) {
  const link = entities.find(({ type }) => type === "url" || type === "text_link");
  const href = link && safeLink(link.url ?? text.slice(link.offset, link.offset + link.length));
  if (!href) return null;
  return el("p", { class: "preview" }, el("b", {}, new URL(href).host || href), el("span", {}, "Telegram previews this link here."));
}

function quoted(message, act) {
  if (!message.reply_to) return null;
  const original = act.find(message.reply_to);
  return el(
    "button",
    { type: "button", class: "reply", "aria-label": "Go to the message this answers", onclick: () => act.jump(message.reply_to) },
    original ? summary(original) : "an earlier message",
  );
}

function keyboard(message, act) {
  return el(
    "div",
    { class: "keys", role: "group", "aria-label": "Buttons of this message" },
    ...message.buttons.map((row) => el("div", { class: "row" }, ...row.map((button) => key(message, button, act)))),
  );
}

const LINKS = new Set(["url", "login_url"]);

function key(message, button, act) {
  const href = LINKS.has(button.kind) ? safeLink(button.url) : null;
  if (href) {
    return el("a", { class: "key", href, title: href, target: "_blank", rel: "noopener noreferrer" }, button.text, el("span", { class: "away-mark", "aria-hidden": "true" }, "↗"));
  }
  const busy = act.busy(message, button);
  const work = {
    callback: () => act.press(message, button),
    copy: () => copy(button.copy, "Copied"),
    user: () => notice(`This button opens the profile of the person ${button.user_id}.`),
    url: () => notice(`${button.url}\n\nSuch links open in Telegram; this page does not open them.`),
  }[button.kind];
  return el(
    "button",
    {
      type: "button",
      class: busy ? "key busy" : "key",
      dir: "auto",
      "aria-busy": busy ? "true" : null,
      "aria-disabled": busy ? "true" : null,
      onclick: work ?? (() => toast("The sandbox does not model this kind of button.")),
    },
    button.text,
  );
}
