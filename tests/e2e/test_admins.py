"""The admins' commands, as an admin and as a stranger."""

import json
import re
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from djangobot.bot.settings import NAMES

from .conftest import WAIT, Run, Sandbox, Service, Wait
from .judging import foreign, too_wide

COMMANDS = (
    "/status",
    "/queue",
    "/errors",
    "/users",
    "/user",
    "/broadcast",
    "/admins",
    "/audit",
    "/invite",
    "/invites",
    "/backup",
    "/config",
    "/loglevel",
)
WORDS = {
    "en": {
        "/status": "Telegram: connected",
        "/queue": "Messages on their way",
        "/errors": "No message has failed",
        "/users": "Accounts and people",
        "/user": "shows one by its number",
        "/invite": "shown this once",
        "/invites": "nvite",
        "/broadcast": "Send me the text",
        "/admins": "from the settings",
        "/audit": "No admin has changed anything",
        "/backup": "whole database",
        "/config": "Settings in force",
        "/loglevel": "Log level: info",
    },
    "ru": {
        "/status": "Telegram: на связи",
        "/queue": "Сообщения в пути",
        "/errors": "Неудавшихся сообщений нет",
        "/users": "Аккаунты и люди",
        "/user": "покажет одного",
        "/invite": "показано один раз",
        "/invites": "риглашени",
        "/broadcast": "Пришлите текст",
        "/admins": "из настроек",
        "/audit": "пока ничего не меняли",
        "/backup": "копию всей базы",
        "/config": "Действующие настройки",
        "/loglevel": "Уровень журнала: info",
    },
}


@pytest.fixture(scope="module")
def people(box: Sandbox) -> dict[str, int]:
    """One admin of each language, by the settings."""
    return {language: box.person(language=language, first_name="Root") for language in ("en", "ru")}


@pytest.fixture(scope="module")
def service(
    box: Sandbox, people: dict[str, int], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Service]:
    admins = ",".join(map(str, people.values()))
    with Service(box, tmp_path_factory.mktemp("service") / "data", DJANGOBOT_ADMINS=admins) as running:
        yield running


def press(box: Sandbox, chat: int, message: dict[str, Any], data: str) -> tuple[str, str]:
    """What is said above the button, and what the message says then."""
    answer = box.post(f"/chats/{chat}/press", message_id=message["id"], data=data)
    shown = next(one for one in box.messages(chat) if one["id"] == message["id"])
    return str(answer["answer"]), str(shown["text"])


def data_of(message: dict[str, Any], start: str, part: str = "") -> str:
    """The data of the first button that begins so and has this part."""
    every = [str(button["data"]) for row in message["buttons"] for button in row]
    return next(data for data in every if data.startswith(start) and part in data)


def button(box: Sandbox, chat: int, message: dict[str, Any], start: str, part: str = "") -> str:
    """The same of a message as it is by now."""
    now = next(one for one in box.messages(chat) if one["id"] == message["id"])
    return data_of(now, start, part)


def names(box: Sandbox, chat: int) -> set[str]:
    return {command["command"] for command in box.get("/commands", chat=chat)}


@pytest.mark.parametrize("language", ["en", "ru"])
@pytest.mark.parametrize("command", COMMANDS)
def test_an_admin_is_answered(
    box: Sandbox, service: Service, people: dict[str, int], language: str, command: str
) -> None:
    """In their language."""
    answer = box.say(people[language], command)
    assert WORDS[language][command] in answer["text"]
    if command != "/config":  # names and values of settings
        assert foreign(language, answer) == [], answer["text"]
    assert too_wide(answer) == []


def test_to_a_stranger_there_are_no_such_commands(box: Sandbox, service: Service) -> None:
    """The same answers as to what does not exist."""
    stranger = box.person()
    unknown = box.say(stranger, "/nonsense")
    for command in COMMANDS:
        assert box.say(stranger, command)["text"] == unknown["text"]
    assert "/status" not in box.say(stranger, "/help")["text"]
    assert "status" not in names(box, stranger)


def test_an_admins_menu_shows_more(
    box: Sandbox, service: Service, people: dict[str, int], wait_until: Wait
) -> None:
    """From their first /start on; /help says the same."""
    root = people["en"]
    box.say(root, "/start")
    wait_until(lambda: "status" in names(box, root))
    assert "start" in names(box, root)
    assert "/status" in box.say(root, "/help")["text"]


def test_a_paused_delivery_accepts_and_waits_until_it_goes_on(
    box: Sandbox, service: Service, people: dict[str, int], wait_until: Wait
) -> None:
    """Also over a restart; both entries are in the audit."""
    root, alex = people["en"], box.person()
    token = service.bot_token(alex, service.account())
    card = box.say(root, "/status")
    said, shown = press(box, root, card, "pause:1")
    assert "paused" in said
    assert "Delivery is paused" in shown
    service.stop()
    service.start()
    accepted = service.send(token, "later", prefer="wait=1")
    assert (accepted.status_code, accepted.json()["status"]) == (202, "queued")
    assert "Due: 1" in box.say(root, "/queue")["text"]
    press(box, root, card, "pause:0")
    wait_until(lambda: "later" in box.messages(alex)[-1]["text"])
    entries = box.say(root, "/audit")["text"]
    assert entries.count("Paused delivery") == entries.count("Resumed delivery") == 1


def test_the_last_day_is_drawn(box: Sandbox, service: Service, people: dict[str, int]) -> None:
    """As a picture below the card."""
    root = people["ru"]
    card = box.say(root, "/status")
    press(box, root, card, "status_charts")
    picture = box.next_from_bot(root, card["id"])
    assert picture["file"]["name"] == "status.png"


def test_a_wrong_signature_is_told_without_its_value(
    box: Sandbox, service: Service, people: dict[str, int]
) -> None:
    """By the token's name and first characters, and by who was to have signed."""
    alex = box.person()
    token = service.bot_token(alex, service.account(), name="hooks")
    listed = box.say(alex, "/tokens")
    number = listed["buttons"][0][0]["data"].partition(":")[2]
    for data in (f"token:{number}", f"token_secret:{number}", f"token_secret_new:{number}:0"):
        press(box, alex, listed, data)
    headers = {"x-github-event": "ping", "x-hub-signature-256": "sha256=abcdef"}
    assert service.client.post(f"/api/hook/{token}", json={}, headers=headers).status_code == 401
    said = box.say(people["en"], "/errors")["text"]
    assert f"hooks (token {token[:4]}…), github: 1" in said
    assert "abcdef" not in said
    assert token not in said


def test_what_failed_is_told_by_its_cause_and_sent_anew(
    box: Sandbox, service: Service, people: dict[str, int], wait_until: Wait
) -> None:
    """After a question that says how many."""
    root, alex = people["en"], box.person()
    token = service.bot_token(alex, service.account())
    box.post("/faults", method="messages.sendMessage", kind="error", value="400 PEER_ID_INVALID", times=1)
    assert service.send(token, "refused", prefer=WAIT).status_code == 502
    assert "PEER_ID_INVALID: 1" in box.say(root, "/errors")["text"]
    card = box.say(root, "/queue")
    assert "Failed: 1" in card["text"]
    _, question = press(box, root, card, "queue_all:retry")
    assert "1 failed message again?" in question
    said, _ = press(box, root, card, "queue_all_sure:retry")
    assert said == "Done: 1"
    wait_until(lambda: "refused" in box.messages(alex)[-1]["text"])


def test_one_message_is_looked_into_by_person_and_by_sender(
    box: Sandbox, service: Service, people: dict[str, int], wait_until: Wait
) -> None:
    """Everything about it but what it says; then it is sent anew, or dropped after a question."""
    root, alex = people["en"], box.person(first_name="Postponed")
    token = service.bot_token(alex, service.account(name="Clockwork"))
    box.post("/faults", method="messages.sendMessage", kind="error", value="400 PEER_ID_INVALID", times=1)
    assert service.send(token, "a secret", prefer=WAIT).status_code == 502
    card = box.say(root, "/queue")
    _, groups = press(box, root, card, "queue_by:chat")
    assert "Postponed: due 0, postponed 0, failed 1, uncertain 0" in groups
    press(box, root, card, f"queue_list::c:{alex}:0")
    _, one = press(box, root, card, button(box, root, card, "queue_one:"))
    for words in ("From: Clockwork", f"To: Postponed ({alex})", "Characters: 8", "Reason: PEER_ID_INVALID"):
        assert words in one
    assert "secret" not in one
    said, _ = press(box, root, card, button(box, root, card, "queue_do:", ":retry"))
    assert said == "Done."
    wait_until(lambda: "a secret" in box.messages(alex)[-1]["text"])
    status = box.say(root, "/status")
    press(box, root, status, "pause:1")
    accepted = service.send(token, "to be dropped", prefer="wait=1")
    while accepted.status_code == 200:  # the deliverer has not heard of the pause yet
        accepted = service.send(token, "to be dropped", prefer="wait=1")
    card = box.say(root, "/queue")
    _, groups = press(box, root, card, "queue_by:account")
    assert "Clockwork: due 1" in groups
    press(box, root, card, button(box, root, card, "queue_list::a"))
    press(box, root, card, button(box, root, card, "queue_one:"))
    _, question = press(box, root, card, button(box, root, card, "queue_do:", ":drop"))
    assert "Give up on it?" in question
    said, shown = press(box, root, card, button(box, root, card, "queue_do:", ":drop"))
    assert (said, shown.splitlines()[0]) == ("Done.", "canceled")
    found = service.client.get(
        f"/api/messages/{accepted.json()['id']}", headers={"Authorization": f"Bearer {token}"}
    )
    assert found.json()["status"] == "canceled"
    press(box, root, status, "pause:0")
    assert "Gave up on a message" in box.say(root, "/audit")["text"]


def test_a_backup_comes_as_a_file(box: Sandbox, service: Service, people: dict[str, int]) -> None:
    """With what is inside, counted; it is in the audit."""
    root = people["en"]
    begun = box.say(root, "/backup")
    assert "everything people were written" in begun["text"]
    ((sure,),) = begun["buttons"]
    box.post(f"/chats/{root}/press", message_id=begun["id"], data=sure["data"])
    file = box.next_from_bot(root, begun["id"])
    assert file["file"]["name"].endswith(".sqlite.gz")
    assert "Accounts: " in file["text"]
    assert "backup" in box.say(root, "/audit")["text"]


def test_an_admin_appoints_and_dismisses_others(
    box: Sandbox, service: Service, people: dict[str, int], wait_until: Wait, run: Run, tmp_path: Path
) -> None:
    """They must have come before; what they may, they may at once and no longer. Those of the settings
    stay."""
    root, deputy = people["en"], box.person(first_name="Deputy")
    assert "/start" in box.say(root, f"/admins add {deputy}")["text"]
    box.say(deputy, "/start")
    assert "is now an admin" in box.say(root, f"/admins add {deputy}")["text"]
    assert "already" in box.say(root, f"/admins add {deputy}")["text"]
    wait_until(lambda: "status" in names(box, deputy))
    card = box.say(deputy, "/status")
    assert "Telegram" in card["text"]
    assert "DJANGOBOT_ADMINS" in box.say(deputy, f"/admins remove {root}")["text"]
    listed = box.say(root, "/admins")
    assert "from the admins?" in press(box, root, listed, f"dismiss:{deputy}")[1]
    assert "no longer an admin" in press(box, root, listed, f"dismiss_sure:{deputy}")[0]
    wait_until(lambda: "status" not in names(box, deputy))
    assert "don’t know this command" in box.say(deputy, "/status")["text"]
    assert "no longer works" in press(box, deputy, card, "pause:1")[0]
    assert "is an admin now" in run(tmp_path, "admin", "add", str(deputy), **service.env).stdout
    assert "Telegram" in box.say(deputy, "/status")["text"]
    listed_ids = json.loads(run(tmp_path, "admin", "list", "--json", **service.env).stdout)
    assert listed_ids == [*people.values(), deputy]
    assert run(tmp_path, "admin", "remove", str(deputy), **service.env).returncode == 0
    refused = run(tmp_path, "admin", "remove", str(root), **service.env)
    assert refused.returncode == 1
    assert "DJANGOBOT_ADMINS" in refused.stderr
    counts = json.loads(run(tmp_path, "stats", "--json", **service.env).stdout)
    assert counts["chats"] >= 3
    assert "accounts" in run(tmp_path, "stats", **service.env).stdout
    assert "Write /admins add" in box.say(root, "/admins add somebody")["text"]


def test_an_account_is_found_banned_and_let_in_again(
    box: Sandbox, service: Service, people: dict[str, int], wait_until: Wait
) -> None:
    """Its tokens end with the press of the button; nobody's texts are shown."""
    root, alex = people["en"], box.person(first_name="Alexandra")
    bearer = service.account("Mallory")
    token = service.bot_token(alex, bearer)
    assert service.send(token, "buy now", prefer=WAIT).status_code == 200
    found = box.say(root, "/users mallory")
    _, card = press(box, root, found, data_of(found, "user:account:"))
    assert "Mallory" in card
    assert "Alexandra: 1 token" in card
    assert "Messages: 1 (delivered: 1)" in card
    assert "buy now" not in card
    who = data_of(found, "user:account:").removeprefix("user:")
    said, card = press(box, root, found, f"user_do:ban:{who}")
    assert said == "Banned."
    assert "Banned: " in card
    for answer in (
        service.send(token, "buy more"),
        service.client.get("/api/cabinet", headers=bearer),
    ):
        assert (answer.status_code, "banned" in answer.json()["answer"]) == (403, True)
    press(box, root, found, f"user_do:unban:{who}")
    assert service.send(token, "sorry", prefer=WAIT).status_code == 200
    press(box, root, found, f"user_do:signout:{who}")
    assert service.client.get("/api/cabinet", headers=bearer).status_code == 401
    assert "Delete Mallory" in press(box, root, found, f"user_delete:{who}")[1]
    assert press(box, root, found, f"user_do:delete:{who}")[0] == "Deleted."
    assert service.send(token, "gone").status_code == 401
    entries = box.say(root, "/audit")["text"]
    for entry in ("Banned", "Unbanned", "Signed out everywhere", "Deleted"):
        assert f"{entry}: {who.replace(':', ' ')}" in entries


def test_a_banned_person_gets_nothing_and_can_do_nothing(
    box: Sandbox, service: Service, people: dict[str, int], wait_until: Wait
) -> None:
    """No answer to a word or a button, no message; another one who writes at the same time is answered."""
    root, eve = people["en"], box.person(first_name="Eve")
    token = service.bot_token(eve, service.account())
    card = box.say(root, f"/user {eve}")
    assert "Eve" in card["text"]
    last = box.messages(eve)[-1]
    assert press(box, root, card, f"user_do:ban:chat:{eve}")[0] == "Banned."
    assert service.send(token, "hello").status_code == 403
    box.post(f"/chats/{eve}/say", text="/code")
    pressed = box.post(f"/chats/{eve}/press", message_id=last["id"], data=last["buttons"][0][0]["data"])
    assert pressed["answer"] == ""
    assert [message["text"] for message in box.messages(eve)][-1] == "/code"
    press(box, root, card, f"user_do:unban:chat:{eve}")
    assert service.send(token, "hello", prefer=WAIT).status_code == 200
    own = box.say(root, f"/user {root}")
    assert press(box, root, own, f"user_do:ban:chat:{root}")[0].startswith("This is an admin")


def test_who_guesses_passwords_is_told_of(
    box: Sandbox, service: Service, people: dict[str, int], wait_until: Wait
) -> None:
    """To every admin, in their language, without being asked."""
    for person in people.values():
        box.say(person, "/start")
    for _ in range(40):
        answer = service.client.post("/api/auth/", json={"login": "nobody-here", "psw": "guess1234"})
        assert answer.status_code in (401, 429)

    def told(who: int, words: str) -> bool:
        return words in str(box.messages(who))

    for language, words in (("en", "Somebody is guessing"), ("ru", "Кто-то подбирает")):
        wait_until(partial(told, people[language], words))


def test_an_account_that_tried_too_often_is_let_try_again(
    box: Sandbox, service: Service, people: dict[str, int]
) -> None:
    """Reset limits."""
    root = people["en"]
    bearer = service.account("Clumsy")
    for _ in range(10):
        answer = service.client.post("/api/cabinet/", json={"code": "0000000000"}, headers=bearer)
        assert answer.status_code == 403
    blocked = service.client.post("/api/cabinet/", json={"code": "0000000000"}, headers=bearer)
    assert blocked.status_code == 429
    found = box.say(root, "/users clumsy")
    who = data_of(found, "user:account:").removeprefix("user:")
    press(box, root, found, f"user:{who}")
    assert press(box, root, found, f"user_do:limits:{who}")[0] == "May try again at once."
    answer = service.client.post("/api/cabinet/", json={"code": "0000000000"}, headers=bearer)
    assert answer.status_code == 403


def test_an_invite_lets_one_account_in(box: Sandbox, service: Service, people: dict[str, int]) -> None:
    """Its word is shown once and goes; a revoked one lets nobody in; the entries are in the audit."""
    root = people["en"]

    def register(login: str, word: str) -> int:
        body = {"name": login, "login": login, "psw": "password1234", "invite": word}
        return service.client.post("/api/user/", json=body).status_code

    invites: list[tuple[str, str]] = []
    for _ in range(2):
        said = box.say(root, "/invite")
        number, word = said["text"].split(",")[0].split()[1], said["text"].splitlines()[1]
        assert press(box, root, said, f"invite_hide:{number}")[1].startswith(f"Invite {number} was shown")
        assert word not in str(box.messages(root))
        invites.append((number, word))
    (_, good), (number, revoked) = invites
    answer, shown = press(box, root, box.say(root, "/invites"), f"invite_revoke:{number}")
    assert answer == "Revoked."
    assert f"{number}: good" not in shown
    service.stop()
    service.env["DJANGOBOT_REGISTRATION"] = "invite"
    service.start()
    try:
        assert [register("guest", word) for word in (revoked, good, good)] == [403, 201, 403]
        assert " by guest (account " in box.say(root, "/invites")["text"]
        assert re.search("(?i)revoked? .*invite", box.say(root, "/audit")["text"])
    finally:
        service.stop()
        del service.env["DJANGOBOT_REGISTRATION"]
        service.start()


def test_the_settings_are_shown_without_their_secrets(
    box: Sandbox, service: Service, people: dict[str, int]
) -> None:
    """Every variable, and nothing that lets anybody in."""
    shown = box.say(people["en"], "/config")["text"]
    for name in NAMES:
        assert f"{name}: " in shown
    secrets = [service.env["DJANGOBOT_BOT_TOKEN"]]
    secrets += [
        (Path(service.env["DJANGOBOT_DATA"]) / name).read_text().strip()
        for name in ("jwt_secret", "session_key")
    ]
    for secret in secrets:
        assert secret not in shown
    assert "DJANGOBOT_API_HASH: •••\n" in shown
    assert "DJANGOBOT_JWT_SECRET: ••• · generated" in shown
    assert "DJANGOBOT_SEND_WAIT: 5 · default" in shown


def test_the_log_level_changes_at_once_and_stays(
    box: Sandbox, service: Service, people: dict[str, int]
) -> None:
    """Also over a restart; audited once; at debug each step of a message is told, and never its text or its
    token."""
    root, alex = people["en"], box.person()
    token = service.bot_token(alex, service.account())
    card = box.say(root, "/loglevel")
    assert press(box, root, card, "loglevel:debug") == (
        "Log level: debug",
        card["text"].replace("info", "debug"),
    )
    assert press(box, root, card, "loglevel:debug")[0] == "Log level: debug"
    service.stop()
    service.start()
    before = len(service.log.read_text())
    assert service.send(token, "quite confidential").status_code == 200
    told = service.log.read_text()[before:]
    assert "message claimed" in told
    assert "confidential" not in told
    assert token not in told
    assert "Write /loglevel debug" in box.say(root, "/loglevel loud")["text"]
    assert "Log level: info" in box.say(root, "/loglevel INFO")["text"]
    before = len(service.log.read_text())
    assert service.send(token, "more").status_code == 200
    assert "message claimed" not in service.log.read_text()[before:]
    assert box.say(root, "/audit")["text"].count("log level") == 2
