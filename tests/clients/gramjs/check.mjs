// Plays a bot and a person with GramJS; `tests/clients/run` runs it in an environment of its own.
// It takes the ports 80 and 443 alone, and so the sandbox as an MTProto proxy.
import { readFileSync } from "node:fs";
import bigInt from "big-integer";
import telegram from "telegram";
import { _serverKeys } from "telegram/crypto/RSA.js";
import { CallbackQuery } from "telegram/events/CallbackQuery.js";
import { EditedMessage } from "telegram/events/EditedMessage.js";
import { NewMessage } from "telegram/events/NewMessage.js";
import { ConnectionTCPMTProxyAbridged } from "telegram/network/connection/TCPMTProxy.js";
import { StringSession } from "telegram/sessions/index.js";
import { LAYER } from "telegram/tl/AllTLObjects.js";
import { assert, exponent, fingerprint, host, modulus, person, port, Queue, secret } from "./sandbox.mjs";

const { Api, TelegramClient } = telegram;
_serverKeys.set(fingerprint, { n: bigInt(modulus), e: Number(exponent) });

function client() {
  const made = new TelegramClient(new StringSession(""), 1, "x", {
    connection: ConnectionTCPMTProxyAbridged,
    connectionRetries: 1,
    proxy: { ip: host, port: Number(port), secret, MTProxy: true },
  });
  made.setLogLevel("error");
  return made;
}

const kim = await person("Kim");
const bot = client();
const human = client();
const [heard, seen, edited] = [new Queue(), new Queue(), new Queue()];
bot.addEventHandler((event) => heard.put(event.message), new NewMessage({ incoming: true }));
bot.addEventHandler((event) => event.answer({ message: `pressed ${event.data}`, alert: true }), new CallbackQuery({}));
human.addEventHandler((event) => seen.put(event.message), new NewMessage({ incoming: true }));
human.addEventHandler((event) => edited.put(event.message), new EditedMessage({}));
const never = (error) => {
  throw error;
};
await bot.start({ botAuthToken: "4242:gramjs", onError: never });
await human.start({ phoneNumber: `+999${kim}`, phoneCode: async () => "12345", onError: never });
assert((await human.getMe()).id.toString() === String(kim), "the person has signed in");

await human.sendMessage("sandbox_4242_bot", { message: "/start" });
const first = await heard.get();
assert(first.message === "/start" && first.senderId.toString() === String(kim), "the bot hears the person");
const buttons = [[new Api.KeyboardButtonCallback({ text: "Yes", data: Buffer.from("yes") })]];
const sent = await bot.sendMessage(first.senderId, { message: "**bold**", parseMode: "md", buttons });
const question = await seen.get();
assert(question.message === "bold" && question.entities[0].className === "MessageEntityBold", "the text is bold");
const answer = await question.click({ text: "Yes" });
assert(answer.message === "pressed yes" && answer.alert, "the press is answered");
await bot.editMessage(first.senderId, { message: sent.id, text: "edited" });
assert((await edited.get()).message === "edited", "the edit arrives");

const own = new URL(import.meta.url).pathname;
await bot.sendFile(first.senderId, { file: own, forceDocument: true });
const file = await human.downloadMedia(await seen.get(), {});
assert(readFileSync(own).equals(file), "the file is whole");
const dialogs = await human.getDialogs({});
assert(dialogs.length === 1 && dialogs[0].id.toString() === "4242", "the chats are listed");
await bot.deleteMessages(first.senderId, [sent.id], { revoke: true });
const history = await human.getMessages("sandbox_4242_bot", { limit: 10 });
assert(!history.some((message) => message.id === question.id), "the message is deleted");
await Promise.all([bot.destroy(), human.destroy()]);
console.log(`GramJS ${telegram.version} (layer ${LAYER}): all well`);
process.exit(0);
