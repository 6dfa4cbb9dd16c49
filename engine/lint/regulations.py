"""Check regulations and what packages cite of them: every article named exists, and is used."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from pathlib import Path

from engine.compliance.backfill import GAP
from engine.compliance.parameter_reading import FILE as PARAMETERS
from engine.compliance.parameters import Level
from engine.compliance.regulation_reading import FOLDER, MANIFEST, load_regulation_folder
from engine.compliance.regulations import Regulation, Regulations
from engine.compliance.uses import Place, uses_of
from engine.definitions.package import MANIFEST as PACKAGE
from engine.definitions.package import Package, Step, did_you_mean, load_folder
from engine.errors import PackageProblem, Problem
from engine.lint.findings import Findings
from engine.runtime.ballot_papers import MIN_SIZE


def is_regulations(folder: Path) -> bool:
    """Tell whether a folder holds regulations rather than a package."""
    return not (folder / PACKAGE).is_file() and any(folder.glob(f"*/{MANIFEST}"))


def regulations_beside(folder: Path, home: Path | None = None) -> Regulations | None:
    """Return the regulations that lie beside a package, else those in ``home``; None: no such.

    Faulty ones are for :func:`lint_regulations` to complain about.
    """
    places = [folder.resolve().parent / FOLDER, *([home / FOLDER] if home is not None else [])]
    place = next(filter(is_regulations, places), None)
    if place is None:
        return None
    try:
        return load_regulation_folder(place)
    except PackageProblem:
        return None


def check_basis(package: Package, regulations: Regulations) -> Findings:
    """Check that each article a step rests on is there.

    A regulation whose name is like none of ours is only warned of: a procedure may rest on a text
    that nobody has entered.
    """
    found = Findings()
    for step in package.steps.values():
        line = package.lines.get(f"step:{step.element}")
        for basis in step.basis:
            regulation = regulations.find(basis.regulation)
            if regulation is None:
                _unknown(basis.regulation, regulations, found, step.element, line)
            elif (edition := regulation.edition(basis.edition)) is None:
                found.error(
                    "edition-unknown",
                    PACKAGE,
                    f"“{regulation.short}”没有版本“{basis.edition}”",
                    did_you_mean(basis.edition, [e.id for e in regulation.editions]),
                    element=step.element,
                    line=line,
                )
            elif basis.article not in edition.articles:
                found.error(
                    "article-unknown",
                    PACKAGE,
                    f"“{regulation.short}”（{edition.id}）没有“{basis.article}”",
                    did_you_mean(basis.article, list(edition.articles)),
                    element=step.element,
                    line=line,
                )
        _only_in(step, regulations, found, line)
    return found


def _only_in(step: Step, regulations: Regulations, found: Findings, line: int | None) -> None:
    """Check that the editions which alone ask for a step are editions of its first article's."""
    if not step.only_in:
        return
    if not step.basis:
        found.error(
            "only-in-without-basis",
            PACKAGE,
            "写了 only_in，却没有 basis，不知道是哪个法规的版本",
            "请写 basis，或者删去 only_in",
            element=step.element,
            line=line,
        )
        return
    regulation = regulations.find(step.basis[0].regulation)
    if regulation is None:
        return  # named above
    known = [edition.id for edition in regulation.editions]
    for edition in step.only_in:
        if edition not in known:
            found.error(
                "only-in-unknown",
                PACKAGE,
                f"only_in 中的“{edition}”不是“{regulation.short}”的版本",
                did_you_mean(edition, known) or f"可以写：{'、'.join(known)}",
                element=step.element,
                line=line,
            )


def _unknown(
    name: str, regulations: Regulations, found: Findings, element: str, line: int | None
) -> None:
    """Report a regulation that is not there: a slip, or a text that this installation lacks."""
    titles = [title for title in regulations.names if not title.isascii()]
    message = f"没有法规“{name}”"
    if get_close_matches(name, titles, n=1, cutoff=0.6):
        cure = did_you_mean(name, titles)
        found.error("regulation-unknown", PACKAGE, message, cure, element=element, line=line)
    else:
        cure = f"如需链接到条文，请在 {FOLDER}/ 里写入这部法规"
        found.warn("regulation-unknown", PACKAGE, message, cure, element=element, line=line)


def lint_regulations(folder: Path) -> list[Problem]:
    """Check all regulations in a folder, and whether the packages beside it carry them out.

    Never raises. The file of a problem is relative to the folder.
    """
    try:
        regulations = load_regulation_folder(folder)
    except PackageProblem as refused:
        return list(refused.problems)
    packages = {}
    for manifest in sorted(folder.resolve().parent.glob(f"*/{PACKAGE}")):
        try:
            package = load_folder(manifest.parent)
        except PackageProblem:
            continue  # its own lint says so
        packages[package.key] = package
    found = check_coverage(regulations, packages)
    found.problems += check_parameters(regulations, packages).problems
    return found.problems


def check_coverage(regulations: Regulations, packages: Mapping[str, Package]) -> Findings:
    """Check that no article of a procedure's regulation is forgotten.

    Where ``procedures`` names packages, each article is the basis of a step or a rule in one of
    them, or says in ``uncovered`` why not. An article that was taken up by a later edition counts
    as covered with it.
    """
    found = Findings()
    for regulation in regulations:
        ours = [packages[key] for key in regulation.procedures if key in packages]
        if not ours:
            continue
        cited = {place for package in ours for place, _ in uses_of(package, regulations)}
        for edition, article in _forgotten(regulation, cited):
            found.warn(
                "article-uncovered",
                f"{regulation.id}/{MANIFEST}",
                f"{edition} 年版{article}没有任何环节或者规则引用",
                "请在环节的 basis 或者规则的 articles 里引用，或者用 uncovered 写明原因",
                element=article,
            )
    return found


def check_parameters(regulations: Regulations, packages: Mapping[str, Package]) -> Findings:
    """Check that no national parameter can be set without any effect.

    One that is the same everywhere only explains; one for procedures that are not there waits.
    """
    found = Findings()
    asked = {GAP, MIN_SIZE}
    asked.update(
        edition.in_force_by
        for regulation in regulations
        for edition in regulation.editions
        if edition.in_force_by
    )
    for package in packages.values():
        for _, use in uses_of(package, regulations):
            asked.update(use.parameters)
    for parameter in regulations.parameters.values():
        here = not parameter.procedures or packages.keys() & set(parameter.procedures)
        if packages and here and parameter.level is not Level.NONE and parameter.key not in asked:
            found.warn(
                "parameter-unused",
                PARAMETERS,
                f"没有规则用到参数“{parameter.name}”，设置了也不起作用",
                '请在规则里使用，或者写 level = "none"',
                element=parameter.name,
            )
    return found


def _forgotten(regulation: Regulation, cited: set[Place]) -> Iterator[tuple[str, str]]:
    """Yield edition and number of the articles that nothing rests on."""
    later: set[str] = set()
    for edition in reversed(regulation.editions):
        covered: set[str] = set()
        for article in edition.articles.values():
            named = (regulation.id, edition.id, article.number) in cited
            if named or article.uncovered or article.number in later:
                covered.update(article.taken_from)
            else:
                yield edition.id, article.number
        later = covered
