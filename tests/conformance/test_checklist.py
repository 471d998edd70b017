"""Each rule of README.md has a test that is named after it, and no test is named after another."""

import re
from pathlib import Path

HERE = Path(__file__).parent


def rules() -> set[str]:
    rows = re.findall(r"^\| ([ABC]\d+) \|", (HERE / "README.md").read_text(), re.MULTILINE)
    assert len(rows) == 33 + 24 + 9
    return {rule.lower() for rule in rows}


def rules_with_a_test() -> set[str]:
    """Of functions such as test_a7_a24_what_it_promises."""
    found = set()
    for file in HERE.glob("test_[abc]_*.py"):
        for names in re.findall(r"^def test((?:_[abc]\d+)+)_", file.read_text(), re.MULTILINE):
            found |= set(names.strip("_").split("_"))
    return found


def test_each_rule_has_a_test():
    assert rules() - rules_with_a_test() == set()


def test_each_test_has_a_rule():
    assert rules_with_a_test() - rules() == set()
