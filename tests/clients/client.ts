// What a program in TypeScript does with the types made from /api/openapi.json; prints what it was answered.
import createClient from "openapi-fetch";
import type { components, paths } from "./api";

const address = process.env.API!;
const bot = createClient<paths>({
  baseUrl: address,
  headers: { Authorization: `Bearer ${process.env.TOKEN!}` },
});
const owner = createClient<paths>({
  baseUrl: address,
  headers: { Authorization: `Bearer ${process.env.ACCESS!}` },
});

// Fields that may be left out need not be there: neither in what is sent, nor in what is made up for a test.
const least: components["schemas"]["SendMessage"] = { text: "from TypeScript" };
const most: components["schemas"]["SendMessage"] = { text: "all", type: "File", urgent: true, ttl: 60 };
const answered: components["schemas"]["SendResult"] = { answer: "a", id: "b", status: "sent" };
const refused: components["schemas"]["Refusal"] = { answer: answered.answer };
const empty: components["schemas"]["SendMessage"] = {}; // a file may stand for the text

const sent = await bot.POST("/api/send_message", { body: least });
const all = await bot.POST("/api/send_message", {
  body: most,
  params: { header: { Prefer: "respond-async", "Idempotency-Key": "typescript" } },
});
const id: string = sent.data!.id;
const found = await bot.GET("/api/messages/{id}", { params: { path: { id } } });
const history = await owner.GET("/api/cabinet/", { params: { query: { limit: 2 } } });
const wrong = await owner.POST("/api/cabinet/", { body: { code: "0123456789" } });
const sentence: string = wrong.error!.answer;

console.log(
  JSON.stringify({
    statuses: [sent, all, found, history, wrong].map((one) => one.response.status),
    texts: history.data!.messages.map((line) => line.text),
    text: found.data!.text,
    failure: found.data!.failure ?? null,
    sentence,
    unused: [refused.answer, Object.keys(empty).length],
  }),
);
