"""Plans as PDF: one page each, of the paper's own size."""

from collections.abc import Sequence
from datetime import datetime

from dscplus_station.typesetting.paper import Paper
from dscplus_station.typesetting.plan import Box, Code, Plan, Words


def plans_as_pdf(plans: Sequence[Plan], language: str, made_at: datetime) -> bytes:
    """A document of plans of one size, a page each."""
    with Paper(plans[0].title, language, made_at, (plans[0].width, plans[0].height)) as paper:
        for plan in plans:
            paper.add_page()
            draw(paper, plan)
        return paper.content()


def draw(paper: Paper, plan: Plan, x: float = 0, y: float = 0) -> None:
    """Draw a plan onto the present page, its corner at `x`, `y`."""
    for item in plan.items:
        match item:
            case Words():
                paper.line(x + item.x, y + item.baseline, item.text, item.size_pt, face=item.face)
            case Code():
                paper.bars(x + item.x, y + item.y, item.pattern, item.module, item.height, item.told)
            case Box():
                paper.set_fill_color(0)
                paper.rect(x + item.x, y + item.y, item.width, item.height, style="F")
