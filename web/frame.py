"""The frame of every page: icons, the sections a person may enter, the post acted in."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from flask import Flask, request, url_for
from flask_babel import gettext
from markupsafe import Markup

from engine.directory.actors import Actor
from engine.directory.codes import PostKind
from engine.directory.policy import Audience, audiences
from web.context import actor
from web.language import in_words
from web.words import asset

_MATTERS: Final = {"instances", "files", "messages", "corrections", "figures"}


@dataclass(frozen=True)
class Section:
    """An entry of the main navigation."""

    title: str
    icon: str
    url: str
    here: bool


def icon(name: str) -> Markup:
    """Return an icon of the sprite. It is decoration: the word stands beside it."""
    return Markup('<svg class="icon" aria-hidden="true"><use href="{}#{}"></use></svg>').format(
        asset("icons.svg"), name
    )


def sections() -> list[Section]:
    """Return the navigation; only what exists and what the person may enter."""
    blueprint = request.blueprint or ""
    entries = [
        (gettext("待办"), "inbox", "inbox.index", {"inbox", "tasks", "bulk"}),
        (gettext("发起"), "start", "start.index", {"start"}),
        (
            gettext("事项"),
            "matters",
            "instances.index",
            {"instances", "files", "messages", "corrections", "figures", "rectification"},
        ),
        (gettext("我的"), "me", "mine.index", {"mine", "auth", "substitutions", "ballots"}),
    ]
    rooms = {"admin", "admin.accounts", "admin.imports", "admin.procedures"}
    rooms |= {"regulations", "parameters", "channels"}
    opened = audiences(actor())
    if Audience.BOARD in opened:
        entries.append((gettext("组织"), "board", "board.index", {"board", "years"}))
    if Audience.AUDIT in opened:
        entries.append(
            (gettext("监督"), "audit", "audit.index", {"audit", "findings", "samples", "exports"})
        )
    if Audience.ADMIN in opened:
        entries.append((gettext("管理"), "book", "admin.index", rooms))
    elif any(post.kind is PostKind.ORGANISATION_DEPARTMENT for post in actor().posts):
        # It decides parameters, and nothing else there.
        entries.append((gettext("管理"), "book", "parameters.index", rooms))
    return [
        Section(title, symbol, url_for(endpoint), blueprint in blueprints)
        for title, symbol, endpoint, blueprints in entries
    ]


def acting(actor: Actor) -> str:
    """Return organisation and posts, as in 第一党支部 书记; what was lent is said beside it."""
    own = [post for post in actor.posts if post.on_behalf_of is None]
    if not own:
        return in_words(actor.status.label)
    first = own[0]
    kinds = [in_words(p.kind.label) for p in own if p.organisation_id == first.organisation_id]
    text = f"{first.organisation_name} {'、'.join(dict.fromkeys(kinds))}"
    others = len({p.organisation_id for p in own}) - 1
    return text if not others else gettext("%(post)s 等 %(count)s 处", post=text, count=others + 1)


def standing_in(actor: Actor) -> str:
    """Return for whom the actor may act besides himself, as in 代张三办理; empty if for nobody."""
    names = dict.fromkeys(post.on_behalf_name or "" for post in actor.substituting)
    return gettext("代 %(name)s 办理", name="、".join(names)) if names else ""


def register(app: Flask) -> None:
    """Give templates the frame."""
    app.jinja_env.globals.update(
        icon=icon, sections=sections, acting=acting, standing_in=standing_in
    )
