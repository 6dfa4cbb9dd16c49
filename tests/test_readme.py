"""What the readers' pages name exists: commands, targets, files, headings."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import unquote

import click
import pytest

from engine.cli import main

ROOT = Path(__file__).resolve().parent.parent
PAGES = sorted(
    [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), *ROOT.glob("processes/**/*.md")]
)

_LINK = re.compile(r"!?\[[^\]]*\]\(([^)\s]+)\)")
_COMMAND = re.compile(r"(?:^|[\s(`/])guicheng((?: [a-z][a-z-]+)+)")
_MAKE = re.compile(r"(?:^|`|\d )make ([a-z]+)", re.MULTILINE)
_CODE = re.compile(r"```.*?```|`[^`\n]+`", re.DOTALL)


def names(page: Path) -> str:
    return str(page.relative_to(ROOT))


def commands_in(text: str) -> Iterator[list[str]]:
    """Yield the subcommands of every ``guicheng …`` inside code."""
    for code in _CODE.findall(text):
        for found in _COMMAND.finditer(code):
            yield found.group(1).split()


def anchors(page: Path) -> set[str]:
    """Return the anchors of a page's headings, made as code hosts make them."""
    headings = re.findall(r"^#+ (.+)$", page.read_text("utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", h.lower()).replace(" ", "-") for h in headings}


@pytest.mark.parametrize("page", PAGES, ids=names)
def test_links_and_images_lead_somewhere(page: Path) -> None:
    for target in _LINK.findall(page.read_text("utf-8")):
        if "://" in target:
            continue
        path, _, anchor = unquote(target).partition("#")
        found = (page.parent / path).resolve() if path else page
        assert found.exists(), f"{names(page)} links to {target}"
        if anchor:
            assert anchor in anchors(found), f"{names(page)} links to {target}"


@pytest.mark.parametrize("page", PAGES, ids=names)
def test_named_commands_exist(page: Path) -> None:
    for words in commands_in(page.read_text("utf-8")):
        command: click.Command = main
        for word in words:
            if not isinstance(command, click.Group):
                break
            assert word in command.commands, f"{names(page)} names guicheng {' '.join(words)}"
            command = command.commands[word]


def test_named_make_targets_exist() -> None:
    known = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE))
    for page in PAGES:
        for target in _MAKE.findall("\n".join(_CODE.findall(page.read_text("utf-8")))):
            assert target in known, f"{names(page)} names make {target}"


def test_readmes_show_the_two_commands_first() -> None:
    for name in ("README.md", "README.zh-CN.md"):
        blocks = re.findall(r"```sh\n(.*?)```", (ROOT / name).read_text("utf-8"), re.DOTALL)
        assert blocks[0].split("\n")[:2] == ["make demo", "make test"]


def test_make_lists_its_commands() -> None:
    listed = subprocess.run(["make", "help"], cwd=ROOT, capture_output=True, text=True, check=True)
    assert {"demo", "test", "check", "serve"} <= {
        line.split()[0] for line in listed.stdout.splitlines()
    }
