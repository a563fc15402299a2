"""The house keeps its own rules: who imports whom, what the documents promise, what must not be committed."""

import ast
import json
import os
import re
import subprocess
import sys
import tomllib
from collections import Counter
from pathlib import Path

import grimp
import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from .conftest import LONG

ROOT = Path(__file__).resolve().parents[1]
FORBIDDEN_MODULES = {
    "access",
    "alarms",
    "answers",
    "bells",
    "calm",
    "chores",
    "copies",
    "door",
    "doubts",
    "dumps",
    "duty",
    "forgetting",
    "gate",
    "networks",
    "offers",
    "overview",
    "positions",
    "preferences",
    "reading",
    "ready",
    "service",
    "signals",
    "starting",
    "stranded",
    "verbosity",
    "visits",
    "zones",
}
"""Names that modules had once: a newcomer did not find the rule behind them."""
FORBIDDEN_NAMES = {
    *("Bell", "Cast", "Crowd", "Deed", "Door", "Duty", "Farewell", "Hands", "Inside", "Kept", "Line"),
    *("Look", "Lost", "Outgoing", "Post", "Reception", "Seat", "Taken", "Visit", "Wire"),
    *("attend", "deliver_with", "expect", "hasten", "hear", "hurries", "hurry", "in_hand", "line_up", "look"),
    *("manned", "obey", "patiently", "ring", "stranded", "take", "talk_to", "tell", "told_to_wait", "turn"),
    *("take_asked", "take_due", "take_urgent", "tell_subscribers", "turn_page"),
    *("Overview", "Turn", "overview", "preferences"),
}
"""Names that classes and functions had once, without a leading underscore. Each meant several things."""
MODULE_LINES, FUNCTION_LINES = 350, 40
"""No module and no function of ours is longer."""
FOLDER_FILES = 18
"""No folder of code holds more files; a reader sees them at a glance."""


def test_nobody_imports_whom_they_must_not() -> None:
    """import-linter holds the rules of docs/architecture.md; it must see http/, which has no __init__.py."""
    command = [
        sys.executable,
        "-c",
        "from importlinter.cli import lint_imports_command; lint_imports_command()",
    ]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "10 kept, 0 broken" in done.stdout


def circles(graph: dict[str, set[str]]) -> list[list[str]]:
    """The strongly connected components with more than one module (Tarjan's algorithm)."""
    number: dict[str, int] = {}
    lowest: dict[str, int] = {}
    path: list[str] = []
    found: list[list[str]] = []

    def visit(module: str) -> None:
        number[module] = lowest[module] = len(number)
        path.append(module)
        for other in graph[module]:
            if other not in number:
                visit(other)
                lowest[module] = min(lowest[module], lowest[other])
            elif other in path:
                lowest[module] = min(lowest[module], number[other])
        if lowest[module] == number[module]:
            component = path[path.index(module) :]
            del path[path.index(module) :]
            if len(component) > 1:
                found.append(sorted(component))

    for module in graph:
        if module not in number:
            visit(module)
    return found


def test_a_circle_is_found_as_one() -> None:
    """Of the modules in it, and of no other."""
    graph = {"a": {"b"}, "b": {"c"}, "c": {"b", "d"}, "d": set(), "e": {"e", "a"}}
    assert circles(graph) == [["b", "c"]]


def imports(room: str) -> dict[str, set[str]]:
    """Which modules of a room each of its modules imports."""
    graph = grimp.build_graph("djangobot", "djangobot.http")
    found = {module for module in graph.modules if f"{module}.".startswith(f"djangobot.{room}.")}
    return {module: graph.find_modules_directly_imported_by(module) & found for module in sorted(found)}


@pytest.mark.parametrize("room", ["bot", "db", "http"])
def test_no_module_imports_itself_by_a_detour(room: str) -> None:
    """Imports under TYPE_CHECKING count: they tie two modules together as any other."""
    assert circles(imports(room)) == []


def test_every_dependency_earns_its_place_in_a_line() -> None:
    """docs/architecture.md names each of them and what for."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    names = [re.split(r"[\[<>=;~ ]", dependency)[0] for dependency in project["dependencies"]]
    table = (ROOT / "docs" / "architecture.md").read_text()
    rows = "".join(line.split("|")[1] for line in table.splitlines() if line.startswith("|"))
    assert [name for name in names if not re.search(rf"(^|[ ,]){re.escape(name)}([ ,]|$)", rows)] == []


def test_every_dependency_is_bounded() -> None:
    """A new major version of theirs does not break a clone of ours."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    every = project["dependencies"] + project["optional-dependencies"]["dev"]
    assert [dependency for dependency in every if "<" not in dependency and "==" not in dependency] == []


def locked(lock: Path, python: str) -> dict[str, str]:
    """Version by name, of what the lock installs on this Python; each entry must carry a hash."""
    found: dict[str, str] = {}
    for entry in re.sub(r"\\\n\s*", "", lock.read_text()).splitlines():
        if not entry.strip() or entry.lstrip().startswith("#"):
            continue
        pinned, _, hashes = entry.partition("--hash=")
        requirement = Requirement(pinned.strip())
        assert hashes.startswith("sha256:"), entry
        if requirement.marker is None or requirement.marker.evaluate(environment(python)):
            found[canonicalize_name(requirement.name)] = str(requirement.specifier).removeprefix("==")
    return found


def environment(python: str) -> dict[str, str]:
    return {"python_version": python, "python_full_version": f"{python}.0"}


@pytest.mark.parametrize("python", ["3.11", "3.12", "3.13", "3.14"])
def test_what_is_locked_is_what_is_asked_for(python: str) -> None:
    """requirements.lock holds every dependency with a hash, requirements-dev.lock also those of the tests and
    of the build. Where it fails, each lock's first lines name the command that makes it anew."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    runs_on = project["project"]["dependencies"]
    besides = project["project"]["optional-dependencies"]["dev"] + project["build-system"]["requires"]
    service, everything = (
        locked(ROOT / name, python) for name in ("requirements.lock", "requirements-dev.lock")
    )
    assert service.items() <= everything.items()
    for versions, names in ((service, runs_on), (everything, besides)):
        for asked in map(Requirement, names):
            if asked.marker is None or asked.marker.evaluate(environment(python)):
                version = versions.get(canonicalize_name(asked.name))
                assert version is not None, f"{asked} is not locked"
                assert asked.specifier.contains(version), f"{asked}, but {version} is locked"


def test_the_locks_name_no_registry() -> None:
    """Whoever installs from them uses the registry of their own; the hashes say that it is the same."""
    for lock in ROOT.glob("**/*.lock"):
        if ".venv" not in lock.parts and "node_modules" not in lock.parts and lock.name != "uv.lock":
            assert not re.search(r"https?://|--(extra-)?index-url|--find-links", lock.read_text()), lock
    packages = json.loads((ROOT / "tests" / "clients" / "package.json").read_text())["dependencies"]
    assert [name for name, version in packages.items() if not re.fullmatch(r"\d+\.\d+\.\d+", version)] == []


def test_every_document_the_readme_links_to_is_there() -> None:
    """No dead ends for a newcomer."""
    for document in [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]:
        links = re.findall(r"\]\((?!https?:|#)([^)#]+)", document.read_text())
        assert [link for link in links if not (document.parent / link).exists()] == [], document


def modules() -> list[Path]:
    """Our own code, without the migrations that Piccolo generated."""
    return [
        path
        for folder in ("bot", "db", "http")
        for path in sorted((ROOT / folder).rglob("*.py"))
        if "migrations" not in path.parts
    ]


def test_no_module_has_one_of_the_former_names() -> None:
    """Modules are named in the words of docs/glossary.md; the words of FORBIDDEN_MODULES name none."""
    found = [path.relative_to(ROOT) for path in modules()]
    assert [str(path) for path in found if FORBIDDEN_MODULES & {path.stem, *path.parts}] == []


def test_no_class_and_no_function_has_one_of_the_former_names() -> None:
    """One verb has one meaning, and it is the field's."""
    found = [
        f"{path.relative_to(ROOT)}: {node.name}"
        for path in modules()
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef)
        and node.name.strip("_") in FORBIDDEN_NAMES
    ]
    assert found == []


def is_table(function: ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
    """Whether it only names things, each with a function of its own, and returns them. The functions in it
    are counted for themselves."""
    *definitions, last = function.body
    if ast.get_docstring(function):
        del definitions[:1]
    return isinstance(last, ast.Return) and all(
        isinstance(one, ast.FunctionDef | ast.AsyncFunctionDef) for one in definitions
    )


def too_long(source: str) -> list[str]:
    """What is longer than a reader keeps in mind: the module itself, or functions of it."""
    lines = source.count("\n")
    found = [f"{lines} lines"] if lines > MODULE_LINES else []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and not is_table(node):
            lines = (node.end_lineno or node.lineno) - node.lineno + 1
            if lines > FUNCTION_LINES:
                found.append(f"{node.name}: {lines} lines")
    return found


def test_no_module_and_no_function_is_longer_than_one_can_read() -> None:
    """Except migrations, which are generated, and functions that are tables, as of routes."""
    found = {str(path.relative_to(ROOT)): too_long(path.read_text()) for path in modules()}
    assert {path: long for path, long in found.items() if long} == {}


def test_a_table_is_not_a_way_round_the_limit() -> None:
    """A long function in a table is found, and so is a long function with any other statement."""
    inner = "def inner():\n" + "    x()\n" * FUNCTION_LINES
    table = "def outer():\n" + "".join(f"    {line}\n" for line in inner.splitlines())
    assert too_long(table + "    return [inner]\n") == ["inner: 41 lines"]
    assert too_long(table + "    x()\n    return [inner]\n") == ["outer: 44 lines", "inner: 41 lines"]
    assert too_long("x = 1\n" * (MODULE_LINES + 1)) == ["351 lines"]


def crowded(folder: Path) -> list[str]:
    """What holds more than FOLDER_FILES of this folder and those in it. The end-to-end tests and the
    migrations are all of one kind, so there may be any number of them."""
    files = [path.relative_to(folder) for path in folder.rglob("*") if path.is_file()]
    skipped = {"__pycache__", "e2e", "migrations", "node_modules"}
    found = Counter(path.parent for path in files if not skipped & {*path.parts})
    return [f"{folder.name}/{one}: {number}" for one, number in found.items() if number > FOLDER_FILES]


def test_no_folder_holds_more_than_one_sees_at_a_glance(tmp_path: Path) -> None:
    """What grows beyond that is split by noun, so that a path says what is behind it."""
    assert [crowded(ROOT / name) for name in ("bot", "db", "http", "src", "tests")] == [[]] * 5
    (tmp_path / "tokens").mkdir()
    for number in range(FOLDER_FILES + 1):
        (tmp_path / f"{number}.py").touch()
        (tmp_path / "tokens" / f"{min(number, FOLDER_FILES - 1)}.py").touch()
    assert crowded(tmp_path) == [f"{tmp_path.name}/.: {FOLDER_FILES + 1}"]


def test_importing_bot_and_db_does_nothing() -> None:
    """What a module needs is in the module."""
    assert [(ROOT / wing / "__init__.py").read_text() for wing in ("bot", "db")] == ["", ""]


def test_there_is_one_clock() -> None:
    """Only db/clock.py asks what time it is; the sandbox has no share in our code."""
    found = [path.relative_to(ROOT) for path in modules() if "sandbox" not in path.parts]
    asking = [str(path) for path in found if "datetime.now(" in (ROOT / path).read_text()]
    assert asking == ["db/clock.py"]


def on_the_map() -> list[str]:
    """What the first code block of docs/architecture.md names, as paths; a folder's ends with a slash."""
    block = (ROOT / "docs" / "architecture.md").read_text().split("```")[1]
    found: list[str] = []
    folders: list[str] = []
    for line in block.strip("\n").splitlines():
        depth = (len(line) - len(line.lstrip())) // 2
        name = line.split()[0]
        del folders[depth:]
        found.append("".join(folders) + name)
        if name.endswith("/"):
            folders.append(name)
    return found


def test_the_map_names_every_package_and_module() -> None:
    """docs/architecture.md names each once, and none that is not there. The sandbox and the migrations have
    one line each."""
    expected = {"bot/", "db/", "http/", "bot/locales/", "bot/sandbox/", "db/migrations/"}
    for path in modules():
        relative = path.relative_to(ROOT)
        if "sandbox" in relative.parts:
            continue
        expected.add(f"{relative.parent}/")
        if relative.name != "__init__.py":
            expected.add(str(relative))
    named = on_the_map()
    assert sorted(set(named)) == sorted(named)
    assert sorted(expected - set(named)) == []
    assert sorted(set(named) - expected) == []


def test_every_line_of_the_map_says_something() -> None:
    """A name alone helps nobody."""
    block = (ROOT / "docs" / "architecture.md").read_text().split("```")[1]
    assert [line for line in block.strip("\n").splitlines() if len(line.split()) < 2] == []


def test_the_glossary_names_what_is_in_the_code() -> None:
    """Each row ends with a file that is there and, mostly, with a class or function of it."""
    rows = [
        line for line in (ROOT / "docs" / "glossary.md").read_text().splitlines() if line.startswith("| ")
    ]
    rows = [row for row in rows if not row.startswith("| word |")]
    assert rows
    for row in rows:
        place = re.search(r"\| (?:`(\w+)` in )?`([\w/]+\.py)` \|$", row)
        assert place, row
        name, path = place.groups()
        source = (ROOT / path).read_text()
        assert name is None or re.search(rf"^(class|def|async def) {name}\b", source, re.MULTILINE), row


def test_a_checkout_without_symbolic_links_works(tmp_path: Path) -> None:
    """Windows and some CI write text files in their place."""
    clone = tmp_path / "clone"
    command = ["git", "clone", "--quiet", "--config", "core.symlinks=false", str(ROOT), str(clone)]
    subprocess.run(command, check=True, capture_output=True)
    if not (clone / "src" / "djangobot" / "bot").is_file():
        pytest.skip("this git makes symbolic links all the same")
    (clone / "src" / "djangobot" / "__init__.py").write_text((ROOT / "src/djangobot/__init__.py").read_text())
    say = (
        "import djangobot.bot.cli.main as c, djangobot.http.app, djangobot.db.conf;"
        " print(c.__file__); c.main()"
    )
    done = subprocess.run(
        [sys.executable, "-c", say, "--help"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(clone / "src")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith(str(clone))
    assert "demo" in done.stdout


def is_fixture(function: ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
    return any("fixture" in ast.unparse(one) for one in function.decorator_list)


def untyped(tests: dict[str, str]) -> list[str]:
    """Fixtures of these modules that are, or are asked for as, `Any`."""
    every = [
        (name, node)
        for name, source in tests.items()
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    ]
    fixtures = {node.name for _, node in every if is_fixture(node)}
    found = []
    for name, node in every:
        returns = node.returns and ast.unparse(node.returns)
        if is_fixture(node) and returns in (None, "Any", "Iterator[Any]", "AsyncIterator[Any]"):
            found.append(f"{name}: {node.name}")
        for one in (*node.args.args, *node.args.kwonlyargs):
            if one.arg in fixtures and one.annotation is not None and ast.unparse(one.annotation) == "Any":
                found.append(f"{name}: {one.arg} of {node.name}")
    return found


def test_every_fixture_has_a_type() -> None:
    """A test's reader, and the type checker, see what it gets."""
    tests = {str(path.relative_to(ROOT)): path.read_text() for path in (ROOT / "tests").rglob("*.py")}
    assert untyped(tests) == []
    fixture = "@pytest.fixture\ndef box() -> Any: ...\ndef test_x(box: Any, other: Any) -> None: ...\n"
    assert untyped({"x.py": fixture}) == ["x.py: box", "x.py: box of test_x"]


def test_the_files_that_begin_first_are_there() -> None:
    """One that was renamed would begin last, unnoticed."""
    assert [path for path in LONG if not path.exists()] == []
