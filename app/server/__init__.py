"""The HTTP side: the stream of a run, errors as one line, and what the machine around it needs."""
