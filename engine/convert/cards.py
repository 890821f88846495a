"""The cards of converted packs: where the weights come from, and what is known of them."""

MASKGIT = """# A converted MaskGIT

Generator and tokenizer are the official MaskGIT checkpoints for ImageNet (Chang et al., CVPR 2022;
google-research/maskgit, Apache-2.0), converted by `python -m engine.convert maskgit`. `config.yaml` has the hashes of
the two files. The pack has no pictures and no critic: no Token-Critic weights are public anywhere.

As published, at 256 pixels and 8 steps: FID 6.18, IS 182.1; at 512 pixels and 12 steps: FID 7.32, IS 156.0. These
figures are the paper's; none was measured on this pack.
"""

HALTON = """# A converted Halton-MaskGIT

The generator is a checkpoint of Halton-MaskGIT (Besnier et al., ICLR 2025; valeoai/Halton-MaskGIT, MIT), the tokenizer
LlamaGen's (FoundationVision/LlamaGen, MIT), converted by `python -m engine.convert halton`. `config.yaml` has the
hashes of the two files. The pack has no pictures and no critic. Its authors sample with guidance, which this program
does not have: do not compare its pictures with theirs.
"""

VQGAN = """# A converted VQGAN

A tokenizer of taming-transformers' layout (Esser et al., CVPR 2021; CompVis/taming-transformers, MIT) or of LlamaGen
(MIT), converted by `python -m engine.convert vqgan`. `config.yaml` has the hash of the file. Train a generator and a
critic for it.
"""

CARDS = {"maskgit": MASKGIT, "halton": HALTON, "vqgan": VQGAN}
