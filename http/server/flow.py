"""Flow control of one connection: stops reading what nobody takes, and writing what nobody reads."""

import asyncio


class Flow:
    """Pauses and resumes both directions of a transport."""

    __slots__ = ("_loop", "_transport", "_writers", "reading_paused", "writing_paused")

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._transport: asyncio.Transport | None = None
        self._writers: list[asyncio.Future[None]] = []
        self.reading_paused = False
        self.writing_paused = False

    def open(self, transport: asyncio.Transport) -> None:
        self._transport = transport

    def pause_reading(self) -> None:
        if not self.reading_paused and self._transport is not None and not self._transport.is_closing():
            self.reading_paused = True
            self._transport.pause_reading()

    def resume_reading(self) -> None:
        if self.reading_paused and self._transport is not None and not self._transport.is_closing():
            self.reading_paused = False
            self._transport.resume_reading()

    def pause_writing(self) -> None:
        self.writing_paused = True

    def resume_writing(self) -> None:
        """Wakes everybody who waits to write: the client has read enough, or it is gone."""
        self.writing_paused = False
        writers, self._writers = self._writers, []
        for writer in writers:
            if not writer.done():
                writer.set_result(None)

    async def writable(self) -> None:
        """Returns when writing is not paused."""
        while self.writing_paused:
            writer = self._loop.create_future()
            self._writers.append(writer)
            await writer
