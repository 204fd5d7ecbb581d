from mlcli.experiment.analysis.code_length import count_lines

SOURCE = '''"""A module.

Of two lines."""

# a comment
def double(x):
    """Twice."""
    text = """two
lines"""

    return [
        x,  # itself
        x,
    ]
'''


def test_only_lines_that_hold_code_are_counted() -> None:
    assert count_lines(SOURCE) == 7
    assert count_lines("x = 1; y = 2\n\n\n# end\n") == 1
