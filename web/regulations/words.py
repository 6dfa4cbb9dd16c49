"""Values of parameters and the standing of articles in the words people use."""

from __future__ import annotations

import re
from typing import Final

from flask import Flask, g, url_for
from flask_babel import gettext

from engine.compliance.parameters import NUMBERS, Parameter, ParameterType, Value
from engine.compliance.regulation_store import current_regulations
from engine.compliance.regulations import Article, Regulation, Regulations, grade
from engine.directory.actors import Actor
from engine.directory.codes import PostKind
from engine.directory.policy import Audience, audiences
from engine.directory.visibility import administers_all
from web.context import reading
from web.language import chosen_language, in_words
from web.words import long_date

_TAG: Final = re.compile(r"\s*\[(S[0-9]+b?|K\??|P|A)\]\s*")
_KEEPERS: Final = frozenset(
    {PostKind.ADMINISTRATOR, PostKind.ORGANISATION_DEPARTMENT, PostKind.AUDITOR}
)
"""Posts that look after regulations and parameters, or audit by them: they see what nobody has
checked."""


def regulations() -> Regulations:
    """Return the regulations in use; one look for a request."""
    if "regulations" not in g:
        g.regulations = current_regulations(reading())
    found: Regulations = g.regulations
    return found


def keeps_rules(actor: Actor) -> bool:
    """Tell whether somebody looks after regulations and parameters, or audits by them."""
    return any(post.kind in _KEEPERS for post in actor.posts)


def keeps_directory(actor: Actor) -> bool:
    """Tell whether the pages of administrators are open to somebody."""
    return Audience.ADMIN in audiences(actor)


def title_of(thing: Parameter | Regulation) -> str:
    """Return a title in the reader's language, where there is one."""
    if chosen_language() == "en" and thing.title_en:
        return thing.title_en
    return thing.title


def value_in_words(parameter: Parameter, value: Value) -> str:
    """Return 7 天, 是, 应到会有选举权的党员, 2026年5月18日 …"""
    match parameter.type:
        case ParameterType.MONTHS:
            return str(gettext("%(count)s 个月", count=value))
        case ParameterType.DAYS:
            return str(gettext("%(count)s 天", count=value))
        case ParameterType.WORKDAYS:
            return str(gettext("%(count)s 个工作日", count=value))
        case ParameterType.BOOL:
            return str(gettext("是")) if value else str(gettext("否"))
        case ParameterType.CHOICE:
            return parameter.choices.get(str(value), str(value))
        case ParameterType.DATE:
            return long_date(str(value))
    return str(value)


def range_in_words(parameter: Parameter) -> str:
    """Return the bounds of a number, fraction or day; empty where there are none."""
    low, high = parameter.minimum, parameter.maximum
    if parameter.type in NUMBERS and low is None:
        low = 0
    if low is not None and high is not None:
        first, last = value_in_words(parameter, low), value_in_words(parameter, high)
        return str(gettext("%(low)s 至 %(high)s", low=first, high=last))
    if high is not None:
        return str(gettext("不超过 %(high)s", high=value_in_words(parameter, high)))
    if low is not None and low != 0:
        return str(gettext("不少于 %(low)s", low=value_in_words(parameter, low)))
    return ""


def source_in_words(text: str) -> str:
    """Return where a default comes from, its confidence tags said in words."""

    def said(found: re.Match[str]) -> str:
        tag = found[1]
        source = regulations().sources.get(tag)
        words = in_words(grade(tag).label) if source is None else source.title
        return str(gettext("（%(words)s）", words=words))

    return _TAG.sub(said, text).strip()


def standing(article: Article) -> tuple[str, str]:
    """Return tone and words of how far an article can be relied on."""
    if not article.verified:
        return "soon", str(gettext("未对照原文"))
    if article.unsure:
        return "soon", gettext("部分未对照原文")
    return "done", gettext("有出处")


def article_url(regulation: str, edition: str, article: str) -> str | None:
    """Return where an article that a step or rule cites can be read; None if it is not known."""
    found = regulations()
    known = found.find(regulation)
    if known is None or found.article(regulation, edition, article) is None:
        return None
    return url_for(
        "regulations.one", regulation_id=known.id, edition=edition, _anchor=f"{edition}-{article}"
    )


def register(app: Flask) -> None:
    """Give templates the words and links."""
    app.jinja_env.globals.update(
        article_url=article_url,
        keeps_directory=keeps_directory,
        keeps_procedures=administers_all,
        range_in_words=range_in_words,
        source_in_words=source_in_words,
        standing=standing,
        title_of=title_of,
        value_in_words=value_in_words,
    )
