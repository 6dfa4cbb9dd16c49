"""Lay out a .docx template after the format of official documents (GB/T 9704-2012).

A4; the type area of 156 × 225 mm stands 37 mm below the top edge and 28 mm from the left one. Title
in 小标宋 22 pt, body in 仿宋 16 pt with 28 pt lines (22 a page, 28 characters a line), headings in
黑体; page numbers in 宋体 14 pt between dashes. A machine without these fonts takes those named
beside them in the font table.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from io import BytesIO
from pathlib import Path

import docx
from docx.document import Document
from docx.enum.section import WD_ORIENT
from docx.enum.text import WD_ALIGN_PARAGRAPH, WD_LINE_SPACING
from docx.oxml import OxmlElement
from docx.oxml.ns import qn
from docx.shared import Mm, Pt
from docx.table import _Cell
from docx.text.paragraph import Paragraph
from docx.text.run import Run

from engine.documents.archive import repacked

TITLE, BODY, HEADING, KAI, PLAIN = "方正小标宋简体", "仿宋_GB2312", "黑体", "楷体_GB2312", "宋体"

FALLBACKS = {
    TITLE: "方正小标宋_GBK;华文中宋;STZhongsong;SimSun;Noto Serif CJK SC",
    BODY: "仿宋;FangSong;STFangsong;Noto Serif CJK SC",
    HEADING: "SimHei;Noto Sans CJK SC",
    KAI: "楷体;KaiTi;STKaiti;Noto Serif CJK SC",
    PLAIN: "SimSun;Noto Serif CJK SC",
}
ORGANISATION = "{{ matter.organisation_full }}"
"""Whose paper it is, most often."""
_MOMENT = datetime(2026, 1, 1)  # noqa: DTZ001 - a file's own time says nothing here


class OfficialPaper:
    """A template being written, paragraph by paragraph."""

    def __init__(self, *, landscape: bool = False) -> None:
        self.document: Document = docx.Document()
        self._page(landscape)
        self._fonts()
        self._numbers()
        properties = self.document.core_properties
        properties.author = properties.last_modified_by = ""
        properties.comments = properties.title = ""
        properties.created = properties.modified = _MOMENT

    def title(self, text: str) -> None:
        """Add the title, with an empty line after it."""
        self._add(text, TITLE, 22, align=WD_ALIGN_PARAGRAPH.CENTER, line=32)
        self._add("", BODY, 16)

    def recipient(self, text: str) -> None:
        """Add 主送机关, flush left."""
        self._add(f"{text}：", BODY, 16)

    def heading(self, text: str) -> None:
        """Add a heading of the first level."""
        self._add(text, HEADING, 16, indent=True)

    def body(self, text: str) -> None:
        """Add a paragraph of the body, first line two characters in."""
        self._add(text, BODY, 16, indent=True)

    def control(self, tag: str) -> None:
        """Add a line with nothing but a condition or loop; it leaves no line in the paper."""
        self._add(f"{{%p {tag} %}}", BODY, 16)

    def if_written(self, path: str, words: str = "", *, heading: str = "") -> None:
        """Add a paragraph, ``words`` in front, that is there only when ``path`` says something."""
        self.control(f"if {path}")
        if heading:
            self.heading(heading)
        self.body(f"{words}{{{{ {path} }}}}")
        self.control("endif")

    def ballot_count(self, field: str, use: str) -> None:
        """Add the count of a step's secret ballot, what it is for, and a line for the tellers."""
        numbers = ("issued", "collected", "valid", "invalid", "not_returned")
        self.table(
            [
                ["发出", "收回", "有效", "无效", "未交回"],
                [f"{{{{ step.data.{field}.{number} }}}}" for number in numbers],
            ],
            [31, 31, 31, 31, 32],
            head=True,
        )
        self.body(f"{{{{ step.words.{field} }}}}")
        self.if_written(f"step.words.{field}_note", "组织情况：")
        self.body(use)
        self.body("计票人（签名）：　　　　　　　　监票人（签名）：")

    def each(self, over: str, text: str) -> None:
        """Add a paragraph for each item; ``over`` is ``item in items``."""
        self.control(f"for {over}")
        self.body(text)
        self.control("endfor")

    def signature(self, by: str, day: str) -> None:
        """Add 发文机关署名 and 成文日期 to the right."""
        self._add("", BODY, 16)
        for text, away in ((by, 2), (day, 4)):
            paragraph = self._add(text, BODY, 16, align=WD_ALIGN_PARAGRAPH.RIGHT)
            paragraph.paragraph_format.right_indent = Pt(16 * away)

    def notes(self, text: str) -> None:
        """Add a small line."""
        self._add(text, KAI, 12, line=18)

    def table(
        self,
        rows: Sequence[Sequence[str]],
        widths: Sequence[float],
        *,
        head: bool = False,
        size: float = 12,
    ) -> None:
        """Add a table; ``widths`` in mm. A head is repeated on every page."""
        table = self.document.add_table(rows=0, cols=len(widths))
        table.style = "Table Grid"
        table.autofit = False
        for column, width in zip(table.columns, widths, strict=True):
            column.width = Mm(width)
        for number, texts in enumerate(rows):
            row = table.add_row()
            if head and number == 0:
                mark = OxmlElement("w:tblHeader")
                row._tr.get_or_add_trPr().append(mark)
            whole = OxmlElement("w:cantSplit")
            row._tr.get_or_add_trPr().append(whole)
            for cell, text, width in zip(row.cells, texts, widths, strict=True):
                cell.width = Mm(width)
                self._fill(cell, text, size, bold=head and number == 0)

    def loop(self, over: str, cells: Sequence[str], *, size: float = 12) -> None:
        """Add rows to the last table: one for each item; ``over`` is ``row in rows``."""
        table = self.document.tables[-1]
        for texts in ((f"{{%tr for {over} %}}",), tuple(cells), ("{%tr endfor %}",)):
            row = table.add_row()  # type: ignore[no-untyped-call]  # python-docx forgot to say
            row._tr.get_or_add_trPr().append(OxmlElement("w:cantSplit"))
            for cell, text, model in zip(
                row.cells, (*texts, *[""] * (len(row.cells) - len(texts))), table.rows[0].cells,
                strict=True,
            ):  # fmt: skip
                cell.width = model.width
                self._fill(cell, text, size)

    def save(self, path: Path) -> None:
        """Write the template."""
        path.parent.mkdir(parents=True, exist_ok=True)
        made = BytesIO()
        self.document.save(made)
        with path.open("wb") as target:
            repacked(made, target)

    # --- how ----------------------------------------------------------------------------------

    def _fill(self, cell: _Cell, text: str, size: float, *, bold: bool = False) -> None:
        paragraph = cell.paragraphs[0]
        self._format(paragraph, size * 1.5)
        run = paragraph.add_run(text)
        self._face(run, HEADING if bold else BODY, size)

    def _add(
        self,
        text: str,
        font: str,
        size: float,
        *,
        align: WD_ALIGN_PARAGRAPH | None = None,
        indent: bool = False,
        line: float = 28,
    ) -> Paragraph:
        paragraph = self.document.add_paragraph()
        self._format(paragraph, line)
        if align is not None:
            paragraph.alignment = align
        if indent:
            paragraph.paragraph_format.first_line_indent = Pt(size * 2)
        self._face(paragraph.add_run(text), font, size)
        return paragraph

    def _format(self, paragraph: Paragraph, line: float) -> None:
        form = paragraph.paragraph_format
        form.space_before = form.space_after = Pt(0)
        form.line_spacing_rule = WD_LINE_SPACING.AT_LEAST
        form.line_spacing = Pt(line)

    def _face(self, run: Run, font: str, size: float) -> None:
        run.font.size = Pt(size)
        run.font.name = font
        fonts = run._element.get_or_add_rPr().get_or_add_rFonts()
        for script in ("w:eastAsia", "w:ascii", "w:hAnsi"):
            fonts.set(qn(script), font)

    def _page(self, landscape: bool) -> None:
        section = self.document.sections[0]
        size = (Mm(297), Mm(210)) if landscape else (Mm(210), Mm(297))
        section.page_width, section.page_height = size
        section.orientation = WD_ORIENT.LANDSCAPE if landscape else WD_ORIENT.PORTRAIT
        top, right, bottom, left = (28, 20, 20, 20) if landscape else (37, 26, 35, 28)
        section.top_margin, section.bottom_margin = Mm(top), Mm(bottom)
        section.left_margin, section.right_margin = Mm(left), Mm(right)
        section.footer_distance = Mm(12 if landscape else 25)

    def _fonts(self) -> None:
        """Name what stands in for a font that is not there."""
        part = next(
            p for p in self.document.part.package.iter_parts()
            if p.partname == "/word/fontTable.xml"
        )  # fmt: skip
        names = "".join(
            f'<w:font w:name="{name}"><w:altName w:val="{others}"/><w:charset w:val="86"/></w:font>'
            for name, others in FALLBACKS.items()
        )
        space = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"
        text = f'<?xml version="1.0" encoding="UTF-8"?><w:fonts xmlns:w="{space}">{names}</w:fonts>'
        part._blob = text.encode()

    def _numbers(self) -> None:
        paragraph = self.document.sections[0].footer.paragraphs[0]
        paragraph.alignment = WD_ALIGN_PARAGRAPH.CENTER
        self._face(paragraph.add_run("— "), PLAIN, 14)
        for kind, text in (("begin", ""), ("", "PAGE"), ("end", "")):
            run = paragraph.add_run()
            self._face(run, PLAIN, 14)
            if kind:
                mark = OxmlElement("w:fldChar")
                mark.set(qn("w:fldCharType"), kind)
            else:
                mark = OxmlElement("w:instrText")
                mark.text = text
            run._element.append(mark)
        self._face(paragraph.add_run(" —"), PLAIN, 14)
