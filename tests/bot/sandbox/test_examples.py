"""The examples of docs/sandbox.md, run as anybody would run them."""

import re
import subprocess
import sys
from pathlib import Path

DOCS = Path(__file__).parents[3] / "docs" / "sandbox.md"
OPTIONS = ["-q", "-p", "no:cacheprovider", "-o", "asyncio_mode=auto"]


def test_the_tests_in_the_document_pass(tmp_path: Path) -> None:
    """With nothing but what the document shows: the fixture comes with the package."""
    blocks = re.findall(r"```python\n(.*?)```", DOCS.read_text(), re.DOTALL)
    examples = [block for block in blocks if "async def test_" in block]
    assert len(examples) == 2
    for number, example in enumerate(examples):
        (tmp_path / f"test_example_{number}.py").write_text(example)
    command = [sys.executable, "-m", "pytest", *OPTIONS, str(tmp_path)]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
