"""The diagram as a picture: everything that has a place is drawn, and marked in words."""

from __future__ import annotations

from lxml import etree

from engine.documents.lettering import lines_of, width_of
from engine.documents.svg import draw, read_layout
from engine.settings import ROOT

SOURCE = ROOT / "processes" / "member_admission" / "member_admission.bpmn"


def test_every_shape_and_flow_of_the_procedure_is_drawn() -> None:
    source = SOURCE.read_bytes()
    layout = read_layout(source)
    assert len(layout.shapes) == source.count(b"<bpmndi:BPMNShape")
    assert len(layout.edges) == source.count(b"<bpmndi:BPMNEdge")
    picture = etree.fromstring(draw(layout, {}, title="发展党员", here="正在这里").encode())
    assert len(picture.findall("{*}polyline")) == len(layout.edges)
    assert len(picture.findall("{*}g")) == len([s for s in layout.shapes if s.kind not in
                                                ("lane", "subProcess")])  # fmt: skip
    x, y, width, height = map(float, picture.get("viewBox", "").split())
    for shape in layout.shapes:
        assert x <= shape.box.x and shape.box.x + shape.box.width <= x + width
        assert y <= shape.box.y and shape.box.y + shape.box.height <= y + height


def test_the_way_of_a_matter_is_marked_by_word_and_sign() -> None:
    layout = read_layout(SOURCE.read_bytes())
    states = {"submit_application": "done", "first_talk": "now", "start_application": "done"}
    drawn = draw(layout, states, title="图", here="正在这里")
    assert drawn.count("正在这里") == 1
    assert drawn.count('class="tick"') == 1
    assert '<g class="done" data-element="submit_application">' in drawn
    assert drawn.count('class="done flow"') == 2


def test_a_stage_can_be_drawn_alone() -> None:
    layout = read_layout(SOURCE.read_bytes())
    part = layout.within("stage_application")
    assert part is not None
    ids = {shape.id for shape in part.shapes}
    assert {"submit_application", "first_talk"} <= ids
    assert "decide_activist" not in ids
    assert layout.within("unknown") is None


def test_names_are_escaped() -> None:
    source = SOURCE.read_bytes().replace("递交入党申请书".encode(), b"&lt;script&gt;&amp;&quot;")
    drawn = draw(read_layout(source), {}, title='a"<b', here="")
    assert "<script" not in drawn
    etree.fromstring(drawn.encode())


def test_a_diagram_without_layout_gives_an_empty_picture() -> None:
    source = (
        b'<definitions xmlns="http://www.omg.org/spec/BPMN/20100524/MODEL">'
        b'<process id="p"><startEvent id="s"/></process></definitions>'
    )
    etree.fromstring(draw(read_layout(source), {}, title="", here="").encode())


def test_lines_break_as_chinese_does() -> None:
    assert lines_of("推荐和确定入党积极分子", 100) == ["推荐和确定入党积", "极分子"]
    assert lines_of("甲乙丙丁，戊", 48) == ["甲乙丙丁，", "戊"]
    assert lines_of("08P 公示", 100) == ["08P 公示"]
    assert all(width_of(line) <= 110 for line in lines_of("supplement of the papers 材料", 100))
