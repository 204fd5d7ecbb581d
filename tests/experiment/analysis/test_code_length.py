from mlcli.experiment.analysis.code_length import count

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
    assert count(SOURCE) == 7
    assert count("x = 1; y = 2\n\n\n# end\n") == 1
