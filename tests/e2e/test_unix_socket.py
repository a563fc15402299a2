"""The service on a Unix socket and under a path, as a reverse proxy on the same machine uses it."""

from pathlib import Path

import httpx

from .conftest import Sandbox, Service


def test_callers_behind_a_unix_socket_are_told_apart_by_what_the_proxy_says(
    box: Sandbox, tmp_path: Path
) -> None:
    """Whoever may open the socket is trusted. Limits by address hold for the caller it names."""
    path = tmp_path / "http.sock"

    class OnSocket(Service):
        """`djangobot run` on the socket alone."""

        def start(self) -> None:
            self.client = httpx.Client(
                base_url="http://bot.example.org", transport=httpx.HTTPTransport(uds=str(path)), timeout=60
            )
            super().start()

    service = OnSocket(
        box,
        tmp_path / "data",
        DJANGOBOT_HTTP_HOST=f"unix:{path}?mode=660",
        DJANGOBOT_PUBLIC_URL="https://bot.example.org/notify",
        DJANGOBOT_BASE_PATH="/notify",
    )
    try:
        assert path.stat().st_mode & 0o777 == 0o660
        answers = {
            at: service.client.get(at).status_code for at in ("/health", "/notify/health", "/notify/api/")
        }
        assert set(answers.values()) == {200}, answers
        assert service.client.get("/notifyhealth").status_code == 404
        wrong = {"login": "nobody", "psw": "wrong-password"}

        def sign_in(caller: str | None) -> int:
            headers = {} if caller is None else {"X-Forwarded-For": f"203.0.113.9, {caller}"}
            return service.client.post("/notify/api/auth/", json=wrong, headers=headers).status_code

        while sign_in("192.0.2.1") == 401:
            pass
        assert sign_in("192.0.2.1") == 429
        assert sign_in("198.51.100.7") == 401
        assert sign_in(None) == 401
        assert service.stop() == 0
    finally:
        service.stop()
        service.client.close()
