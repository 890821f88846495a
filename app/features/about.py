"""About: what the server's networks run on."""

from __future__ import annotations

from app.context import Context
from app.text.words import fill


def describe_machine(context: Context) -> str:
    """Return the device, the dtype and why it was chosen, as Markdown. Loads the networks of the first pack."""
    session = context.packs.session(context.packs.first)
    measured = session.precision.milliseconds
    times = ", ".join(f"{name} {time:g} ms" for name, time in (measured or {}).items())
    said = context.words["machine"]
    why = fill(said["measured"], times=times, worth=session.precision.min_speedup) if measured else said["told"]
    return f"{fill(said['line'], **session.made_by())} {why}"
