"""Why trials cannot train as one stack, where the reason is known."""


class CannotStack(ValueError):
    """These trials cannot be one computation; the message says why, in a clause that goes after "one by one:".

    They train alone then. Any other exception while a stack is built or tried out is a fault.
    """
