"""Each rule of the checklist has a test that is named after it."""

import re
from pathlib import Path

import pytest

RULES = [
    *(f"a{number}" for number in range(1, 34)),
    *(f"b{number}" for number in range(1, 25)),
    *(f"c{number}" for number in range(1, 10)),
]


def rules_with_a_test() -> set[str]:
    """Of functions such as test_a7_a24_what_it_promises."""
    found = set()
    for file in Path(__file__).parent.glob("test_[abc]_*.py"):
        for rules in re.findall(r"^def test((?:_[abc]\d+)+)_", file.read_text(), re.MULTILINE):
            found |= set(rules.strip("_").split("_"))
    return found


@pytest.mark.parametrize("rule", RULES)
def test_rule_has_a_test(rule):
    assert rule in rules_with_a_test()
