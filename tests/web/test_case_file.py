"""Taking a case file away on the web, and the papers on a matter's page."""

from __future__ import annotations

import io
import zipfile

import docx

from engine.database import unit_of_work
from engine.definitions.operations import deploy_package
from engine.definitions.package import load_package
from tests.web.conftest import Browser, World, leave_package


def take_away(browser: Browser, matter: int) -> zipfile.ZipFile:
    browser.get(f"/matters/{matter}")
    response = browser.client.post(f"/matters/{matter}/case-file", data={"_csrf": browser.token})
    assert response.status_code == 200
    assert response.mimetype == "application/zip"
    assert "no-store" in response.headers["Cache-Control"]
    assert "attachment" in response.headers["Content-Disposition"]
    data = response.get_data()
    assert int(response.headers["Content-Length"]) == len(data)
    response.close()
    return zipfile.ZipFile(io.BytesIO(data))


def test_the_leader_takes_the_case_file_away_and_the_record_says_so(world: World) -> None:
    matter, _ = world.start()
    browser = world.sign_in("leader")
    page = browser.get(f"/matters/{matter}").get_data(as_text=True)
    assert "导出卷宗" in page
    archive = take_away(browser, matter)
    assert archive.testzip() is None
    assert "万小云" in archive.read("index.html").decode()
    history = browser.get(f"/matters/{matter}?tab=history").get_data(as_text=True)
    assert "导出" in history


def test_a_case_file_is_not_handed_out_by_a_link(world: World) -> None:
    matter, _ = world.start()
    browser = world.sign_in("leader")
    assert browser.get(f"/matters/{matter}/case-file").status_code == 405
    refused = browser.client.post(f"/matters/{matter}/case-file")
    assert refused.status_code in (400, 403)


def test_the_person_concerned_and_strangers_are_refused(world: World) -> None:
    matter, _ = world.start()
    for who, status in (("worker", 403), ("stranger", 404)):
        browser = world.sign_in(who)
        assert browser.post(f"/matters/{matter}/case-file").status_code == status
    page = world.sign_in("worker").get(f"/matters/{matter}").get_data(as_text=True)
    assert "导出卷宗" not in page


def with_a_paper(world: World) -> None:
    """Deploy the leave procedure with a paper on its first step and one on the second."""
    document = docx.Document()
    document.add_paragraph("假条：{{ person.name }}，{{ step.day }}")
    out = io.BytesIO()
    document.save(out)
    files = dict(leave_package().files)
    files["documents/slip.docx"] = out.getvalue()
    for name, step in (("slip", "request_leave"), ("leave", "approve_leave")):
        files["process.toml"] += (
            f'\n[[paper]]\nid = "{name}"\ntitle = "{name}假条"\n'
            f'template = "documents/slip.docx"\nstep = "{step}"\n'
        ).encode()
    with unit_of_work() as unit:
        deploy_package(unit, load_package(files), world.clock)


def test_papers_are_listed_and_downloaded_drafts_marked(world: World) -> None:
    with_a_paper(world)
    matter, _ = world.start()
    browser = world.sign_in("leader")
    page = browser.get(f"/matters/{matter}?tab=documents").get_data(as_text=True)
    assert "slip假条" in page and "leave假条" in page
    assert "下载草稿" in page
    response = browser.client.get(f"/matters/{matter}/papers/slip")
    assert response.status_code == 200
    document = docx.Document(io.BytesIO(response.get_data()))
    assert document.paragraphs[0].text == "假条：万小云，2026年11月22日"
    response.close()
    draft = browser.client.get(f"/matters/{matter}/papers/leave")
    document = docx.Document(io.BytesIO(draft.get_data()))
    assert document.paragraphs[0].text == "假条：万小云，＿＿＿＿"
    draft.close()
    assert browser.get(f"/matters/{matter}/papers/none").status_code == 404


def test_the_person_concerned_is_offered_no_papers(world: World) -> None:
    with_a_paper(world)
    matter, _ = world.start()
    browser = world.sign_in("worker")
    page = browser.get(f"/matters/{matter}?tab=documents")
    assert page.status_code == 200
    assert "假条" not in page.get_data(as_text=True)
    assert browser.get(f"/matters/{matter}/papers/slip").status_code == 403
