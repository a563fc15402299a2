"""For the checks in Python: the running sandbox, as `tests/clients/run` names it, and its JSON API.

These checks run in environments of their own, which have nothing of ours.
"""

import asyncio
import json
import os
import urllib.request
from typing import Any

PATIENCE = float(os.environ.get("TEST_PATIENCE", "30"))


class Sandbox:
    """Where it is, and its server key."""

    def __init__(self) -> None:
        self.host, port = os.environ["SANDBOX_TELEGRAM"].split(":")
        self.port = int(port)
        self.web = os.environ["SANDBOX_WEB"]
        self.modulus, self.exponent, self.fingerprint = map(int, os.environ["SANDBOX_KEY"].split())

    async def ask(self, path: str, body: object = None) -> Any:
        """One request to the JSON API."""

        def request() -> Any:
            data = None if body is None else json.dumps(body).encode()
            order = urllib.request.Request(self.web + path, data, {"Content-Type": "application/json"})  # noqa: S310
            with urllib.request.urlopen(order, timeout=PATIENCE) as answer:  # noqa: S310 - our own address
                return json.load(answer)

        return await asyncio.to_thread(request)

    async def person(self, first_name: str) -> int:
        """A new person's id."""
        return int((await self.ask("/people", {"first_name": first_name, "language": "en"}))["id"])
