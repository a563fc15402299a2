"""The service as a program that kills itself at one step of what it does."""

_HEAD = """
import asyncio, os, signal, sys

def die(step):
    if step == os.environ["KILL_AT"]:
        os.kill(os.getpid(), signal.SIGKILL)

def dying(owner, name, before=None, during=None, after=None, about=lambda *_: True):
    call = getattr(owner, name)
    async def call_and_die(*args, **rest):
        if not about(*args):
            return await call(*args, **rest)
        die(before)
        running = asyncio.ensure_future(call(*args, **rest))
        await asyncio.sleep(0.001)
        die(during)
        result = await running
        die(after)
        return result
    setattr(owner, name, call_and_die)
"""
_END = """
from djangobot.__main__ import main
sys.exit(main())
"""


def program(steps: str) -> str:
    """Python. `steps` says by `die`, or by `dying` of a coroutine function, where each step is."""
    return _HEAD + steps + _END
