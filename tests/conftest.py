"""The shipped pack, opened once; TOKEN_CRITIC_PACK names another."""

from __future__ import annotations

import os

import pytest

from engine.session import Session


@pytest.fixture(scope="session")
def session() -> Session:
    return Session.open(os.environ.get("TOKEN_CRITIC_PACK", "emoji"), device="cpu")
