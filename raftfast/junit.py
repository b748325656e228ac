"""A check as JUnit XML, which most CI systems show: a test case for every threshold."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from xml.etree import ElementTree

from .gate import BREACHED, UNCHECKED
from .judgements import CHANGED

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

    from .checking import Checked, Report
    from .judgements import Judgement

_FORBIDDEN = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def document(report: Report) -> bytes:
    """The XML: a suite a scenario, in it a case for safety, one for the digest where there is a
    baseline, and one a threshold.

    Breaches are failures, violations of safety errors, what needs a baseline is skipped; what is
    undecided or changed has passed, and says so.
    """
    root = ElementTree.Element("testsuites", name="raftfast check")
    for checked in report.checked:
        _suite(root, checked)
    _count(root, root)
    ElementTree.indent(root)
    text: bytes = ElementTree.tostring(root, encoding="utf-8", xml_declaration=True)
    return text + b"\n"


def _suite(root: Element, checked: Checked) -> None:
    suite = ElementTree.SubElement(root, "testsuite", name=_text(checked.name))
    safety = _case(suite, checked, "safety")
    if checked.record.violations:
        broken = ", ".join(checked.broken) or "an invariant"
        message = f"{checked.record.violations} violations of safety: {broken}"
        ElementTree.SubElement(safety, "error", message=message)
    if checked.reference is not None:
        digest = _case(suite, checked, "digest is the baseline's")
        words = "nothing changed" if checked.same else "it is not; see the other cases"
        ElementTree.SubElement(digest, "system-out").text = words
    for judgement in checked.judgements:
        _judgement(suite, checked, judgement)
    _count(suite, suite)


def _judgement(suite: Element, checked: Checked, judgement: Judgement) -> None:
    name = judgement.metric
    if judgement.threshold is not None:
        name = f"{judgement.metric} {judgement.threshold.text}"
    case = _case(suite, checked, name)
    message = _text(str(judgement))
    if judgement.status == BREACHED:
        ElementTree.SubElement(case, "failure", message=message, type="threshold")
    elif judgement.status == UNCHECKED:
        ElementTree.SubElement(case, "skipped", message=message)
    else:
        prefix = f"{CHANGED}: " if judgement.status == CHANGED else ""
        ElementTree.SubElement(case, "system-out").text = prefix + message


def _case(suite: Element, checked: Checked, name: str) -> Element:
    return ElementTree.SubElement(
        suite, "testcase", name=_text(name), classname=f"raftfast.{_text(checked.name)}", time="0"
    )


def _count(within: Element, element: Element) -> None:
    """Write on an element how many cases there are within, and what became of them."""
    cases = list(within.iter("testcase"))
    element.set("tests", str(len(cases)))
    for name, child in (("failures", "failure"), ("errors", "error"), ("skipped", "skipped")):
        element.set(name, str(sum(case.find(child) is not None for case in cases)))


def _text(text: str) -> str:
    """Without the characters that XML cannot hold."""
    return _FORBIDDEN.sub("\ufffd", text)
