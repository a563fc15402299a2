// Small pieces of the page. Whatever comes from a bot or a person is put in as text, never as markup.

export const $ = (id) => document.getElementById(id);

/** An element: `on…` are listeners, true and false set and leave out an attribute, strings become text. */
export function el(tag, properties = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (value === false || value === null || value === undefined) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children.filter((child) => child !== null && child !== undefined && child !== false));
  return element;
}

const SVG = "http://www.w3.org/2000/svg";

export function icon(name) {
  const picture = document.createElementNS(SVG, "svg");
  picture.setAttribute("aria-hidden", "true");
  const use = document.createElementNS(SVG, "use");
  use.setAttribute("href", `/page/icons.svg#${name}`);
  picture.append(use);
  return picture;
}

/** A short word at the bottom of the page; a click puts it away. */
export function toast(text, { problem = false } = {}) {
  const shown = el("p", { class: problem ? "toast problem" : "toast", dir: "auto", onclick: () => shown.remove() }, text);
  $("toasts").append(shown);
  while ($("toasts").childElementCount > 3) $("toasts").firstElementChild.remove();
  setTimeout(() => shown.remove(), Math.min(12000, 3000 + 60 * text.length));
}

/** Does the work; a refusal becomes a toast. */
export async function guard(work) {
  try {
    return await work;
  } catch (refusal) {
    toast(refusal.message, { problem: true });
    return undefined;
  }
}

/** A dialog with a text; resolves to true when its first button was chosen. */
export function notice(text, { yes = "OK", no = null, link = null, danger = false } = {}) {
  const dialog = $("notice");
  if (dialog.open) dialog.close();
  $("notice-text").textContent = text;
  $("notice-text").dir = "auto";
  const accept = link
    ? el("a", { class: "primary", href: link, target: "_blank", rel: "noopener noreferrer", onclick: () => dialog.close() }, yes)
    : el("button", { class: danger ? "danger" : "primary", value: "yes" }, yes);
  $("notice-actions").replaceChildren(...(no ? [el("button", { class: "quiet", value: "no" }, no)] : []), accept);
  dialog.returnValue = "";
  dialog.showModal();
  accept.focus();
  return new Promise((resolve) => {
    dialog.addEventListener("close", () => resolve(dialog.returnValue === "yes"), { once: true });
  });
}

/** Puts a text on the clipboard and says so. */
export async function copy(text, said = "Copied") {
  let done = true;
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    // No permission, or an old browser: the way from before there was an API for it.
    const field = el("textarea", { class: "unseen", readonly: true, "aria-hidden": "true" });
    const focused = document.activeElement;
    field.value = text;
    document.body.append(field);
    field.select();
    done = document.execCommand("copy");
    field.remove();
    focused?.focus();
  }
  if (done) toast(said);
  else toast("The browser does not let me copy: mark the text and copy it yourself.", { problem: true });
  return done;
}

export function announce(text) {
  const line = el("p", {}, text);
  $("announcer").append(line);
  setTimeout(() => line.remove(), 5000);
}

const clock = new Intl.DateTimeFormat("en", { hour: "2-digit", minute: "2-digit", hourCycle: "h23" });
const dayThisYear = new Intl.DateTimeFormat("en-GB", { day: "numeric", month: "long" });
const dayOfYear = new Intl.DateTimeFormat("en-GB", { day: "numeric", month: "long", year: "numeric" });
const shortDay = new Intl.DateTimeFormat("en-GB", { day: "numeric", month: "short" });

export const time = (date) => clock.format(date);

/** A number that differs from day to day, in the person's own zone. */
export const dayNumber = (date) => date.getFullYear() * 10000 + date.getMonth() * 100 + date.getDate();

export function day(date, now = new Date()) {
  const yesterday = new Date(now.getFullYear(), now.getMonth(), now.getDate() - 1);
  if (dayNumber(date) === dayNumber(now)) return "Today";
  if (dayNumber(date) === dayNumber(yesterday)) return "Yesterday";
  return (date.getFullYear() === now.getFullYear() ? dayThisYear : dayOfYear).format(date);
}

export const whenShort = (date) => (dayNumber(date) === dayNumber(new Date()) ? time(date) : shortDay.format(date));

/** A toggle's remembered state; without storage it is simply not remembered. */
export const memory = {
  get(name) {
    try {
      return localStorage.getItem(`sandbox-${name}`);
    } catch {
      return null;
    }
  },
  set(name, value) {
    try {
      localStorage.setItem(`sandbox-${name}`, value);
    } catch {
      // Then not.
    }
  },
};

const DOING = {
  upload_photo: "is sending a picture",
  upload_video: "is sending a video",
  upload_audio: "is sending a voice message",
  upload_document: "is sending a file",
  record_audio: "is recording a voice message",
  record_video: "is recording a video",
};

/** What a `typing` event says, in words. */
export const doingWords = ({ action, progress }) => `${DOING[action] ?? "is typing"}${progress ? `, ${progress} %` : "…"}`;

const AVATARS = 7;
const letters = new Intl.Segmenter("en", { granularity: "grapheme" });
const initial = (name) => letters.segment(name.trim())[Symbol.iterator]().next().value?.segment.toUpperCase() ?? "";

export const fullName = (person) => `${person.first_name} ${person.last_name}`.trim();

export function avatar(person) {
  const shown = initial(person.first_name) + initial(person.last_name);
  return el("span", { class: `avatar a${person.id % AVATARS}`, "aria-hidden": "true" }, shown || "?");
}
