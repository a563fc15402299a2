// What a message carries besides its text: a picture, an album of them, a line for every other file.

import { el, icon } from "./ui.js";

const UNITS = ["B", "kB", "MB", "GB"];

export function size(bytes) {
  const power = bytes < 1000 ? 0 : Math.min(Math.floor(Math.log10(bytes) / 3), UNITS.length - 1);
  const number = bytes / 1000 ** power;
  return `${power && number < 10 ? number.toFixed(1) : Math.round(number)} ${UNITS[power]}`;
}

/** 61 seconds are 1:01. */
export function length(seconds) {
  const whole = Math.round(seconds);
  const [hours, minutes, rest] = [Math.floor(whole / 3600), Math.floor((whole % 3600) / 60), whole % 60];
  const two = (number) => String(number).padStart(2, "0");
  return hours ? `${hours}:${two(minutes)}:${two(rest)}` : `${minutes}:${two(rest)}`;
}

const drawable = (file) => file.mime.startsWith("image/") && file.mime !== "image/svg+xml";

/** Whether the page can draw it: a photo, or a GIF; a picture sent as a document stays a file. */
export const isPicture = (file) => file.kind === "photo" || (file.kind === "animation" && drawable(file));

/** What tiles show: pictures, and videos as a tile that opens them. */
const isTile = (file) => isPicture(file) || file.kind === "video";

/** The files of one message, or of an album's messages. */
export function attachments(files) {
  if (files.length > 1 && files.every(isTile)) {
    return el("div", { class: `album of-${Math.min(files.length, 5)}` }, ...files.map((file) => hidden(file, tile(file))));
  }
  return el("div", { class: "files" }, ...files.map((file) => (isPicture(file) ? hidden(file, picture(file)) : line(file))));
}

function hidden(file, shown) {
  if (!file.spoiler) return shown;
  const cover = el("button", { type: "button", class: "cover", onclick: () => cover.replaceWith(shown) }, "Hidden: press to see");
  return cover;
}

function image(file) {
  return el("img", {
    src: file.url,
    alt: `Picture: ${file.name}`,
    loading: "lazy",
    width: file.width || null,
    height: file.height || null,
  });
}

function picture(file) {
  return el("a", { class: "picture", href: file.url, target: "_blank", rel: "noopener" }, image(file));
}

function tile(file) {
  if (isPicture(file)) return picture(file);
  return el(
    "a",
    { class: "picture film", href: file.url, target: "_blank", rel: "noopener", "aria-label": `Video: ${file.name}` },
    icon("film"),
    file.duration && el("span", { class: "length" }, length(file.duration)),
  );
}

const ICONS = { video: "film", animation: "film", audio: "note", voice: "voice" };

/** Without a player: what it is called, how long and how large it is, and a link to it. */
function line(file) {
  const song = [file.performer, file.title].filter(Boolean).join(" – ");
  const name = song || (file.kind === "voice" ? "Voice message" : file.name || file.kind);
  const about = [file.duration && length(file.duration), file.kind === "video" && file.width && `${file.width}×${file.height}`, size(file.size)];
  const link = el(
    "a",
    { class: `document ${file.kind}`, href: file.url, download: file.name || name },
    el("span", { class: "document-icon" }, icon(ICONS[file.kind] ?? "file")),
    el("bdi", { class: "document-name" }, name),
    el("span", { class: "document-size" }, about.filter(Boolean).join(" · ")),
  );
  return file.kind === "video" || file.kind === "animation" ? hidden(file, link) : link;
}

const WORDS = { photo: "Picture", video: "Video", animation: "Animation", voice: "Voice message", audio: "Audio" };

/** A file in a word or two, for one-line summaries. */
export const fileWord = (file) => WORDS[file.kind] ?? (file.name || "File");
