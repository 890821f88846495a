"""The engine: settings in, a stream of Steps out. Nothing here knows the page.

Letters, the same in every file:

    B  pictures in a batch             N  tokens in a picture, 256 = 16 x 16
    V  codes in the codebook, 1024     D  width of a vector
    H, W  rows and columns of tokens   T  steps of a run; s = 0 .. T-1 counts up, t = T-1-s down

Signs, the same in every file:

    tokens   (B, N) int64, row by row; MASK where hidden
    filled   (B, N) int64, the same with the hidden tokens sampled, none MASK (x̂_0 in the papers)
    masked   (B, N) bool, True = hidden (m = 0 in the papers)
    scores   (B, N) float32, HIGH = keep, for every selection rule

The papers: MaskGIT (Chang et al., CVPR 2022) and Token-Critic (Lezama et al., ECCV 2022).
"""

MASK = -1

__version__ = "0.2.0"
SAMPLING_VERSION = 2  # of rules, noise and loop, which decide a sample's bits. Traces and links store it; 1 did not
