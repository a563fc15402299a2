"""The sandbox listens on loopback alone. In the trial, others reach it over the network of the containers."""

import asyncio


async def copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while some := await reader.read(65536):
            writer.write(some)
            await writer.drain()
    finally:
        writer.close()


async def forward(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    there, back = await asyncio.open_connection("127.0.0.1", 8443)
    await asyncio.gather(copy(reader, back), copy(there, writer), return_exceptions=True)


async def main() -> None:
    sandbox = await asyncio.create_subprocess_exec("djangobot", "sandbox", "--state", "/data")
    async with await asyncio.start_server(forward, "0.0.0.0", 8444):  # noqa: S104 - a network of the trial's own
        await sandbox.wait()


asyncio.run(main())
