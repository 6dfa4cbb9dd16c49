"""The error of a step that a rule stands in the way of."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

from engine.compliance.parameters import Level
from engine.compliance.regulations import Regulations
from engine.compliance.results import ArticleRef, Result
from engine.errors import N_, InvalidInput, Sentence, Translatable


class RuleBroken(InvalidInput):
    """The step would break rules that block. Nothing was written.

    ``results`` says which; the sentences say what is wrong, by which article, and what can be done.
    """

    code: ClassVar[str] = "rule_broken"
    default: ClassVar[str] = N_("所填内容不符合规定，没有提交。请按提示改正后再办理。")

    def __init__(self, results: Sequence[Result], regulations: Regulations) -> None:
        self.results = tuple(results)
        super().__init__({"": [sentence_of(result, regulations) for result in results]})


def sentence_of(result: Result, regulations: Regulations) -> Sentence:
    """Return what is wrong, by which article, and what can be done."""
    articles = "、".join(f"《{_title(a, regulations)}》{a.article}" for a in result.articles)
    params: dict[str, Any] = {"what": _plain(result.sentence), "articles": articles}
    override = result.rule.override
    if override is None or override is Level.NONE:
        if not articles:
            return Sentence(N_("%(what)s请改正后再提交。"), what=params["what"])
        return Sentence(N_("%(what)s依据：%(articles)s。请改正后再提交。"), **params)
    return Sentence(
        N_(
            "%(what)s依据：%(articles)s。请改正后再提交；"
            "确有特殊情况的，由%(level)s在该事项页面准予后再办理。"
        ),
        **params,
        level=override.label,
    )


def _title(article: ArticleRef, regulations: Regulations) -> str:
    found = regulations.find(article.regulation)
    return article.regulation if found is None else found.short


def _plain(sentence: Translatable) -> Sentence:
    """Return a sentence as text that can still be translated, inner ones included."""
    params = {
        name: _plain(value) if isinstance(value, Translatable) else value
        for name, value in sentence.params.items()
    }
    return Sentence(sentence.template, **params)
