"""Pages of other sites: a browser that says where a page is from is believed."""

import pytest

from .conftest import PASSWORD, Api

ACCOUNT = f'{{"name": "Fedor", "login": "FedXL", "psw": "{PASSWORD}"}}'


@pytest.mark.parametrize(
    "headers",
    [
        {"origin": "https://evil.example"},
        {"origin": "null"},
        {"origin": "http://127.0.0.1:1"},
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site", "origin": "http://sub.example.org"},
        {"sec-fetch-site": "cross-site", "origin": "https://evil.example"},
    ],
)
@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", "application/json"])
@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/api/user/"),
        ("PUT", "/api/user/"),
        ("DELETE", "/api/user/"),
        ("POST", "/api/auth/"),
        ("POST", "/api/cabinet/"),
        ("POST", "/api/send_message"),
    ],
)
async def test_a_page_of_another_site_changes_nothing(
    api: Api, headers: dict[str, str], kind: str, method: str, path: str
) -> None:
    """Whatever the type of its body: a form may send text/plain without asking the server first."""
    answer = await api.client.request(
        method, path, content=ACCOUNT, headers={"content-type": kind, **headers}
    )
    assert answer.status_code == 403
    assert "another site" in answer.json()["answer"]


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"sec-fetch-site": "same-origin", "origin": "https://bot.example.org"},
        {"sec-fetch-site": "none"},
        {"origin": "http://bot.example.org", "host": "bot.example.org"},
        {"origin": "https://BOT.example.org:8443", "host": "bot.example.org:8443"},
    ],
)
async def test_programs_and_our_own_page_are_served(api: Api, headers: dict[str, str]) -> None:
    """curl says nothing of where it is from; a proxy may have written another Host."""
    answer = await api.client.post("/api/user/", content=ACCOUNT, headers=headers)
    assert answer.status_code == 201


async def test_other_sites_may_look(api: Api) -> None:
    """What changes nothing is safe: the browser does not let them read the answer."""
    answer = await api.client.get("/api/", headers={"sec-fetch-site": "cross-site"})
    assert answer.status_code == 200
    assert "access-control-allow-origin" not in answer.headers
