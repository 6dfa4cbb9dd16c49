"""Read one ``regulation.toml``: its editions and their articles, with every mistake named."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from engine.compliance.parameter_reading import FILE as PARAMETERS
from engine.compliance.parameters import Parameter, ParameterType
from engine.compliance.regulations import (
    Article,
    Confidence,
    Edition,
    EditionStatus,
    Regulation,
    RegulationKind,
    Source,
    is_source,
)
from engine.definitions.package import did_you_mean
from engine.definitions.reading import Lines, Report, Table, parse_toml

SOURCES: Final = "sources.toml"


class RegulationReader:
    """Reads one file against the parameters and sources that there are."""

    def __init__(
        self, report: Report, parameters: Mapping[str, Parameter], sources: Mapping[str, Source]
    ) -> None:
        self.report, self.parameters, self.sources = report, parameters, sources
        self.lines = Lines("")
        self.articles_read = 0

    def regulation(self, id: str, data: bytes) -> Regulation | None:
        """Return the regulation, or None when the text does not parse."""
        values, self.lines = parse_toml(data, self.report)
        if self.report.problems:
            return None
        top = Table(values, self.report, self.lines)
        title = top.text("title")
        tables = top.tables("edition")
        if not tables:
            top.error("edition-missing", "没有版本", "请写至少一个 [[edition]]")
        editions: list[Edition] = []
        for table in tables:
            edition = self.edition(table, editions[-1] if editions else None)
            if edition is not None:
                editions.append(edition)
        regulation = Regulation(
            id=id,
            title=title,
            short=top.text("short", title),
            title_en=top.text("title_en", ""),
            issuer=top.text("issuer"),
            kind=top.code("kind", RegulationKind, RegulationKind.REGULATION)
            or RegulationKind.REGULATION,
            editions=tuple(editions),
            aliases=top.texts("aliases"),
            procedures=top.texts("procedures"),
            note=top.text("note", ""),
        )
        top.done()
        return regulation

    def edition(self, table: Table, before: Edition | None) -> Edition | None:
        """Return an edition; ``before`` is the one that it follows."""
        id = table.element = table.text("id")
        in_force, repealed = table.day("in_force"), table.day("repealed")
        if in_force is None:
            table.error("missing-key", "缺少“in_force”", "请写生效日期 in_force = 2026-05-18")
            return None
        by = table.optional("in_force_by")
        if by is not None:
            self._parameter(by, table, "in_force_by", ParameterType.DATE)
            declared = self.parameters.get(by)
            if declared is not None and declared.default != in_force.isoformat():
                table.error(
                    "edition-switch",
                    f"in_force 与参数“{by}”的默认值 {declared.default} 不同",
                    "两处写同一天",
                    key="in_force",
                )
        if repealed is not None and repealed <= in_force:
            table.error(
                "edition-dates", "废止日期应当晚于生效日期", "请核对两个日期", key="repealed"
            )
        if before is not None:
            self._follows(table, before, id, in_force)
        edition = Edition(
            id=id,
            title=table.text("title", id),
            in_force=in_force,
            issued=table.day("issued"),
            repealed=repealed,
            in_force_by=by,
            status=table.code("status", EditionStatus, EditionStatus.IN_FORCE)
            or EditionStatus.IN_FORCE,
            sources=self._known_sources(table, "sources"),
            confidence=self._tags(table),
            note=table.text("note", ""),
            approximate=table.flag("approximate"),
            articles=MappingProxyType(self.articles(table, before)),
        )
        table.done()
        return edition

    def articles(self, outer: Table, before: Edition | None) -> dict[str, Article]:
        """Return the articles of an edition by number, in order."""
        found: dict[str, Article] = {}
        raw = outer.raw("article")
        for values in raw if isinstance(raw, list) else []:
            # TOML counts nested tables over all editions, so the line is found by that count.
            table = Table(
                values, self.report, self.lines, path="edition.article", index=self.articles_read
            )
            self.articles_read += 1
            article = self.article(table, before)
            if article.number in found:
                table.error("duplicate-article", f"“{article.number}”写了两次", "每条只写一次")
            found[article.number] = article
        return found

    def article(self, table: Table, before: Edition | None) -> Article:
        """Return one article."""
        number = table.element = table.text("number")
        article = Article(
            number=number,
            text=table.text("text"),
            confidence=self._tags(table),
            verified=table.flag("verified"),
            taken_from=table.texts("from"),
            difference=table.text("difference", ""),
            unsure=table.text("unsure", ""),
            parameters=table.texts("parameters"),
            uncovered=table.text("uncovered", ""),
        )
        for old in article.taken_from:
            if before is None or old not in before.articles:
                known = list(before.articles) if before else []
                table.error(
                    "article-unknown",
                    f"上一版没有“{old}”",
                    did_you_mean(old, known) if known else "第一个版本不写 from",
                    key="from",
                )
        for name in article.parameters:
            self._parameter(name, table, "parameters")
        if article.verified and not article.sources:
            table.error(
                "verified-without-source",
                "写明已核对，却没有出处",
                "请在 confidence 里写出处，或者删去 verified",
                key="verified",
            )
        table.done()
        return article

    def _follows(self, table: Table, before: Edition, id: str, in_force: object) -> None:
        if before.id == id:
            table.error("duplicate-edition", f"版本“{id}”写了两次", "请换一个 id", key="id")
        if before.repealed != in_force:
            table.error(
                "edition-dates",
                f"上一版“{before.id}”的 repealed 应当是本版的生效日期 {in_force}",
                "版本按生效先后写，前一版废止之日就是后一版生效之日",
                key="in_force",
            )

    def _parameter(
        self, name: str, table: Table, key: str, kind: ParameterType | None = None
    ) -> None:
        declared = self.parameters.get(name)
        if declared is None:
            table.error(
                "parameter-unknown",
                f"{PARAMETERS} 里没有参数“{name}”",
                did_you_mean(name, sorted(self.parameters)),
                key=key,
            )
        elif kind is not None and declared.type is not kind:
            table.error("parameter-type", f"参数“{name}”不是 {kind}", "请换一个参数", key=key)

    def _tags(self, table: Table) -> tuple[str, ...]:
        """Return the confidence tags, each known."""
        tags = table.texts("confidence", required=True)
        grades = [str(grade) for grade in Confidence if grade is not Confidence.SOURCED]
        for tag in tags:
            if is_source(tag):
                self._source(tag, table, "confidence")
            elif tag not in grades:
                table.error(
                    "confidence-unknown",
                    f"可信度“{tag}”不认识",
                    "可用的有：" + "、".join(["S1（出处）", *grades]),
                    key="confidence",
                )
        return tags

    def _known_sources(self, table: Table, key: str) -> tuple[str, ...]:
        found = table.texts(key)
        for name in found:
            self._source(name, table, key)
        return found

    def _source(self, name: str, table: Table, key: str) -> None:
        if name not in self.sources:
            table.error(
                "source-unknown",
                f"{SOURCES} 里没有出处“{name}”",
                did_you_mean(name, sorted(self.sources)),
                key=key,
            )
