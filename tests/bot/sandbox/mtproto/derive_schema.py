"""Prints TL lines by looking at the classes of an installed client library.

The sandbox reads `bot/sandbox/mtproto/schema/layer_<N>.tl`. Those lines describe Telegram's published
interface; they are made here from what Pyrogram's (or kurigram's) generated classes say about
themselves: constructor ids, field names, types and their order on the wire. To add a layer or a method:

    python tests/bot/sandbox/mtproto/derive_schema.py > bot/sandbox/mtproto/schema/layer_158.tl

run by the Python whose `pyrogram` speaks that layer. `test_schema.py` compares the files with the
client libraries installed for the tests.
"""

import importlib
import inspect
import re
import sys
from collections.abc import Iterable, Iterator
from typing import Any


def _words(text: str) -> list[str]:
    return text.split()


METHODS = _words("""
invokeAfterMsg invokeAfterMsgs invokeWithLayer initConnection invokeWithoutUpdates invokeWithTakeout
account.getPassword account.updateStatus
auth.bindTempAuthKey auth.exportAuthorization auth.importAuthorization auth.importBotAuthorization auth.logOut
auth.sendCode auth.resendCode auth.signIn auth.signUp
bots.getBotCommands bots.getBotInfo bots.getBotMenuButton bots.resetBotCommands bots.setBotCommands
bots.setBotInfo bots.setBotMenuButton
contacts.block contacts.getContacts contacts.resolveUsername contacts.unblock
help.getAppConfig help.getCdnConfig help.getConfig help.getNearestDc
messages.deleteMessages messages.editMessage messages.forwardMessages messages.getBotCallbackAnswer
messages.getDialogs messages.getHistory messages.getMessages messages.readHistory messages.receivedMessages
messages.sendMedia messages.sendMessage messages.sendMultiMedia messages.setBotCallbackAnswer
messages.setTyping messages.startBot messages.uploadMedia
updates.getDifference updates.getState
upload.getFile upload.getFileHashes upload.saveBigFilePart upload.saveFilePart
users.getFullUser users.getUsers
""")

ANSWERS = _words("""
account.password auth.authorization auth.authorizationSignUpRequired auth.exportedAuthorization auth.loggedOut
auth.sentCode auth.sentCodeTypeApp  botCommand botInfo botMenuButton
botMenuButtonCommands botMenuButtonDefault bots.botInfo cdnConfig config contacts.contacts
contacts.resolvedPeer contacts.contactsNotModified dataJSON dcOption dialog document documentAttributeAnimated
documentAttributeAudio documentAttributeFilename documentAttributeHasStickers documentAttributeImageSize
documentAttributeSticker documentAttributeVideo help.appConfig
inputStickerSetEmpty jsonObject keyboardButtonRow message messageEmpty
messageEntityBankCard messageEntityBlockquote messageEntityBold messageEntityBotCommand messageEntityCashtag
messageEntityCode messageEntityCustomEmoji messageEntityEmail messageEntityHashtag messageEntityItalic
messageEntityMention messageEntityMentionName messageEntityPhone messageEntityPre messageEntitySpoiler
messageEntityStrike messageEntityTextUrl messageEntityUnderline messageEntityUnknown messageEntityUrl
messageFwdHeader messageMediaContact messageMediaDocument messageMediaGeo messageMediaPhoto messageReplyHeader
messages.affectedMessages messages.botCallbackAnswer messages.dialogs messages.messages messages.messagesSlice
nearestDc passwordKdfAlgoUnknown peerNotifySettings peerSettings peerUser photo photoEmpty photoSize
replyInlineMarkup replyKeyboardForceReply replyKeyboardHide replyKeyboardMarkup
securePasswordKdfAlgoUnknown sendMessageCancelAction sendMessageTypingAction storage.fileJpeg
storage.fileGif storage.fileMp4 storage.filePdf storage.filePng storage.fileUnknown storage.fileWebp
updateBotCallbackQuery
updateBotStopped updateDeleteMessages updateEditMessage updateMessageID updateNewMessage
updateReadHistoryInbox updateReadHistoryOutbox updateShort updateShortSentMessage updateUserTyping
updates updates.difference updates.differenceEmpty updates.differenceSlice updates.differenceTooLong
updates.state upload.file user userEmpty userFull userStatusEmpty userStatusOnline userStatusRecently
users.userFull
webPageEmpty messageMediaEmpty
""")

# Kinds of input the sandbox does not model; their constructors are left out and answered as invalid.
LEFT_OUT = {"InputRichMessage", "RichMessage", "MessageMedia", "SecureValueError", "InputPassportElement"}

_FIELD = re.compile(r"self\.(\w+) = \w+ *# (\S+)")
_READ = re.compile(r"^        (\w+) = (.*)$", re.M)


def lower_first(name: str) -> str:
    """`updates.Difference` as TL spells its constructor: `updates.difference`."""
    head, dot, tail = name.rpartition(".")
    return f"{head}{dot}{tail[0].lower()}{tail[1:]}"


def classes() -> Iterator[tuple[str, str, Any]]:
    """Every generated class: (kind, TL name, class)."""
    importlib.import_module("pyrogram")
    for cls in importlib.import_module("pyrogram.raw.all").objects.values():
        kind, _, name = getattr(cls, "QUALNAME", "").partition(".")
        if kind in ("types", "functions") and name:
            yield kind, lower_first(name), cls


def line_of(kind: str, name: str, cls: Any) -> str:
    """One TL line."""
    types = dict(_FIELD.findall(inspect.getsource(cls.__init__)))
    fields = []
    for field, value in _READ.findall(inspect.getsource(cls.read)):
        if field in types:
            known = types[field]
            fields.append(f"{field}:{'!X' if known == '!X' else known}")
        elif value == "Int.read(b)" and field.startswith("flags"):
            fields.append(f"{field}:#")
    doc = inspect.getdoc(cls) or ""
    if kind == "functions":
        returns = doc.split("Returns:")[1].strip().splitlines()[0]
        base = re.search(r"<pyrogram\.raw\.base\.([\w.]+)>", returns)
        result = base.group(1) if base else {"``bool``": "Bool", "``int``": "int"}.get(returns, "X")
        if returns.startswith("List of"):
            result = f"Vector<{result}>"
    else:
        found = re.search(r"Constructor of :obj:`~pyrogram\.raw\.base\.([\w.]+)`", doc)
        result = found.group(1) if found else name
    head = f"{name}#{cls.ID:x}"
    return " ".join([head, *fields, "=", result]) + ";"


def needed(lines: dict[str, str], kinds: dict[str, str]) -> Iterable[str]:
    """The methods, all that may stand in their arguments, and the constructors the sandbox answers with."""
    by_type: dict[str, list[str]] = {}
    for name, line in lines.items():
        if kinds[name] == "types":
            by_type.setdefault(line.rpartition("= ")[2].rstrip(";"), []).append(name)
    wanted: dict[str, None] = {}
    queue = [name for name in METHODS if name in lines and kinds[name] == "functions"]
    while queue:
        name = queue.pop()
        if name in wanted:
            continue
        wanted[name] = None
        for arg in re.findall(r":(?:flags\d*\.\d+\?)?(?:[Vv]ector<)?([\w.!]+)", lines[name].split(" = ")[0]):
            if arg not in LEFT_OUT:
                queue += by_type.get(arg, [])
    return [*wanted, *(name for name in ANSWERS if name not in wanted and name in lines)]


def main() -> None:
    """Prints the schema of the layer that the importable `pyrogram` speaks."""
    layer = importlib.import_module("pyrogram.raw.all").layer
    lines: dict[str, str] = {}
    kinds: dict[str, str] = {}
    for kind, name, cls in classes():
        if name not in lines:
            lines[name], kinds[name] = line_of(kind, name, cls), kind
    chosen = set(needed(lines, kinds))
    out = [
        f"// LAYER {layer}: what the sandbox uses of it. Made by tests/bot/sandbox/mtproto/derive_schema.py."
    ]
    out += sorted(lines[name] for name in chosen if kinds[name] == "types")
    out += ["---functions---"]
    out += sorted(lines[name] for name in chosen if kinds[name] == "functions")
    sys.stdout.write("\n".join(out) + "\n")


if __name__ == "__main__":
    main()
