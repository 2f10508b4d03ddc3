"""A result's table is shown, and never run or obeyed, whatever the classes are called."""

import re
from html.parser import HTMLParser

import pytest

from edgetl.documents import Document
from edgetl.overview import Overview

HOSTILE = ("<script>alert(1)</script>", '"><img src=x onerror=alert(1)>', "\x1b[31mred", "a\u202eb", "</table>", "&amp;", "a\nb")


class _Tags(HTMLParser):
    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.text = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        assert {name for name, _ in attributes} <= {"style"}

    def handle_data(self, data: str) -> None:
        self.text += data


def test_columns_are_aligned_and_numbers_stand_to_the_right() -> None:
    shown = Overview("Accuracy", ("model", "top-1 %"), (("tflite_int8", "9.50"), ("keras", "100.00")), ("a note",))
    assert shown.text().split("\n") == [
        "Accuracy",
        "  model        top-1 %",
        "  tflite_int8     9.50",
        "  keras         100.00",
        "  a note",
    ]
    assert shown.html().count("text-align:right") == 3
    assert shown.html().count("<tr>") == 3


@pytest.mark.parametrize("name", HOSTILE)
def test_names_are_data(name: str) -> None:
    shown = Overview(name, (name, "n"), ((name, "1"),), (name,))
    page = _Tags(shown.html())
    assert set(page.tags) == {"p", "b", "table", "thead", "tbody", "tr", "th", "td"}
    if name.isprintable():
        assert page.text.count(name) == 4
    assert not re.search(r"[\x00-\x09\x0b-\x1f\u202e]", shown.text() + shown.html())
    assert shown.text().count("\n") == 3


def test_long_tables_end_with_a_count_and_ragged_ones_are_refused() -> None:
    shown = Overview("many", ("k",), tuple((str(k),) for k in range(50)))
    assert "... and 20 more" in shown.text()
    assert "... and 20 more" in shown.html()
    assert Overview("nothing").text() == "nothing"
    with pytest.raises(ValueError, match="2 cells"):
        Overview("x", ("a", "b"), (("1",),))


def test_a_document_shows_its_overview() -> None:
    class Named(Document):
        name: str

        def overview(self) -> Overview:
            return Overview("Named", ("name",), ((self.name,),))

    one = Named(name="<b>")
    assert repr(one) == str(one) == "Named\n  name\n  <b>"
    assert "&lt;b&gt;" in one._repr_html_()
