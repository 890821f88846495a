"""Whether there is a third lane. An invisible control, set by the stage's buttons."""

from __future__ import annotations

from typing import Any

import gradio as gr

from app.assets import drawn


class Third(gr.HTML):
    """Its value is null (two lanes), {} (a third lane) or the fields of a Branch."""

    def __init__(self, **props: Any) -> None:
        super().__init__(
            value="",  # not null: to the API that would be a value that has to be given
            **drawn(("third",), 'mountThird(props, () => trigger("input"), watch)'),
            elem_classes="tc-third",
            **props,
        )

    def api_info(self) -> dict[str, Any]:
        return {
            "type": "object",
            "description": "null: two lanes; {}: a third one; {lane, step, masked, fraction}: a third one that leaves "
            "lane 0 or 1 after so many steps, with these places masked or (null) as the lane's rule decided; after "
            "the last step with these places, or the share that the critic scores lowest, masked and drawn anew; "
            "{tokens, masked, fraction}: so with a picture of one's own, of which all tokens are given",
        }
