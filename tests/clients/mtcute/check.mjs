// Plays a bot and a person with mtcute; `tests/clients/run` runs it in an environment of its own.
import { readFileSync } from "node:fs";
import { BotKeyboard, MemoryStorage, TelegramClient } from "@mtcute/node";
import { NodeCryptoProvider } from "@mtcute/node/utils.js";
import { addPublicKey } from "@mtcute/core/utils.js";
import schema from "@mtcute/core/tl/api-schema.json" with { type: "json" };
import { assert, host, key, person, port, Queue } from "./sandbox.mjs";

const crypto = new NodeCryptoProvider();
await crypto.initialize();
addPublicKey(crypto, readFileSync(key, "utf8"));
const dc = { id: 2, ipAddress: host, port: Number(port) };

function client() {
  const made = new TelegramClient({
    apiId: 1,
    apiHash: "x",
    crypto,
    defaultDcs: { main: dc, media: dc },
    logLevel: 1,
    storage: new MemoryStorage(),
  });
  return made;
}

const kim = await person("Kim");
const bot = client();
const human = client();
const [heard, seen, edited] = [new Queue(), new Queue(), new Queue()];
bot.onNewMessage.add((message) => heard.put(message));
bot.onCallbackQuery.add((query) =>
  bot.answerCallbackQuery(query, { text: `pressed ${query.dataStr}`, alert: true }),
);
human.onNewMessage.add((message) => message.isOutgoing || seen.put(message));
human.onEditMessage.add((message) => edited.put(message));
const me = await bot.start({ botToken: "4242:mtcute" });
const other = await human.start({ phone: `+999${kim}`, code: "12345" });
assert(me.id === 4242 && other.id === kim, "both have signed in");

await human.sendText("sandbox_4242_bot", "/start");
const first = await heard.get();
assert(first.text === "/start" && first.sender.id === kim, "the bot hears the person");
const keyboard = BotKeyboard.inline([[BotKeyboard.callback("Yes", "yes")]]);
const sent = await bot.sendText(kim, "question", { replyMarkup: keyboard });
const question = await seen.get();
assert(question.text === "question", "the person sees the question");
const answer = await human.getCallbackAnswer({ chatId: 4242, message: question.id, data: "yes" });
assert(answer.message === "pressed yes" && answer.alert, "the press is answered");
await bot.editMessage({ chatId: kim, message: sent.id, text: "edited" });
assert((await edited.get()).text === "edited", "the edit arrives");

// Above one megabyte: it asks for pieces of that size, in packed requests.
const large = Buffer.alloc((1 << 20) + 4321, "piece of text ");
await bot.sendMedia(kim, { type: "document", file: large, fileName: "large.txt" });
const document = (await seen.get()).media;
assert(large.equals(await human.downloadAsBuffer(document)), "the file is whole");
const dialogs = [];
for await (const dialog of human.iterDialogs()) dialogs.push(dialog.peer.id);
assert(dialogs.length === 1 && dialogs[0] === 4242, "the chats are listed");
await bot.deleteMessagesById(kim, [sent.id]);
const history = await human.getHistory("sandbox_4242_bot");
assert(!history.some((message) => message.id === question.id), "the message is deleted");
await Promise.all([bot.destroy(), human.destroy()]);
console.log(`mtcute (layer ${schema.l}): all well`);
process.exit(0);
