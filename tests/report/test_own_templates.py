# SPDX-License-Identifier: Apache-2.0
"""Own templates: what a folder may change, and every way out of it that we could think of, closed."""

from __future__ import annotations

import base64
import io
import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pikepdf
import pytest

from governance.errors import NotFoundError, TemplateError
from governance.report.own_folder import FILE_SIZE_BYTES_MAX, FILES_MAX, read_own_folder
from governance.report.page import render_html
from governance.report.render import render
from governance.report.sandbox import Budget
from governance.report.template_digest import digest_template
from governance.report.templates import find_templates, load_template
from governance.resources import report_templates_directory, samples_directory
from governance.workspace.verifying import Beside, verify_source
from tests.report.conformance import faults
from tests.report.issued import NOW, SUBJECT, opened_workspace

ROOT = report_templates_directory()
SAMPLE = samples_directory() / "own_templates"
CONTENT: Mapping[str, Any] = {
    "name": "Scorer",
    "subject": SUBJECT,
    "tree_size": 3,
    "issued_instant": "2026-11-20T12:00:00.000000Z",
    "ledger": {"origin": "example.com/x", "root": "ab" * 32},
    "evidence": [{"index": 0, "type": "x"}, {"index": 1, "type": "y"}],
}
PAGE = '{% extends "_base/page.html.j2" %}{% block title %}T{% endblock %}{% block body %}\n'
SVG = b'<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink">%s</svg>'


def folder_of(path: Path, files: Mapping[str, str | bytes]) -> Path:
    """A folder of own templates."""
    folder = path / "house"
    folder.mkdir(exist_ok=True)
    for name, text in files.items():
        target = folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(text if isinstance(text, bytes) else text.encode())
    return folder


def html_of(path: Path, body: str, **files: str | bytes) -> str:
    """What a body renders to in a template of one's own."""
    folder = folder_of(path, {"own/template.html.j2": PAGE + body + "{% endblock %}", **files})
    return render_html(load_template(ROOT, "own", own=folder), CONTENT)


def refused(path: Path, body: str, **files: str | bytes) -> str:
    """What is told of a body that is refused."""
    with pytest.raises(TemplateError) as raised:
        html_of(path, body, **files)
    return str(raised.value)


# --- The attacks: each ends in our error, with file and line ---------------------------------------------------------


@pytest.mark.parametrize(
    "name",
    [
        "/etc/passwd",
        "etc/passwd",
        "../secret.txt",
        "own/../../secret.txt",
        "shipped/../secret.txt",
        "..\\\\secret.txt",
        "_base/../../pyproject.toml",
        "executive/template.html.j2",
    ],
)
def test_attack_1_a_file_outside_is_not_included_by_whatever_name(tmp_path: Path, name: str) -> None:
    (tmp_path / "secret.txt").write_text("secret")
    told = refused(tmp_path, f'<p>x</p>\n{{% include "{name}" %}}')
    assert "house/own/template.html.j2:3: there is no template" in told
    assert "secret!" not in told


@pytest.mark.parametrize("kind", ["file", "folder"])
def test_attack_2_a_link_out_of_the_folder_is_refused_wherever_it_leads(tmp_path: Path, kind: str) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "secret.txt").write_text("secret")
    folder = folder_of(tmp_path, {"own/template.html.j2": "x"})
    (folder / "own" / "linked").symlink_to(outside / "secret.txt" if kind == "file" else outside)
    with pytest.raises(TemplateError, match=r"own/linked: a link that leads out of"):
        load_template(ROOT, "own", own=folder)


def test_a_link_inside_the_folder_is_followed_to_a_file_and_not_to_a_folder(tmp_path: Path) -> None:
    folder = folder_of(tmp_path, {"own/template.html.j2": "x"})
    (folder / "other").mkdir()
    (folder / "other" / "template.html.j2").symlink_to(folder / "own" / "template.html.j2")
    assert read_own_folder(folder).files["other/template.html.j2"] == b"x"
    (folder / "again").symlink_to(folder / "other")
    with pytest.raises(TemplateError, match="a link to a folder"):
        read_own_folder(folder)


@pytest.mark.parametrize(
    "body",
    [
        '<img src="{0}">',
        '<p style="background:url({0})">x</p>',
        "<style>p{{{{background:url('{0}')}}}}</style>",
        "<style>p{{{{background:image-set('{0}' 1x)}}}}</style>",
        '<a rel="attachment" href="{0}">x</a>',
        '<link rel="attachment" href="{0}">',
        '<svg><image xlink:href="{0}"/></svg>',
        '<svg><use href="{0}#a"/></svg>',
        '<svg><rect fill="url({0}#a)"/></svg>',
        '<object data="{0}"></object>',
        '<iframe src="{0}"></iframe>',
        '<form action="{0}"></form>',
        '<meta http-equiv="refresh" content="0;url={0}">',
        '<base href="{0}">',
        '<table background="{0}"></table>',
        '<img srcset="{0} 2x">',
        '<video poster="{0}"></video>',
    ],
)
@pytest.mark.parametrize(
    "address", ["file:///etc/passwd", "https://example.com/x.png", "//example.com/x.png"]
)
def test_attack_3_and_4_no_address_is_asked_for_be_it_a_file_or_the_web(
    tmp_path: Path, body: str, address: str
) -> None:
    told = refused(tmp_path, f"<p>one</p>\n{body.format(address).replace('{{', '{').replace('}}', '}')}")
    assert re.search(r"house/own/template\.html\.j2(:3|, in what it makes of)", told), told


def test_a_link_that_a_reader_may_follow_is_none_of_these(tmp_path: Path) -> None:
    assert "https://example.com" in html_of(tmp_path, '<a href="https://example.com/policy">policy</a>')


def test_an_address_that_is_put_together_is_found_in_the_page(tmp_path: Path) -> None:
    told = refused(tmp_path, """<img {{ ("sr" ~ "c=file:///etc/passwd") | safe }}>""")
    assert "file:///etc/passwd is asked for" in told


def test_what_the_check_of_the_page_would_miss_the_renderer_refuses(tmp_path: Path) -> None:
    """A comment that HTML ends earlier than Python's parser does."""
    body = "<!-- --!><img src='file:///etc/passwd'><!-- -->"
    folder = folder_of(tmp_path, {"own/template.html.j2": PAGE + body + "{% endblock %}"})
    with pytest.raises(TemplateError, match="file:///etc/passwd"):
        render(load_template(ROOT, "own", own=folder), CONTENT, format="pdf", issued_at=NOW)


@pytest.mark.parametrize(
    ("drawing", "what"),
    [
        (
            b'<!DOCTYPE svg [<!ENTITY x SYSTEM "file:///etc/passwd">]>' + SVG % b"<text>&x;</text>",
            "document type",
        ),
        (SVG % b'<image xlink:href="file:///etc/passwd"/>', "file:///etc/passwd is asked for"),
        (SVG % b"<style>*{fill:url(file:///etc/passwd)}</style>", "file:///etc/passwd is asked for"),
        (SVG % b"<style>@import 'http://x/'</style>", "@import"),
        (SVG % b"<script>1</script>", "<script>"),
        (SVG % b"<foreignObject/>", "<foreignObject>"),
        (SVG % b'<a href="https://example.com"/>', "is asked for"),
        (SVG % b'<rect onclick="x"/>', "runs a program"),
        (b'<?xml-stylesheet href="http://x/"?>' + SVG % b"", "<?xml-stylesheet?>"),
        (b'<?xml version="1.0" encoding="utf-16"?>' + SVG % b"", "UTF-8"),
        (b"no drawing", "not a drawing"),
    ],
)
def test_attack_5_a_drawing_brings_nothing_in(tmp_path: Path, drawing: bytes, what: str) -> None:
    address = f"data:image/svg+xml;base64,{base64.b64encode(drawing).decode()}"
    assert what in refused(tmp_path, f'<p>one</p>\n<img src="{address}">')
    told = refused(tmp_path, "x", **{"logo.svg": drawing})
    assert re.search(r"house/logo\.svg:1: ", told)
    assert what in told
    told = refused(tmp_path, '{{ asset("x.svg") }}', **{"logo.svg": SVG % b"", "assets/x.svg": drawing})
    assert what in told


@pytest.mark.parametrize(
    "address", ["data:text/html,x", "data:image/svg+xml;base64,@@", "data:application/x-font,x", "data:,x"]
)
def test_data_are_pictures_and_fonts_alone(tmp_path: Path, address: str) -> None:
    assert "data:" in refused(tmp_path, f'<img src="{address}">')


@pytest.mark.parametrize(
    "expression",
    [
        "''.__class__.__mro__",
        "''['__class__']",
        "content['__class__']",
        "content.__class__",
        "cycler.__init__.__globals__",
        "range.__self__",
        "self._TemplateReference__context",
        "'{0.__class__}'.format(content)",
        "'%s' % content",
        "'x'.join([1])",
        "'x'.center(9)",
        "content.evidence.append(1)",
        "content.update({'a': 1})",
        "content.pop('name')",
        "content.evidence.sort()",
        "namespace.mro()",
        "(1).to_bytes(9)",
        "(0.5).hex()",
    ],
)
def test_attack_6_to_8_no_attribute_leads_out_and_nothing_is_changed(tmp_path: Path, expression: str) -> None:
    before = repr(CONTENT)
    told = refused(tmp_path, f"<p>one</p>\n{{{{ {expression} }}}}")
    assert "house/own/template.html.j2:3: " in told
    assert repr(CONTENT) == before


def test_attributes_by_way_of_a_filter_are_not_there(tmp_path: Path) -> None:
    assert "[Undefined]" in html_of(tmp_path, "{{ [content] | map(attribute='__class__') | list }}")


@pytest.mark.parametrize(
    "expression", ["'x' | attr('__class__')", "'%9d' | format(1)", "content | pprint", "[1, 2] | random"]
)
def test_filters_that_reach_format_or_draw_lots_do_not_exist(tmp_path: Path, expression: str) -> None:
    told = refused(tmp_path, f"<p>one</p>\n{{{{ {expression} }}}}")
    assert "house/own/template.html.j2:3: No filter named" in told


@pytest.mark.parametrize("name", ["lipsum()", "dict(a=1)", "get_flashed_messages()", "config", "request"])
def test_names_that_other_programs_offer_do_not_exist(tmp_path: Path, name: str) -> None:
    assert ":2: template own does not render: there is no" in refused(tmp_path, f"{{{{ {name} }}}}")


@pytest.mark.parametrize(
    "body",
    [
        "{% for a in range(10**9) %}{% endfor %}",
        "{% for a in range(99999) %}{% for b in range(99999) %}{% endfor %}{% endfor %}",
        "{% macro f(n) %}{{ f(n) }}{% endmacro %}{{ f(1) }}",
        "{% macro f(n) %}{% if n %}{{ f(n - 1) }}{{ f(n - 1) }}{% endif %}{% endmacro %}{{ f(60) }}",
        "{% include 'own/template.html.j2' %}",
        "{% set n = namespace(x='x') %}{% for a in range(99) %}{% set n.x = n.x ~ n.x %}{% endfor %}",
        "{% set n = namespace(x='x') %}{% for a in range(99) %}{% set n.x = n.x + n.x %}{% endfor %}",
        "{% set n = namespace(x='x') %}{% for a in range(99) %}{% set n.x = [n.x, n.x] | join %}{% endfor %}",
        "{% set n = namespace(x='x') %}{% for a in range(99) %}{% set n.x = n.x | replace('x', 'xx') %}{% endfor %}",
        "{% set n = namespace(x='x') %}{% for a in range(99) %}{% set n.x %}{{ n.x }}{{ n.x }}{% endset %}{% endfor %}",
        "{% set n = namespace(x=[1]) %}{% for a in range(99) %}{% set n.x = [n.x, n.x] | sum(start=[]) %}{% endfor %}",
        "{% set n = namespace(x=9) %}{% for a in range(99) %}{% set n.x = n.x * n.x %}{% endfor %}",
        "{{ 'x' * 10**9 }}",
        "{{ 10**9 * [1] }}",
        "{{ 9**9**9**9 }}",
        "{% set x = range(99999) | list %}{% for a in x %}{{ -1 in x }}{{ x[1:] == x }}{{ x.count(1) }}{% endfor %}",
        "{% for a in range(99999) %}" + "x" * 9000 + "{% endfor %}",
        "{% for a in range(9) recursive %}{{ loop(range(9)) }}{% endfor %}",
    ],
)
def test_attack_9_and_10_what_does_not_end_or_grows_without_end_is_stopped(tmp_path: Path, body: str) -> None:
    folder = folder_of(tmp_path, {"own/template.html.j2": PAGE + body + "{% endblock %}"})
    with pytest.raises(TemplateError, match=r"(house/own/template|shipped/_base/page)\.html\.j2:\d+: "):
        render_html(load_template(ROOT, "own", own=folder), CONTENT, budget=Budget(200_000, 1_000_000))


def test_the_budget_leaves_room_for_what_reports_do(tmp_path: Path) -> None:
    body = "{% for a in range(99999) %}{{ a }}{% endfor %}{{ [[1], [2]] | sum(start=[]) }}"
    body += "{{ [1, 2] | sum }}{{ 2**9 * 3 }}"
    assert "[1, 2]31536" in html_of(tmp_path, body)


@pytest.mark.parametrize(
    ("style", "what"),
    [
        ("@import url(https://example.com/x.css);", "@import"),
        ("@import 'x.css';", "@import"),
        ("@\\69mport 'x.css';", "@import"),
        ("p{background:url(https://example.com/x)}", "https://example.com/x is asked for"),
        ("p{background:u\\72l(file:///etc/passwd)}", "file:///etc/passwd is asked for"),
        ("p{background:url(assets/../../secret)}", "is asked for"),
        ("p{background:image-set('https://x/' 1x)}", "https://x/ is asked for"),
        ("p{background:url(a b)}", "an address that is none"),
        ("@media print{p{content:url(x.png)}}", "x.png is asked for"),
        ("</style><script>1</script>", "would end the style sheet"),
    ],
)
def test_attack_11_a_style_sheet_brings_nothing_in(tmp_path: Path, style: str, what: str) -> None:
    told = refused(tmp_path, "x", **{"theme.css": f"p{{color:red}}\n{style}"})
    assert "house/theme.css:2: " in told
    assert what in told


@pytest.mark.parametrize(
    "body",
    [
        "<script>1</script>",
        "{{ '<script>1</script>' | safe }}",
        "<p onclick='x'>x</p>",
        "<a href='javascript:x'>x</a>",
        "<iframe srcdoc='x'></iframe>",
        "<style>p{}</style><style>@import 'x'</style>",
    ],
)
def test_attack_12_no_program_comes_into_a_page(tmp_path: Path, body: str) -> None:
    assert "house/own/template.html.j2:3: " in refused(tmp_path, f"<p>one</p>\n{body}")


def test_text_of_the_content_stays_text(tmp_path: Path) -> None:
    folder = folder_of(tmp_path, {"own/template.html.j2": PAGE + "{{ content.name }}{% endblock %}"})
    html = render_html(load_template(ROOT, "own", own=folder), {**CONTENT, "name": "<script>1</script>"})
    assert "<script>" not in html
    assert "&lt;script&gt;" in html


# --- What is not there is told ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("expression", "hint"),
    [
        ("content.evidense", "did you mean evidence?"),
        ("content.ledger.orgin", "did you mean origin?"),
        ("contents.name", "did you mean content or"),
        ("content.evidence[0].zzz", "there are index, type"),
        ("{}.zzz", "there is nothing"),
        ("content[1]", "docs/report-templates.md"),
        ("content.evidence.first", "docs/report-templates.md"),
    ],
)
def test_what_the_content_does_not_hold_is_told_with_file_line_and_the_nearest_name(
    tmp_path: Path, expression: str, hint: str
) -> None:
    told = refused(tmp_path, f"<p>one</p>\n\n{{{{ {expression} }}}}")
    assert "house/own/template.html.j2:4: template own does not render: " in told
    assert f"hint: {hint}" in told


def test_a_template_that_extends_itself_is_told_how_to_extend_ours(tmp_path: Path) -> None:
    folder = folder_of(
        tmp_path, {"assessment/template.html.j2": '{% extends "assessment/template.html.j2" %}'}
    )
    with pytest.raises(TemplateError, match="extends itself") as raised:
        render_html(load_template(ROOT, "assessment", own=folder), CONTENT)
    assert "shipped/assessment/template.html.j2" in str(raised.value.hint)


@pytest.mark.parametrize(
    ("files", "what"),
    [
        ({"own/template.html.j2": b"\xff"}, "not UTF-8 at byte 0"),
        ({"own/template.html.j2": "x", "theme.css": b"\xff"}, "not UTF-8"),
        ({"own/template.html.j2": "x", "logo.png": b"GIF89a"}, "not what a name that ends in .png says"),
        (
            {"own/template.html.j2": '{{ asset("x.exe") }}', "assets/x.exe": b"MZ"},
            "neither a picture nor a font",
        ),
        ({"own/template.html.j2": '{{ asset("y.png") }}', "assets/x.png": b""}, "there is no assets/y.png"),
        ({"own/template.html.j2": '{{ asset("y.png") }}'}, "there is no assets/y.png"),
        ({"own/template.html.j2": "x", "a b.txt": "x"}, "not a plain name"),
        ({"own/template.html.j2": "x", "big.txt": b"x" * (FILE_SIZE_BYTES_MAX + 1)}, "larger than 2 MiB"),
        ({"own/template.html.j2": "x", **{f"{n}.txt": "" for n in range(FILES_MAX)}}, "more than 500 files"),
        (
            {"own/template.html.j2": "x", **{f"{n}.txt": b"x" * FILE_SIZE_BYTES_MAX for n in range(9)}},
            "more than 16 MiB",
        ),
    ],
)
def test_a_folder_that_cannot_be_used_says_why(
    tmp_path: Path, files: Mapping[str, str | bytes], what: str
) -> None:
    with pytest.raises(TemplateError, match=re.escape(what)):
        render_html(load_template(ROOT, "own", own=folder_of(tmp_path, files)), CONTENT)


def test_a_socket_in_the_folder_is_not_read(tmp_path: Path) -> None:
    folder = folder_of(tmp_path, {"own/template.html.j2": "x"})
    os.mkfifo(folder / "pipe")
    with pytest.raises(TemplateError, match="pipe: not a file"):
        load_template(ROOT, "own", own=folder)


def test_a_folder_that_is_none_an_unknown_template_and_a_strange_id_are_told(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError, match="there is no folder of templates"):
        load_template(ROOT, "assessment", own=tmp_path / "none")
    folder = folder_of(tmp_path, {"Own/template.html.j2": "x", ".git/template.html.j2": "x"})
    with pytest.raises(NotFoundError) as raised:
        load_template(ROOT, "own", own=folder)
    assert "Own" in str(raised.value.hint)
    assert ".git" not in str(raised.value.hint)
    with pytest.raises(TemplateError, match="not an id of a template"):
        load_template(ROOT, "Own", own=folder)


def test_without_an_own_folder_there_are_no_assets(tmp_path: Path) -> None:
    folder = folder_of(tmp_path, {"own/template.html.j2": '{{ asset("x.png") }}', "_base/style.css": "p{}"})
    with pytest.raises(TemplateError, match="there is no own folder of templates"):
        render_html(load_template(ROOT, "own", own=folder), CONTENT)


# --- What an own folder changes --------------------------------------------------------------------------------------


def test_a_folder_with_a_base_is_a_whole_set_and_ours_do_not_lie_under_it(tmp_path: Path) -> None:
    folder = folder_of(
        tmp_path, {"own/template.html.j2": "<p>{{ content.name }}</p>{{ style }}", "_base/style.css": "p{}"}
    )
    template = load_template(ROOT, "own", own=folder)
    assert render_html(template, CONTENT) == "<p>Scorer</p>p{}"
    with pytest.raises(NotFoundError, match="no report template 'assessment'"):
        load_template(ROOT, "assessment", own=folder)
    (folder / "own" / "template.html.j2").write_text("\n{{ content.x }}")
    with pytest.raises(TemplateError, match=r"house/own/template.html.j2:2: "):
        render_html(load_template(ROOT, "own", own=folder), CONTENT)


def test_own_templates_are_found_beside_ours() -> None:
    own = read_own_folder(SAMPLE)
    assert set(find_templates(ROOT, own)) - set(find_templates(ROOT)) == {"assessment.board"}
    assert "assessment" in find_templates(ROOT, own)


def test_the_digest_covers_the_whole_own_folder(tmp_path: Path) -> None:
    shipped = digest_template(load_template(ROOT, "assessment"))
    folder = folder_of(tmp_path, {"theme.css": ":root{--navy:#000}"})
    own = digest_template(load_template(ROOT, "assessment", own=folder))
    (folder / "assets").mkdir()
    (folder / "assets" / "x.txt").write_text("")
    assert len({shipped, own, digest_template(load_template(ROOT, "assessment", own=folder))}) == 3


@pytest.fixture(scope="module")
def reports(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, Any]:
    """The sample's two templates, issued from a small ledger."""
    folder = tmp_path_factory.mktemp("own")
    with opened_workspace() as workspace:
        made: dict[str, Any] = {"folder": folder, "key": workspace.verifier_key, "workspace": workspace}
        for name in ("assessment", "assessment.board"):
            rendered = workspace.report(
                SUBJECT, template=name, rule_sets=["baseline"], at=NOW, templates=SAMPLE
            )
            (folder / f"{name}.pdf").write_bytes(rendered.content)
            made[name] = rendered.content
        last = workspace.size - 1
        made["same"] = [workspace.reproduce(at, templates=SAMPLE).is_same for at in (last - 1, last)]
        made["without"] = workspace.reproduce(last - 1)
        made["html"] = workspace.report(
            SUBJECT, template="assessment", at=NOW, templates=str(SAMPLE), format="html", draft=True
        ).content.decode()
    return made


@pytest.mark.slow
def test_logo_colours_and_the_replaced_block_are_in_the_report(reports: Mapping[str, Any]) -> None:
    html = reports["html"]
    assert html.count('<img class="logo" src="data:image/svg+xml;base64,') == 1
    assert "--navy: #123a2c" in html
    assert "url(data:image/svg+xml;base64," in html
    assert "Rule of the house" in html
    assert (
        html.index("Register of approvals</h1>")
        < html.index("Rule of the house")
        < html.index("How to verify</h1>")
    )


@pytest.mark.slow
def test_a_template_of_ones_own_has_the_content_of_the_one_before_the_dot(reports: Mapping[str, Any]) -> None:
    with pikepdf.open(io.BytesIO(reports["assessment.board"])) as pdf:
        assert len(pdf.pages) == 1
        assert str(pdf.docinfo["/Title"]) == "For the board – scorer@2"


@pytest.mark.slow
@pytest.mark.parametrize("name", ["assessment", "assessment.board"])
def test_own_reports_have_no_faults_and_verify_with_their_folder(
    reports: Mapping[str, Any], name: str
) -> None:
    assert sorted(set(faults(reports[name]))) == []
    path = str(reports["folder"] / f"{name}.pdf")
    found = verify_source(path, key=reports["key"], beside=Beside(templates=SAMPLE))
    assert found.holds
    assert "its pages are those of that content, byte for byte" in found.claim


@pytest.mark.slow
def test_without_the_folder_a_report_does_not_count_as_verified(reports: Mapping[str, Any]) -> None:
    path = str(reports["folder"] / "assessment.pdf")
    found = verify_source(path, key=reports["key"])
    assert not found.holds
    assert ["--templates FOLDER" in each.what for each in found.discrepancies] == [True]


@pytest.mark.slow
def test_own_reports_are_made_again_with_their_folder_and_not_without(reports: Mapping[str, Any]) -> None:
    assert reports["same"] == [True, True]
    assert not reports["without"].is_same
    assert [each.what for each in reports["without"].differences] == ["template"]
