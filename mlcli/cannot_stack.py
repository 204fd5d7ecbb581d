"""The exception for trials that cannot train as one stack."""


class CannotStack(ValueError):
    """These trials cannot be one computation, and train one by one; the message is the reason, as a clause.

    Any other exception while a stack is built or tested is an error.
    """
