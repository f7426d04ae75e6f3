"""The whole campaign, every byte of both profiles, and its table: `python -m tests.campaign`."""

import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

from tests.campaign import faults, report
from tests.campaign.trials import Campaign
from tests.provisioning.personalise.bench import Bench

CARDS_OF_A_STATION = 200

everything = faults.everything()
endings, wrong, began = Counter(), [], time.monotonic()
for start in range(0, len(everything), CARDS_OF_A_STATION):
    with tempfile.TemporaryDirectory() as folder:
        bench = Bench(Path(folder), cards=0)
        campaign = Campaign(bench).run(everything[start : start + CARDS_OF_A_STATION])
        wrong += campaign.check()
        endings += campaign.endings
        bench.close()
print("\n".join(report.table(endings)))
print(f"{len(everything)} trials in {time.monotonic() - began:.0f} s, {len(wrong)} findings")
print("\n".join(wrong))
sys.exit(bool(wrong))
