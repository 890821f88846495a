"""Whether the tests of promises are to do their full numbers (make soak), or the short form of every day."""

from __future__ import annotations

import os

FULL = bool(os.environ.get("TOKEN_CRITIC_FULL"))
