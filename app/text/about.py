"""What the page is, whose work it shows, and how to use it from code; in English."""

WHAT = """
Two ways to choose tokens in masked image generation, live and side by side. **MaskGIT** keeps the tokens that its
generator is surest of, and never takes one back. **Token-Critic** trains a second network to tell real tokens from
sampled ones; it scores the whole picture at each step, and what scores lowest is masked again.

The generator, the critic and all figures here are this project's own, trained on small pictures for two CPU cores: they
show how the method works, not how well the papers' models of ImageNet do. Their authors have no part in this page.

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
        "Python (pip install gradio_client)",
        """from gradio_client import Client

client = Client("{origin}")
run = client.submit(label="{label}", seed=7, rule_1="maskgit", rule_2="{rule}", api_name="/run")
for frame in run:  # one at a time, as the engine computes them
    print(frame["kind"], len(frame.get("steps", [])))
print(client.predict(kind="json", api_name="/export"))  # also gif, webp, png, pdf, svg""",
    ),
    (
        "curl",
        """DATA='{data}'
ME=$(date +%s)-$$  # a session of your own, in which /export finds your run
ID=$(curl -s {origin}/gradio_api/call/run -H 'Content-Type: application/json' \\
  -d "{\\"session_hash\\": \\"$ME\\", \\"data\\": $DATA}" | cut -d'"' -f4)
curl -sN {origin}/gradio_api/call/run/$ID > frames.txt
ID=$(curl -s {origin}/gradio_api/call/export -H 'Content-Type: application/json' \\
  -d "{\\"session_hash\\": \\"$ME\\", \\"data\\": [\\"json\\", \\"all\\", 0]}" | cut -d'"' -f4)
curl -sN {origin}/gradio_api/call/export/$ID  # the file's address""",
    ),
)
