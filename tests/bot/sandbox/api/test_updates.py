"""What came while a client was away."""

from ..pyrogram_bot import Bot, raw


async def test_what_came_while_the_bot_was_away_is_in_the_difference(bot: Bot) -> None:
    """Messages by pts, with who wrote them; blocked and unblocked by qts; nothing when it is switched off."""
    state = await bot.client.invoke(raw.functions.updates.GetState())
    await bot.client.stop()
    await bot.sandbox.say(bot.person, "are you there?", bot.id)
    await bot.sandbox.block(bot.person, bot.id)
    await bot.client.start()
    ask = raw.functions.updates.GetDifference(pts=state.pts, date=state.date, qts=state.qts)
    difference = await bot.client.invoke(ask)
    assert [m.message for m in difference.new_messages] == ["are you there?"]
    assert [u.id for u in difference.users if u.id == bot.person] == [bot.person]
    [stopped] = difference.other_updates
    assert (stopped.user_id, stopped.stopped) == (bot.person, True)
    await bot.sandbox.settings(keep_updates=False)
    assert isinstance(await bot.client.invoke(ask), raw.types.updates.DifferenceEmpty)


async def test_a_difference_comes_in_slices(bot: Bot) -> None:
    """A hundred at a time, each with the state to go on from."""
    state = await bot.client.invoke(raw.functions.updates.GetState())
    for number in range(130):
        await bot.send(f"m{number}", number + 1)
    seen, pts = [], state.pts
    while True:
        ask = raw.functions.updates.GetDifference(pts=pts, date=0, qts=0)
        part = await bot.client.invoke(ask)
        seen += [m.message for m in part.new_messages]
        if isinstance(part, raw.types.updates.Difference):
            break
        pts = part.intermediate_state.pts
    assert seen == [f"m{number}" for number in range(130)]
