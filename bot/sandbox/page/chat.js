// A plain page over the JSON API: people on the left, the chat with the bot on the right.
const $ = (id) => document.getElementById(id);
let open = null;

async function call(path, body) {
  const init = body && { method: "POST", body: JSON.stringify(body), headers: { "Content-Type": "application/json" } };
  const answer = await fetch(path, init);
  const data = await answer.json();
  if (!answer.ok) throw new Error(data.error);
  return data;
}

const guard = (work) => work.catch((problem) => alert(problem.message));

async function people() {
  const list = await call("/people");
  open ??= list[0]?.id ?? null;
  $("people").replaceChildren(...list.map((person) => {
    const item = document.createElement("li");
    item.textContent = `${person.first_name} ${person.last_name}`;
    item.className = person.id === open ? "open" : "";
    item.onclick = () => { open = person.id; guard(show()); };
    return item;
  }));
}

async function show() {
  await people();
  if (open === null || !(await call("/bots")).length) return;
  const list = await call(`/chats/${open}/messages`);
  $("messages").replaceChildren(...list.filter((m) => !m.deleted).map((message) => {
    const item = document.createElement("li");
    item.className = message.from;
    item.append(message.text + (message.edited ? " (edited)" : ""));
    if (message.file) {
      const link = document.createElement("a");
      link.href = message.file.url;
      link.textContent = ` [${message.file.name}]`;
      item.append(link);
    }
    for (const row of message.buttons) {
      const line = document.createElement("div");
      for (const button of row) {
        const element = document.createElement("button");
        element.textContent = button.text;
        element.onclick = () => guard((async () => {
          if (button.url) return window.open(button.url, "_blank", "noopener");
          const answer = await call(`/chats/${open}/press`, { message_id: message.id, data: button.data });
          if (answer.answer) alert(answer.answer);
        })());
        line.append(element);
      }
      item.append(line);
    }
    return item;
  }));
  $("messages").lastElementChild?.scrollIntoView();
}

$("new").onsubmit = (event) => {
  event.preventDefault();
  const form = event.target;
  guard(call("/people", { first_name: form.first_name.value }).then(({ id }) => { open = id; form.reset(); return show(); }));
};
$("say").onsubmit = (event) => {
  event.preventDefault();
  const form = event.target;
  guard(call(`/chats/${open}/say`, { text: form.text.value }).then(() => form.reset()));
};
new EventSource("/events").onmessage = () => guard(show());
guard(show());
