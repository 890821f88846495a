"""The paper's experiments beyond its table 1, and some of our own.

Each is one file that says what is measured and what follows.
A new experiment is one file and one entry here: command, report, figure and page follow from it.
"""

from engine.evaluate.experiments.ablate import ABLATE
from engine.evaluate.experiments.calibration import CALIBRATION
from engine.evaluate.experiments.curve import CURVE
from engine.evaluate.experiments.experiment import Experiment
from engine.evaluate.experiments.refine import REFINE
from engine.evaluate.experiments.rejection import REJECTION
from engine.evaluate.experiments.steps import STEPS
from engine.evaluate.experiments.tradeoff import TRADEOFF

EXPERIMENTS: dict[str, Experiment] = {
    one.name: one for one in (STEPS, CURVE, REJECTION, REFINE, ABLATE, CALIBRATION, TRADEOFF)
}
