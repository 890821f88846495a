"""Many pictures at once: the lanes' settings for one seed after another."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Executor
from typing import Any

import numpy as np
from PIL import Image

from app.context import Context
from app.features.compare import begin_frame
from app.frames import Frame, encode_image, to_data_url
from app.interleave import last_step
from app.request import Lane, RunRequest, check_budget, resolve, used_controls
from engine.session import Session

MAX_PICTURES = 64  # per lane
LARGEST_SIDE = 128  # pixels of a training picture that is shown beside a drawn one


def draw_gallery(context: Context, count: object, controls: Mapping[str, Any], visitor: str = "") -> Iterator[Frame]:
    """Draw `count` pictures per lane, one for each seed from the given one on. `visitor` takes turns with others.

    Raises ValueError for a wrong count or control.
    """
    number = int(count) if isinstance(count, str) and count.isdecimal() else count
    if not isinstance(number, int) or isinstance(number, bool) or not 1 <= number <= MAX_PICTURES:
        raise ValueError(f"count={str(count)[:40]}: expected 1 to {MAX_PICTURES}")
    request = RunRequest.from_controls(controls)
    session = context.packs.session(request.pack)
    lanes = tuple(lane for lane in resolve(session, request) if lane.branch is None)
    check_budget(lanes, number)
    worker = context.packs.worker.seat(visitor, long=True)
    run = context.runs.start(request.pack, lanes, used_controls(controls, len(lanes)))
    try:
        yield begin_frame(context, session, run, count=number)
        drawn = _draw(session, lanes, number, worker, lambda: bool(run.stop_reason))
        for lane, i, picture, score in drawn:
            run.add_picture(lane, picture)
            shown = {"seed": lanes[lane].config.seed + i, "picture": to_data_url(picture), "score": score}
            yield run.frame("steps", steps=[{"lane": lane, "i": i, **shown}])
        run.end_reason = run.stop_reason or "done"
        probabilities = _classify(worker, session, run.pictures, lanes[0].config.label or "")
        yield run.frame("end", why=run.end_reason, scores=probabilities)
    finally:
        run.end_reason = run.end_reason or "stopped"


def find_nearest(context: Context, run: object) -> dict[str, list[Any]]:
    """Return for each lane the distance of each picture to the nearest training picture; none for an unknown run.

    The distance is the root mean square difference of the pixels, 0 to 255. `nearest` says for each which of
    `pictures`, small data URLs, it is.
    """
    found = context.runs.get(run)
    if found is None:
        return {"distances": [], "nearest": [], "pictures": []}
    drawn = [image for images in found.pictures for image in images]
    if not drawn:
        none: list[list[Any]] = [[] for _ in found.pictures]
        return {"distances": none, "nearest": none, "pictures": []}
    session = context.packs.session(found.pack)
    distances, places, training = session.nearest_training_pictures(np.stack(drawn))
    _, first, each = np.unique(places, return_index=True, return_inverse=True)
    ends = np.cumsum([len(images) for images in found.pictures])[:-1]
    return {
        "distances": [part.tolist() for part in np.split(distances, ends)],
        "nearest": [part.tolist() for part in np.split(each, ends)],
        "pictures": [_to_small_url(training[i]) for i in first],
    }


def _to_small_url(picture: np.ndarray) -> str:
    """A data URL of a few KB, uint8 (S, S, 3): the page shows it beside the one that was drawn."""
    image = Image.fromarray(picture)
    image.thumbnail((LARGEST_SIDE, LARGEST_SIDE))
    return encode_image(image, "WEBP", quality=90)


def _draw(
    session: Session, lanes: Sequence[Lane], count: int, worker: Executor, is_stopped: Callable[[], bool]
) -> Iterator[tuple[int, int, np.ndarray, float | None]]:
    """Yield (lane, i, picture uint8 (S, S, 3), critic's mean score) until `is_stopped`.

    Picture i of a lane is what the lane itself draws from seed + i.
    """
    for i in range(count):
        for number, lane in enumerate(lanes):
            final = _sample(session, lane, i, worker, is_stopped)
            if final is None:
                return
            label = lane.config.label or ""
            score = None
            if session.critic is not None:
                score = float(worker.submit(session.score, final, label).result().mean())
            yield number, i, worker.submit(session.decode, final).result()[0], score


def _sample(
    session: Session, lane: Lane, i: int, worker: Executor, is_stopped: Callable[[], bool]
) -> np.ndarray | None:
    """Return the tokens (1, N) of picture i, or None where the run is stopped."""
    steps = worker.submit(session.run, lane.config.replace(seed=lane.config.seed + i)).result()
    last = last_step(steps, worker, is_stopped)
    return None if last is None else last.proposal


def _classify(
    worker: Executor, session: Session, pictures: Sequence[Sequence[np.ndarray]], label: str
) -> list[list[float]]:
    """Return for each lane with pictures the classifier's probability of the class; [] without a classifier."""
    if not session.pack.has("classifier"):
        return []
    lanes = [np.stack(images) for images in pictures if images]
    return [worker.submit(session.recognise, images, label).result().tolist() for images in lanes]
