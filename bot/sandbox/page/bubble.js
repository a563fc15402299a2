// One message: its bubble and the buttons under it.

import { render, safeLink, summary } from "./text.js";
import { copy, el, icon, notice, time, toast } from "./ui.js";

/** `act`: command(text), press(message, button), busy(message, button), find(id), jump(id). */
export function bubble(message, names, act) {
  const mine = message.from === "person";
  const item = el("li", { class: `message ${mine ? "mine" : "theirs"}`, id: `m${message.id}` });
  const sent = new Date(message.date * 1000);
  const body = el(
    "div",
    { class: "bubble" },
    el("span", { class: "unseen" }, mine ? names.person : names.bot, ": "),
    quoted(message, act),
    message.file && attachment(message.file),
    message.text && el("div", { class: "text", dir: "auto" }, ...render(message.text, message.entities, act)),
    el(
      "span",
      { class: "meta" },
      message.edited && el("span", { class: "edited" }, "edited "),
      el("time", { datetime: sent.toISOString(), title: sent.toLocaleString("en-GB") }, time(sent)),
    ),
  );
  if (message.file && !message.text && PICTURES.has(message.file.kind)) body.classList.add("bare");
  item.append(body);
  if (message.buttons.length) item.append(keyboard(message, act));
  return item;
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

function key(message, button, act) {
  const href = button.kind === "url" ? safeLink(button.url) : null;
  if (href) {
    return el("a", { class: "key", href, title: href, target: "_blank", rel: "noopener noreferrer" }, button.text, el("span", { class: "away-mark", "aria-hidden": "true" }, "↗"));
  }
  const busy = act.busy(message, button);
  const work = {
    callback: () => act.press(message, button),
    copy: () => copy(button.copy, "Copied"),
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

const PICTURES = new Set(["photo", "video", "animation"]);

function size(bytes) {
  if (bytes < 1000) return `${bytes} B`;
  const power = Math.min(Math.floor(Math.log10(bytes) / 3), 3);
  return `${(bytes / 1000 ** power).toFixed(bytes / 1000 ** power < 10 ? 1 : 0)} ${["B", "kB", "MB", "GB"][power]}`;
}

function attachment(file) {
  const name = file.name || file.kind;
  const media = shown(file, name);
  if (!media) {
    return el(
      "a",
      { class: "document", href: file.url, download: name },
      el("span", { class: "document-icon" }, icon("file")),
      el("span", { class: "document-name" }, name),
      el("span", { class: "document-size" }, `${size(file.size)} · download`),
    );
  }
  if (!file.spoiler) return media;
  const cover = el("button", { type: "button", class: "cover", onclick: () => cover.replaceWith(media) }, "Hidden picture: press to see");
  return cover;
}

function shown(file, name) {
  const about = { width: file.width || null, height: file.height || null };
  if (file.kind === "photo" || (file.mime.startsWith("image/") && file.mime !== "image/svg+xml" && file.kind !== "document")) {
    return el(
      "a",
      { class: "picture", href: file.url, target: "_blank", rel: "noopener" },
      el("img", { src: file.url, alt: `Picture: ${name}`, loading: "lazy", ...about }),
    );
  }
  if (file.kind === "video" || file.kind === "animation") {
    return el("video", { src: file.url, controls: true, preload: "metadata", loop: file.kind === "animation", "aria-label": name, ...about });
  }
  if (file.kind === "audio" || file.kind === "voice") {
    return el("audio", { src: file.url, controls: true, preload: "metadata", "aria-label": name });
  }
  return null;
}
