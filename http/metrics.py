"""/metrics: counts and gauges for Prometheus. They are not for the public: a reverse proxy should not pass
the path on."""

import asyncio
import math

from litestar import Response
from litestar.handlers import HTTPRouteHandler

from djangobot.db import metrics
from djangobot.db.clock import utc_now
from djangobot.db.delivery import outbox
from djangobot.db.errors import DatabaseUnavailable
from djangobot.http.responses import HEADERS, Answer, Call
from djangobot.http.state import Config, state_of

PATIENCE = 2.0
"""Seconds within which the database must answer about the queue. Without its answer, the counts are shown all
the same."""


@HTTPRouteHandler("/metrics", http_method=["GET", "HEAD"], status_code=200)
async def scrape(request: Call) -> Answer:
    state = state_of(request.scope)
    text = await state.metrics.get(lambda: _exposition(state.config))
    return Response(text, media_type=metrics.CONTENT_TYPE, headers=HEADERS)


async def _exposition(config: Config) -> bytes:
    queue, overdue = math.nan, math.nan
    try:
        async with asyncio.timeout(PATIENCE):
            now = utc_now()
            queue, due = await outbox.depth(), await outbox.oldest_due(now)
            overdue = 0.0 if due is None else max(0.0, (now - due).total_seconds())
    except (DatabaseUnavailable, TimeoutError):
        queue = math.nan
    return metrics.exposition(queue, overdue, connected=config.telegram() == "connected")
