// The page: who is open, what is told to which part.

import { get, post } from "./api.js";
import { Composer } from "./composer.js";
import { listen } from "./live.js";
import { Menu } from "./menu.js";
import { Messages } from "./messages.js";
import { People } from "./people.js";
import { Steps } from "./steps.js";
import { $, avatar, copy, doingWords, el, fullName, guard, icon, memory, notice, toast } from "./ui.js";

const TYPING_LASTS = 6000;
const wide = matchMedia("(min-width: 48rem)");

let bots = [];
let bot = null;
let config = { telegram: "", first_steps: null };
let steps = null;
let typing = 0;
let doing = "";
const pressed = new Set();

const open = () => people.all.get(people.open) ?? null;
const current = () => bots.find(({ id }) => id === bot) ?? null;

// ---- the parts

const people = new People({
  async onMade(id) {
    await guard(people.load(bot));
    location.hash = `#/${id}`;
  },
});

const messages = new Messages({
  command: (text) => guard(say(text)),
  busy: (message, button) => pressed.has(`${message.id} ${button.data}`),
  press,
  read,
  drawn,
});

const composer = new Composer({
  send: say,
  commands: () => get("/commands", { bot, chat: people.open }),
});

// One after the other, so that what was written first arrives first.
let saying = Promise.resolve();
function say(text) {
  const target = `/chats/${people.open}/say`;
  const said = saying.then(() => post(target, { text, bot }));
  saying = said.catch(() => {});
  return said;
}

async function press(message, button) {
  const key = `${message.id} ${button.data}`;
  if (pressed.has(key)) return;
  pressed.add(key);
  messages.redraw(message.id);
  try {
    const answer = await post(`/chats/${people.open}/press`, { message_id: message.id, data: button.data, bot });
    if (answer.timeout) toast("The bot has not answered the button.", { problem: true });
    else if (answer.url) notice(`The bot would open ${answer.url}`, { yes: "Open", link: answer.url });
    else if (answer.answer && answer.alert) notice(answer.answer);
    else if (answer.answer) toast(answer.answer);
  } catch (refusal) {
    toast(refusal.message, { problem: true });
  } finally {
    pressed.delete(key);
    messages.redraw(message.id);
  }
}

const inSight = () => messages.atEnd && document.visibilityState === "visible";

/** What is in sight is read. */
let unsaid = false;
function read() {
  const person = open();
  if (!person || !(person.unread || unsaid) || !inSight()) return;
  unsaid = false;
  people.change(person.id, { unread: 0 });
  if (messages.chat) messages.chat.unread = 0;
  post(`/chats/${person.id}/read`, { bot }).catch(() => {});
}

// ---- what is open

function wantedChat() {
  const found = /^#\/(\d+)$/.exec(location.hash);
  return found ? Number(found[1]) : null;
}

async function route() {
  let wanted = wantedChat();
  if (wanted !== null && !people.all.has(wanted)) {
    wanted = null;
    history.replaceState(null, "", location.pathname);
  }
  if (wanted === null && wide.matches) wanted = people.sorted()[0]?.id ?? null;
  const changed = people.open !== wanted;
  people.open = wanted;
  people.draw();
  $("panes").dataset.pane = wanted === null ? "people" : "chat";
  clearTimeout(typing);
  typing = 0;
  unsaid = false;
  composer.open(wanted === null ? null : `${bot}/${wanted}`);
  head();
  if (changed && wanted !== null) composer.focus();
  await load();
}

async function load() {
  const person = open();
  if (!person || bot === null) {
    messages.close();
    return drawn();
  }
  const names = { person: fullName(person), bot: current()?.first_name ?? "Bot" };
  await guard(messages.open({ bot, person: person.id, names, unread: person.unread }));
}

/** All anew: at the start, and after the sandbox was away. */
async function reload() {
  bots = await get("/bots");
  chooseBot();
  await people.load(bot);
  await route();
}

function chooseBot() {
  if (!current()) bot = bots[0]?.id ?? null;
  $("picker").hidden = bots.length < 2;
  $("bots").replaceChildren(
    ...bots.map(({ id, first_name: name, username }) => el("option", { value: String(id), selected: id === bot }, username ? `${name} (@${username})` : name)),
  );
  $("bots").value = String(bot ?? "");
}

// ---- the chat's head and foot

function head() {
  const person = open();
  $("chat-head").hidden = !person;
  if (person) {
    $("chat-avatar").replaceChildren(avatar(person));
    $("chat-title").replaceChildren(el("bdi", {}, fullName(person)));
    const state = $("chat-state");
    state.className = typing ? "typing" : current()?.connected ? "online" : "";
    state.replaceChildren(...botState());
  }
  foot(person);
}

function botState() {
  const chosen = current();
  if (!chosen) return ["no bot yet"];
  const state = typing ? doing : chosen.connected ? "connected" : "not connected now";
  return ["with ", el("bdi", {}, chosen.first_name), el("span", { class: "dot", "aria-hidden": "true" }), state];
}

function foot(person) {
  const gone = person?.deleted;
  const blocked = person?.blocked;
  const nothing = person && bot !== null && !gone && !blocked && !messages.loaded.size && !messages.loading && !person.started;
  $("foot").hidden = !person || bot === null;
  $("composer").hidden = Boolean(gone || blocked || nothing);
  $("instead").hidden = !$("composer").hidden;
  if (gone) $("instead").replaceChildren("This account is deleted.");
  else if (blocked) {
    $("instead").replaceChildren(
      el("span", {}, "The bot is blocked and can’t write here."),
      el("button", { type: "button", class: "primary", onclick: () => block(false) }, "Unblock"),
    );
  } else if (nothing) {
    $("instead").replaceChildren(el("button", { type: "button", class: "primary wide", onclick: () => guard(say("/start")) }, "Start"));
  }
}

/** After the messages were drawn: the empty state, the reply keyboard, the code for the first steps. */
function drawn() {
  const person = open();
  const list = messages.sorted();
  const last = list.findLast((message) => message.from === "bot" && (message.keyboard.length || message.keyboard_removed));
  composer.keys(person && !person.blocked && last ? last.keyboard : []);
  steps?.look(list, person?.id ?? null);
  foot(person);
  empty(person, list);
}

function empty(person, list) {
  const box = $("no-chat");
  let lines = null;
  if (bot === null) {
    lines = [
      el("p", { class: "big" }, "No bot has signed in yet"),
      el("p", {}, "Start one and point it at ", el("code", {}, config.telegram || "the sandbox’s port"), ". Any token like ", el("code", {}, "1:sandbox"), " will do; docs/sandbox.md shows how for Pyrogram, kurigram and Telethon."),
      el("p", {}, "It appears here by itself."),
    ];
  } else if (!people.all.size) {
    lines = [el("p", { class: "big" }, "Make a person"), el("p", {}, "Then write to the bot as them.")];
  } else if (!person) {
    lines = [el("p", { class: "big" }, "Choose a person"), el("p", {}, "You will write to the bot as them.")];
  } else if (!list.length && !messages.loading) {
    lines = [
      el("p", { class: "big" }, person.started ? "No messages here" : "Nothing written yet"),
      el("p", {}, "You are ", el("b", {}, el("bdi", {}, fullName(person))), ". ", person.started ? "Write something, or / for what the bot can do." : "Press Start to begin: a bot can’t write to you first."),
    ];
  }
  box.hidden = !lines;
  if (lines) box.replaceChildren(...lines);
}

async function block(blocked) {
  await guard(post(`/chats/${people.open}/${blocked ? "block" : "unblock"}`, { bot }));
  if (!blocked) composer.focus();
}

// ---- the menu of the chat

function menuItems() {
  const person = open();
  return [
    person.blocked ? ["Unblock the bot", () => block(false)] : ["Block the bot", () => block(true)],
    [`Copy the id ${person.id}`, () => copy(String(person.id))],
    ["Messages as JSON", () => window.open(`/chats/${person.id}/messages${bots.length > 1 ? `?bot=${bot}` : ""}`, "_blank", "noopener")],
    ...(person.deleted ? [] : [["Delete this account…", deactivate]]),
  ];
}

async function deactivate() {
  const { id } = open();
  const sure = await notice("Delete this person’s account? The bot’s next message to them is refused with INPUT_USER_DEACTIVATED. It can’t be undone.", { yes: "Delete", no: "Cancel", danger: true });
  if (sure) await guard(post(`/chats/${id}/deactivate`));
}

new Menu(menuItems);

// ---- events

const EVENTS = {
  hello: () => guard(reload()),
  async bots(event) {
    const none = bot === null;
    bots = event.bots;
    chooseBot();
    if (none && bot !== null) await guard(reload());
    else head();
  },
  person(event) {
    if (!people.change(event.person.id, event.person)) return soon();
    head();
  },
  blocked: (event) => event.bot === bot && (people.change(event.chat, { blocked: true }), head(), drawn()),
  unblocked: (event) => event.bot === bot && (people.change(event.chat, { blocked: false }), head(), drawn()),
  read: (event) => event.bot === bot && people.change(event.chat, { unread: 0 }),
  typing(event) {
    if (event.bot !== bot || event.chat !== people.open) return;
    clearTimeout(typing);
    doing = doingWords(event);
    typing = event.typing ? setTimeout(() => ((typing = 0), head()), TYPING_LASTS) : 0;
    head();
  },
  new(event) {
    if (bot === null) return soon();
    if (event.bot !== bot) return undefined;
    const person = people.all.get(event.chat);
    if (!person) return soon();
    const fromBot = event.message.from === "bot";
    const seen = event.chat === people.open && inSight();
    unsaid ||= fromBot && seen;
    people.change(event.chat, { last: event.message, started: person.started || !fromBot, unread: person.unread + (fromBot && !seen) });
    if (event.chat !== people.open) return undefined;
    if (fromBot && typing) EVENTS.typing({ ...event, typing: false });
    return messages.event("new", event.message);
  },
  edit(event) {
    if (event.bot !== bot) return;
    if (people.all.get(event.chat)?.last?.id === event.message.id) people.change(event.chat, { last: event.message });
    if (event.chat === people.open) messages.event("edit", event.message);
  },
  delete(event) {
    if (event.bot !== bot) return;
    if (event.chat === people.open) messages.event("delete", event.message);
    soon();
  },
};

// The list of people is read anew, once for all events of a moment.
let reading = 0;
function soon() {
  clearTimeout(reading);
  reading = setTimeout(() => {
    if (bot === null) guard(reload());
    else guard(people.load(bot).then(head));
  }, 150);
}

function away(there) {
  const strip = $("away");
  if (there === strip.hidden) return;
  strip.hidden = there;
  strip.textContent = there ? "" : "The sandbox does not answer. This page goes on by itself when it is back.";
}

/** For when events do not come: holds until the open chat has something new. */
async function hold(seconds) {
  if (bot === null || people.open === null) {
    await new Promise((resolve) => setTimeout(resolve, seconds * 1000));
    return get("/bots");
  }
  const after = messages.last?.id ?? 0;
  return get(`/chats/${people.open}/messages`, { bot, after, wait: seconds || null });
}

// ---- wiring

$("bots").addEventListener("change", ({ target }) => {
  bot = Number(target.value);
  guard(people.load(bot).then(route));
});
$("back").addEventListener("click", () => {
  location.hash = "";
});
$("theme").addEventListener("click", () => {
  const root = document.documentElement;
  const dark = root.dataset.theme ? root.dataset.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
  root.dataset.theme = dark ? "light" : "dark";
  memory.set("theme", root.dataset.theme);
});
$("limits-open").addEventListener("click", () => $("limits").showModal());
$("skip").addEventListener("click", (event) => {
  event.preventDefault();
  ($("foot").hidden ? $("scroller") : ($("composer").hidden ? $("instead").querySelector("button") : $("text")))?.focus();
});
document.addEventListener("visibilitychange", read);
addEventListener("hashchange", () => guard(route()));
wide.addEventListener("change", () => guard(route()));

listen({ onEvent: (event) => EVENTS[event.kind]?.(event), onState: away, hold });

config = await get("/page-config").catch(() => config);
if (config.first_steps) {
  steps = new Steps(config.first_steps, { say: (text) => guard(say(text)) });
}
drawn();
