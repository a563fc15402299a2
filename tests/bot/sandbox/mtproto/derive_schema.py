"""Prints TL lines by looking into client libraries of many layers.

The sandbox reads `bot/sandbox/mtproto/schema/telegram.tl`. Its lines describe Telegram's published interface.
They are made here from what packages of PyPI and npm say about themselves: constructor ids, field names,
types and their order on the wire. To add a layer, add a package that speaks it to PACKAGES; to add a method
or an answer, add its name below. Then, in a folder that may stay for the next time:

    python tests/bot/sandbox/mtproto/derive_schema.py FOLDER > bot/sandbox/mtproto/schema/telegram.tl

A line begins with the layers in which it holds. `test_schema.py` compares the file with the client libraries
installed for the tests.
"""

import io
import json
import re
import subprocess
import sys
import tarfile
import zipfile
from collections.abc import Iterable, Iterator
from pathlib import Path
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
account.getAuthorizations account.getNotifySettings
contacts.search help.getTermsOfServiceUpdate messages.deleteHistory messages.deleteScheduledMessages
messages.getAllDrafts messages.getAvailableReactions messages.getDialogFilters messages.getPeerDialogs
messages.getPinnedDialogs messages.getScheduledHistory messages.getScheduledMessages messages.search
messages.sendReaction messages.sendScheduledMessages messages.unpinAllMessages messages.updatePinnedMessage
photos.getUserPhotos
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
account.authorizations authorization contacts.found documentAttributeCustomEmoji geoPoint geoPointEmpty
help.termsOfServiceUpdateEmpty messageActionPinMessage messageMediaDice messageMediaVenue messagePeerReaction
messageReactions messageService messages.affectedHistory messages.availableReactions messages.dialogFilters
messages.dialogsSlice messages.peerDialogs photos.photos reactionCount reactionEmoji
updateBotMessageReaction updateDeleteScheduledMessages updateMessageReactions updateNewScheduledMessage
updatePinnedMessages
""")

# Kinds of input the sandbox does not model; their constructors are left out and answered as invalid.
LEFT_OUT = {"InputRichMessage", "RichMessage", "MessageMedia", "SecureValueError", "InputPassportElement"}

# One package for each layer. The kinds that are understood: Pyrogram and its forks, GramJS, mtcute's schema.
PACKAGES = {
    158: "npm:telegram@2.17.10",
    160: "npm:telegram@2.18.26",
    161: "pypi:pyrofork==2.2.11",
    162: "pypi:pyrofork==2.3.3",
    163: "pypi:pyrofork==2.3.4",
    164: "pypi:pyrofork==2.3.5",
    165: "npm:telegram@2.19.8",
    166: "npm:telegram@2.19.10",
    167: "pypi:pyrofork==2.3.13",
    169: "pypi:pyrofork==2.3.15",
    170: "pypi:pyrofork==2.3.16.post3",
    172: "pypi:pyrofork==2.3.17",
    173: "pypi:pyrofork==2.3.18",
    174: "npm:telegram@2.19.20",
    176: "pypi:pyrofork==2.3.20",
    177: "npm:telegram@2.20.15",
    178: "pypi:pyrotgfork==2.1.25",
    179: "npm:telegram@2.21.2",
    181: "npm:telegram@2.22.2",
    182: "pypi:pyrotgfork==2.1.32.8",
    183: "pypi:pyrotgfork==2.1.32.10",
    184: "npm:telegram@2.23.10",
    185: "pypi:pyrotgfork==2.1.33.1",
    186: "pypi:pyrotgfork==2.1.33.3",
    187: "pypi:pyrotgfork==2.1.33.6",
    189: "pypi:pyrotgfork==2.1.33.10",
    190: "pypi:pyrotgfork==2.1.33.11",
    192: "pypi:pyrotgfork==2.1.34",
    193: "npm:telegram@2.26.15",
    194: "pypi:pyrotgfork==2.1.35",
    195: "pypi:kurigram==2.1.35",
    196: "pypi:kurigram==2.1.36",
    198: "npm:telegram@2.26.21",
    199: "pypi:kurigram==2.1.39",
    200: "pypi:pyrotgfork==2.2.9",
    201: "pypi:kurigram==2.2.0",
    202: "pypi:kurigram==2.2.2",
    203: "pypi:kurigram==2.2.3",
    204: "pypi:kurigram==2.2.5",
    205: "pypi:pyrotgfork==2.2.13",
    207: "pypi:kurigram==2.2.7",
    211: "pypi:kurigram==2.2.9",
    214: "pypi:kurigram==2.2.10",
    216: "pypi:kurigram==2.2.14",
    218: "npm:@mtcute/tl@218.0.1",
    220: "pypi:kurigram==2.2.16",
    221: "pypi:kurigram==2.2.18",
    222: "pypi:kurigram==2.2.19",
    223: "pypi:pyrotgfork==2.2.21",
    224: "pypi:kurigram==2.2.21",
    225: "pypi:kurigram==2.2.23",
    227: "pypi:kurigram==2.2.24",
    228: "pypi:kurigram==2.2.25",
    229: "pypi:kurigram==2.2.26",
}

# Built into every reader, or made up by a library.
_NOT_TELEGRAMS = {
    "boolFalse",
    "boolTrue",
    "true",
    "vector",
    "inputPeerPhotoFileLocationLegacy",
    "inputStickerSetThumbLegacy",
}
_FIELD = re.compile(r"self\.(\w+) = \w+ *# (\S+)")
_READ = re.compile(r"^        (\w+) = (.*)$", re.M)
_TL_LINE = re.compile(r"^([\w.]+)#([0-9a-f]+) (.*)$")

Lines = dict[tuple[str, str], str]
"""(types or functions, name): the line."""


def fetch(package: str, folder: Path) -> Path:
    """The package's archive, downloaded unless it is there."""
    registry, _, wanted = package.partition(":")
    name, _, version = wanted.replace("==", "@").rpartition("@")
    flat = name.removeprefix("@").replace("/", "-")
    archive = re.compile(rf"(?i){flat}-{re.escape(version)}(-py3.*whl|.tgz)")
    found = [path for path in folder.iterdir() if archive.fullmatch(path.name)]
    if not found and registry == "npm":
        subprocess.run(["npm", "pack", "--silent", wanted], cwd=folder, check=True, stdout=sys.stderr)
    elif not found:
        pip = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps"]
        subprocess.run([*pip, wanted], cwd=folder, check=True, stdout=sys.stderr)
    return next(path for path in folder.iterdir() if archive.fullmatch(path.name))


def files_of(archive: Path) -> Iterator[tuple[str, str]]:
    """(path, text) of the files that may speak of a schema."""
    telling = re.compile(r"/raw/(types|functions)/.*[.]py$|/raw/all[.]py$|/apiTl[.]js$|/api-schema[.]json$")
    if archive.suffix == ".whl":
        with zipfile.ZipFile(archive) as unpacked:
            for name in filter(telling.search, unpacked.namelist()):
                yield name, unpacked.read(name).decode()
    else:
        with tarfile.open(archive) as packed:
            for member in packed:
                if telling.search(member.name) and (file := packed.extractfile(member)):
                    yield member.name, io.TextIOWrapper(file, "utf-8").read()


def lines_of(files: Iterable[tuple[str, str]]) -> Lines:
    """What the files of a package say."""
    lines: Lines = {}
    for path, text in files:
        if path.endswith(".json"):
            found = [_json_line(entry) for entry in json.loads(text)["e"]]
        elif path.endswith(".js"):
            found = list(_tl_lines(text))
        else:
            found = list(_python_lines(text))
        for kind, line in found:
            name = line.partition("#")[0]
            if name not in _NOT_TELEGRAMS and not name.startswith("mtcute."):
                lines.setdefault((kind, name), line)
    return lines


def _tl_lines(text: str) -> Iterator[tuple[str, str]]:
    """The lines of a schema as Telegram publishes it."""
    kind = "types"
    for line in text.splitlines():
        if line.startswith("---"):
            kind = line.strip("-")
        elif found := _TL_LINE.match(line):
            name, number, rest = found.groups()
            rest = re.sub(r"\{\w+:Type\} ?", "", rest)
            yield kind, _shape(name, int(number, 16), rest)


def _json_line(entry: dict[str, Any]) -> tuple[str, str]:
    """A line of mtcute's `api-schema.json`."""
    fields = []
    for given in entry.get("arguments", []):
        kind = _json_type(given)
        condition = given.get("typeModifiers", {}).get("predicate")
        fields.append(f"{given['name']}:{condition}?{kind}" if condition else f"{given['name']}:{kind}")
    rest = " ".join([*fields, "=", _json_type(entry)])
    kind = "functions" if entry["kind"] == "method" else "types"
    return kind, _shape(entry["name"], entry["id"], rest + ";")


def _json_type(given: dict[str, Any]) -> str:
    name = given["type"].replace("int53", "long")
    return f"Vector<{name}>" if given.get("typeModifiers", {}).get("isVector") else name


def _python_lines(source: str) -> Iterator[tuple[str, str]]:
    """The line of a class that Pyrogram, or a fork of it, has generated."""
    known = re.search(r'QUALNAME = "(types|functions)\.([\w.]+)"', source)
    number = re.search(r"ID = (0x[0-9a-fA-F]+)", source)
    if known is None or number is None:
        return
    kind, name = known.group(1), lower_first(known.group(2))
    types = dict(_FIELD.findall(source))
    fields = []
    for field, value in _READ.findall(source.partition("def read(")[2].partition("return ")[0]):
        if field in types:
            fields.append(f"{field}:{types[field]}")
        elif value == "Int.read(b)" and field.startswith("flags"):
            fields.append(f"{field}:#")
    result = _result_of(kind, name, source)
    yield kind, _shape(name, int(number.group(1), 16), " ".join([*fields, "=", result]) + ";")


def _result_of(kind: str, name: str, source: str) -> str:
    if kind == "types":
        found = re.search(r"Constructor of :obj:`~?\w+\.raw\.base\.([\w.]+)`", source)
        return found.group(1) if found else name
    returns = source.partition("Returns:")[2].strip().splitlines()[0]
    base = re.search(r"<\w+\.raw\.base\.([\w.]+)>", returns)
    result = base.group(1) if base else {"``bool``": "Bool", "``int``": "int"}.get(returns, "X")
    return f"Vector<{result}>" if returns.startswith("List of") else result


def lower_first(name: str) -> str:
    """`updates.Difference` as TL spells its constructor: `updates.difference`."""
    head, dot, tail = name.rpartition(".")
    return f"{head}{dot}{tail[0].lower()}{tail[1:]}"


def _shape(name: str, number: int, rest: str) -> str:
    # `self` is called as in the Python libraries, where it could not be a parameter.
    rest = re.sub(r"(^| )self:", r"\1is_self:", rest)
    return f"{name}#{number:x} {rest}"


def needed(lines: Lines) -> set[tuple[str, str]]:
    """The methods, all that may stand in their arguments, and the constructors the sandbox answers with."""
    by_type: dict[str, list[tuple[str, str]]] = {}
    for (kind, name), line in lines.items():
        if kind == "types":
            by_type.setdefault(line.rpartition("= ")[2].rstrip(";"), []).append((kind, name))
    wanted: set[tuple[str, str]] = set()
    queue = [("functions", name) for name in METHODS if ("functions", name) in lines]
    while queue:
        named = queue.pop()
        if named in wanted:
            continue
        wanted.add(named)
        fields = lines[named].partition(" = ")[0]
        for arg in re.findall(r":(?:flags\d*\.\d+\?)?(?:[Vv]ector<)?([\w.!]+)", fields):
            if arg not in LEFT_OUT:
                queue += by_type.get(arg, [])
    return wanted | {("types", name) for name in ANSWERS if ("types", name) in lines}


def merged(layers: dict[int, Lines]) -> Iterator[tuple[str, str]]:
    """(kind, line with its layers): what is in any layer's answer or request, in every layer that has it."""
    wanted = set().union(*map(needed, layers.values()))
    holds: dict[tuple[str, str], tuple[list[int], str]] = {}
    for layer, lines in layers.items():
        for kind, name in wanted & lines.keys():
            line = lines[kind, name]
            known = holds.get((kind, line.partition(" ")[0]), ([], ""))[0]
            # The newest line of an id is the longest one: flags without a value may come without a new id.
            holds[kind, line.partition(" ")[0]] = ([*known, layer], line)
    by_name = sorted(holds.items(), key=lambda entry: (entry[0][1].partition("#")[0], entry[1]))
    for (kind, _), (known, line) in by_name:
        yield kind, f"{_spans(known, [*layers])} {line}"


def _spans(known: list[int], every: list[int]) -> str:
    """`158-181,190`: runs of layers that follow each other among those there are."""
    runs: list[list[int]] = []
    for layer in known:
        if runs and every.index(layer) == every.index(runs[-1][-1]) + 1:
            runs[-1].append(layer)
        else:
            runs.append([layer])
    return ",".join(str(run[0]) if len(run) == 1 else f"{run[0]}-{run[-1]}" for run in runs)


def main() -> None:
    """Prints the merged schema."""
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    layers = {
        layer: lines_of(files_of(fetch(package, folder))) for layer, package in sorted(PACKAGES.items())
    }
    found = list(merged(layers))
    out = ["// What the sandbox uses of Telegram, made by tests/bot/sandbox/mtproto/derive_schema.py."]
    out.append("// LAYERS " + " ".join(map(str, layers)))
    out += [line for kind, line in found if kind == "types"]
    out += ["---functions---"]
    out += [line for kind, line in found if kind == "functions"]
    sys.stdout.write("\n".join(out) + "\n")


if __name__ == "__main__":
    main()
