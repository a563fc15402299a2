"""From one HTTP call to a person's chat."""

import re
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest

from ..ports import free_port
from .conftest import PROGRAM, WAIT, Run, Sandbox, Service, Wait


class InEarnest(Service):
    """As people run it: passwords are hashed as they are there."""

    program = PROGRAM


@pytest.fixture(scope="module")
def service(box: Sandbox, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """The service for this module's tests."""
    with InEarnest(box, tmp_path_factory.mktemp("service") / "data") as running:
        yield running


@pytest.fixture(scope="module")
def bearer(service: Service) -> dict[str, str]:
    """Somebody who has signed in. To hash their password takes long."""
    return service.account()


def test_the_five_steps_end_in_the_chat_and_in_the_history(box: Sandbox, service: Service) -> None:
    """Register, sign in, code, bot token, message: what the README promises."""
    alex = box.person()
    assert "Alex" in box.say(alex, "/start")["text"]
    bearer = service.account()
    token = service.bot_token(alex, bearer)
    assert re.fullmatch(r"[A-Za-z0-9]{25}", token)
    answer = service.send(token, "some <b>text</b> with *stars* & _lines_")
    assert answer.status_code == 200
    assert answer.json()["answer"] == "message was successfully send"
    assert answer.json()["status"] == "sent"
    last = box.messages(alex)[-1]
    assert last["text"] == "Fedor\nsome <b>text</b> with *stars* & _lines_"
    history = service.client.get("/api/cabinet", headers=bearer).json()
    assert [message["text"] for message in history["messages"]] == ["some <b>text</b> with *stars* & _lines_"]
    assert history["messages"][0]["type"] == "Text"


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_the_process_is_small(service: Service) -> None:
    """Under 95 MB resident, as docs/benchmarks.md says."""
    status = Path(f"/proc/{service.process.pid}/status").read_text()
    resident = re.search(r"VmRSS:\s+(\d+) kB", status)
    assert resident
    assert int(resident.group(1)) < 95_000


@pytest.mark.parametrize(("language", "word"), [("en", "Hello"), ("ru", "Здравствуйте")])
def test_people_are_greeted_in_their_language(
    box: Sandbox, service: Service, language: str, word: str
) -> None:
    """By what their Telegram says; the code can be copied with a tap."""
    greeting = box.say(box.person(language=language), "/start")
    assert word in greeting["text"]
    kinds = [entity["type"] for entity in greeting["entities"]]
    assert any("ode" in kind for kind in kinds)


def test_the_menu_is_set_in_both_languages(box: Sandbox, service: Service) -> None:
    """Telegram shows the commands when somebody types a slash."""
    for language in ("en", "ru"):
        person = box.person(language=language)
        box.say(person, "/help")
        names = [command["command"] for command in box.get("/commands", chat=person)]
        assert names == [
            *("start", "code", "token", "tokens", "history", "search", "scheduled", "export", "stats"),
            *("mute", "unmute", "quiet", "settings", "language", "news", "forget", "help"),
        ]


def test_history_turns_its_pages_in_place(box: Sandbox, service: Service, bearer: dict[str, str]) -> None:
    """Twelve messages, five a page, forth and back in one message."""
    alex = box.person()
    token = service.bot_token(alex, bearer)
    for number in range(12):
        assert service.send(token, f"number {number:02}").status_code == 200
    page = box.say(alex, "/history")
    seen = [re.findall(r"number (\d\d)", page["text"])]
    for label in ("Older", "Older", "Newer"):
        button = next(button for row in page["buttons"] for button in row if label in button["text"])
        box.post(f"/chats/{alex}/press", message_id=page["id"], data=button["data"])
        page = next(message for message in box.messages(alex) if message["id"] == page["id"])
        seen.append(re.findall(r"number (\d\d)", page["text"]))
    assert seen == [
        ["11", "10", "09", "08", "07"],
        ["06", "05", "04", "03", "02"],
        ["01", "00"],
        ["06", "05", "04", "03", "02"],
    ]


def test_a_blocked_bot_is_told_to_the_sender_until_the_person_is_back(
    box: Sandbox, service: Service, bearer: dict[str, str], wait_until: Wait
) -> None:
    """403 as soon as the block is known; what was refused never comes, what follows the return does."""
    alex = box.person()
    token = service.bot_token(alex, bearer)
    box.post(f"/chats/{alex}/block")
    # Accepted between the block and our knowing of it, a message waits for the person's return.
    wait_until(lambda: service.send(token, "are you there?", prefer="wait=1").status_code == 403)
    assert service.send(token, "and now?").status_code == 403
    box.post(f"/chats/{alex}/unblock")
    box.say(alex, "/start")
    assert service.send(token, "welcome back").status_code == 200
    assert "and now?" not in "".join(message["text"] for message in box.messages(alex))


def test_a_text_of_4096_characters_arrives_whole(
    box: Sandbox, service: Service, bearer: dict[str, str]
) -> None:
    """The sender's name above it makes it too long for one message: it comes in parts. Sixteen times that is
    refused."""
    alex = box.person()
    token = service.bot_token(alex, bearer)
    text = "".join(f"{number:04} " for number in range(4096 // 5)).ljust(4096, "x")
    before = box.messages(alex)[-1]["id"]
    assert service.send(token, text).status_code == 200
    parts = [message["text"] for message in box.messages(alex, after=before)]
    assert len(parts) == 2
    assert "".join(parts).replace(" ", "").replace("\n", "") == "Fedor" + text.replace(" ", "")
    assert service.send(token, "x" * 65_537).status_code == 413


def test_a_flood_wait_holds_its_chat_and_no_other(
    box: Sandbox, service: Service, bearer: dict[str, str]
) -> None:
    """The message waits what Telegram says and arrives; the neighbour's goes at once."""
    alex, eve = box.person(), box.person()
    to_alex, to_eve = service.bot_token(alex, bearer), service.bot_token(eve, bearer)
    box.post("/faults", method="messages.sendMessage", kind="flood_wait", value=2, times=1, chat=alex)
    waiting = service.send(to_alex, "patience", prefer="respond-async")
    assert waiting.status_code == 202
    assert service.send(to_eve, "at once").status_code == 200
    before = max(message["id"] for message in box.messages(alex) if "patience" not in message["text"])
    assert "patience" in box.next_from_bot(alex, before)["text"]


@pytest.mark.parametrize("kind", ["cut_before", "cut_after", "drop_answer", "error"])
def test_whatever_happens_to_the_answer_the_message_is_there_once(
    box: Sandbox, service: Service, bearer: dict[str, str], kind: str
) -> None:
    """Cut before and after it was done, answer dropped, server error: asked again under the same
    random_id."""
    alex = box.person()
    token = service.bot_token(alex, bearer)
    value = {"value": "INTERNAL_SERVER_ERROR"} if kind == "error" else {}
    if kind == "error":
        value["value"] = "500 INTERNAL"
    box.post("/faults", method="messages.sendMessage", kind=kind, times=1, **value)
    assert service.send(token, f"once, {kind}", prefer=WAIT).status_code == 200
    texts = [message["text"] for message in box.messages(alex)]
    assert texts.count(f"Fedor\nonce, {kind}") == 1
    assert box.get("/faults") == []


def test_run_without_settings_names_what_is_missing_and_the_demo(tmp_path: Path, run: Run) -> None:
    """Nobody ends on the sandbox by accident, and everybody learns of it."""
    from_nothing = run(tmp_path, "run")
    assert from_nothing.returncode == 1
    for name in ("DJANGOBOT_API_ID", "DJANGOBOT_API_HASH", "DJANGOBOT_BOT_TOKEN", "djangobot demo"):
        assert name in from_nothing.stderr


def test_a_wrong_setting_is_a_sentence_not_a_traceback(tmp_path: Path, run: Run) -> None:
    """The variable is named."""
    refused = run(tmp_path, "run", DJANGOBOT_HTTP_PORT="http")
    assert refused.returncode == 1
    assert "DJANGOBOT_HTTP_PORT" in refused.stderr
    assert "Traceback" not in refused.stderr


def test_a_taken_port_is_a_clear_error(service: Service, tmp_path: Path, run: Run) -> None:
    """Which port, and what to set."""
    other = {**service.env, "DJANGOBOT_DATA": str(tmp_path / "other"), "DATABASE_URL": ""}
    (tmp_path / "other").mkdir()
    refused = run(tmp_path, "run", **other)
    assert refused.returncode == 1
    assert str(service.port) in refused.stderr
    assert "DJANGOBOT_HTTP_PORT" in refused.stderr
    assert "Traceback" not in refused.stderr


def test_a_second_process_on_the_same_folder_is_refused(service: Service, tmp_path: Path, run: Run) -> None:
    """Two would deliver everything twice."""
    refused = run(tmp_path, "run", **{**service.env, "DJANGOBOT_HTTP_PORT": "1"})
    assert refused.returncode == 1
    assert "DJANGOBOT_DATA" in refused.stderr


def test_a_refused_bot_token_is_said(box: Sandbox, tmp_path: Path, run: Run) -> None:
    """Telegram's word for it, and where the token comes from."""
    refused = run(
        tmp_path,
        "run",
        DJANGOBOT_API_ID="1",
        DJANGOBOT_API_HASH="x",
        DJANGOBOT_BOT_TOKEN="1:invalid",
        DJANGOBOT_DATA=str(tmp_path / "data"),
        DATABASE_URL=f"sqlite:///{tmp_path}/data/x.sqlite",
        DJANGOBOT_HTTP_PORT=str(free_port()),
        DJANGOBOT_TELEGRAM_SERVER=box.telegram,
        DJANGOBOT_TELEGRAM_KEY=str(box.key),
    )
    assert refused.returncode == 1
    assert "ACCESS_TOKEN_INVALID" in refused.stderr
    assert "@BotFather" in refused.stderr


def test_sigterm_ends_in_order(box: Sandbox, service: Service, bearer: dict[str, str]) -> None:
    """Exit code 0, and what was accepted just before is there after the next start."""
    alex = box.person()
    token = service.bot_token(alex, bearer)
    for number in range(20):
        assert service.send(token, f"before the end {number}", prefer="respond-async").status_code == 202
    assert service.stop() == 0
    service.start()
    last = service.send(token, "after it")
    assert last.status_code == 200
    texts = [message["text"] for message in box.messages(alex) if "end" in message["text"]]
    assert texts == [f"Fedor\nbefore the end {number}" for number in range(20)]


def test_who_waits_while_the_service_stops_is_answered(
    box: Sandbox, service: Service, bearer: dict[str, str], wait_until: Wait
) -> None:
    """202: it is on disk, and the next start delivers it."""
    alex = box.person()
    token = service.bot_token(alex, bearer)
    box.post("/faults", method="messages.sendMessage", kind="flood_wait", value=8, times=1, chat=alex)
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(service.send, token, "patience", "wait=60")
        wait_until(lambda: box.get("/faults") == [])
        assert service.stop() == 0
        assert waiting.result().status_code == 202
    service.start()
    wait_until(lambda: box.messages(alex)[-1]["text"] == "Fedor\npatience")


def test_the_walkthrough_plays_the_readme(tmp_path: Path, run: Run) -> None:
    """One command, no account, exit code 0, and nothing left behind."""
    ports = [str(free_port()) for _ in range(3)]
    played = run(
        tmp_path,
        *(
            "demo",
            "--walkthrough",
            "--http-port",
            ports[0],
            "--web-port",
            ports[1],
            "--telegram-port",
            ports[2],
        ),
    )
    assert played.returncode == 0, played.stdout + played.stderr
    assert "All five steps went as the README says." in played.stdout
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(httpx.ConnectError):
        httpx.get(f"http://127.0.0.1:{ports[1]}/")


def test_the_doctor_says_what_is_wrong_and_what_to_do(service: Service, tmp_path: Path, run: Run) -> None:
    """Nothing set: names what is missing. All right: signs in beside the running service and says as whom."""
    sick = run(tmp_path, "doctor")
    assert sick.returncode == 1
    assert "DJANGOBOT_BOT_TOKEN" in sick.stdout
    well = run(tmp_path, "doctor", **{**service.env, "DJANGOBOT_DATA": str(tmp_path / "data")})
    assert well.returncode == 0, well.stdout + well.stderr
    assert "@sandbox_1_bot" in well.stdout
    unreachable = run(tmp_path, "doctor", DATABASE_URL="postgresql://nobody@127.0.0.1:1/nothing")
    assert "DATABASE_URL" in unreachable.stdout


def test_migrate_says_what_it_did(tmp_path: Path, run: Run) -> None:
    """The second time there is nothing to do."""
    first, second = (run(tmp_path, "migrate") for _ in range(2))
    assert first.stdout.startswith("migrated: ")
    assert second.stdout == "The database is up to date.\n"
