"""What the page is, whose work it shows, and how to use it from code, in English."""

WHAT = """
Two ways to choose tokens in masked image generation, live and side by side. **MaskGIT** keeps the tokens that its
generator is surest of, and never takes one back. **Token-Critic** trains a second network to tell real tokens from
sampled ones; it scores the whole picture at each step, and what scores lowest is masked again.

The generator, the critic and all figures here are this project's own, trained on small pictures for two CPU cores: they
show how the method works, not how well the papers' models of ImageNet do. Their authors have no part in this page.

The critic of the emoji model differs from the paper's in three points: it starts from the generator's weights, it reads
out through the generator's head, and it is told how many of the tokens are new, but not which.

**Licences.** Code: MIT. What the models were trained on has a licence of its own: see the card of the model below.
"""
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
