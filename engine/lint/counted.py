"""What is counted of steps: the answers that a ``when`` asks for are fields of their forms."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from engine.definitions.duties import CountedStep
from engine.definitions.package import Package
from engine.expressions import Expression
from engine.lint.forms import Forms
from engine.lint.names import did_you_mean


def unknown_answers(
    package: Package, counts: Iterable[CountedStep], when: Expression | None, forms: Forms
) -> Iterator[str]:
    """Yield a sentence for each name that is no field of a step of the package that counts."""
    if when is None:
        return
    for step in counts:
        if step.process != package.key or step.element not in package.steps:
            continue
        schema = forms.schemas.get(package.steps[step.element].form)
        if schema is None:
            continue
        for name in sorted(when.names - schema.keys):
            meant = did_you_mean(name, sorted(schema.keys))
            yield f"环节“{step.element}”的表单没有字段“{name}”{meant}"
