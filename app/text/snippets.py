"""Pieces of text to copy, the same in every language: how to use the page from code, what to cite."""

CITATIONS = (
    (
        "Token-Critic (BibTeX)",
        """@inproceedings{lezama2022tokencritic,
  title     = {Improved Masked Image Generation with {Token-Critic}},
  author    = {Lezama, Jos{\\'e} and Chang, Huiwen and Jiang, Lu and Essa, Irfan},
  booktitle = {European Conference on Computer Vision (ECCV)},
  year      = {2022},
  note      = {arXiv:2209.04439}
}""",
    ),
    (
        "MaskGIT (BibTeX)",
        """@inproceedings{chang2022maskgit,
  title     = {{MaskGIT}: Masked Generative Image Transformer},
  author    = {Chang, Huiwen and Zhang, Han and Jiang, Lu and Liu, Ce and Freeman, William T.},
  booktitle = {IEEE/CVF Conference on Computer Vision and Pattern Recognition (CVPR)},
  year      = {2022},
  note      = {arXiv:2202.04200}
}""",
    ),
)
CODE = (
    (
        "Python",
        """import json
from urllib.request import Request, urlopen

ask = {"label": "{label}", "seed": 7, "rule_1": "maskgit", "rule_2": "{rule}"}  # the rest as the page has it at first
with urlopen(Request("{origin}/run", json.dumps(ask).encode(), {"Content-Type": "application/json"})) as answer:
    for line in answer:  # a frame each, as the engine computes them
        frame = json.loads(line)
        print(frame["kind"], len(frame.get("steps", [])))

export = f"{origin}/export?run={frame['run']}&kind=json"  # also gif, webp, png, pdf, svg
with urlopen(export) as content, open("run.json", "wb") as file:
    file.write(content.read())""",
    ),
    (
        "curl",
        """curl -sN {origin}/run -H 'Content-Type: application/json' \\
  -d '{"label": "{quoted_label}", "seed": 7, "rule_1": "maskgit", "rule_2": "{rule}"}' > frames.txt
RUN=$(grep -o '"run":"[^"]*' frames.txt | head -1 | cut -d'"' -f4)
curl -sOJ "{origin}/export?run=$RUN&kind=gif"  # also webp, png, pdf, svg, json""",
    ),
)
