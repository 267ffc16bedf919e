# Copyright 2026 The UniMo-HF authors. Licensed under the Apache License, Version 2.0.
"""What torch's launcher starts twice: a run in a folder, which the second process ends at a batch (0: not at all)."""

import os
import sys
from pathlib import Path

sys.path.append(os.path.dirname(__file__))
from line_stage import BranchedStage, changed, crash, run

if __name__ == "__main__":
    folder, batch = Path(sys.argv[1]), int(sys.argv[2])
    accident = {batch: crash} if os.environ["RANK"] == "1" else {}
    run(folder, changed(save_every=1), stage=BranchedStage, at_step=accident, late_after=0)
