"""Sections to one self-contained HTML page: no script, no network, the answer first."""

import base64
from collections.abc import Sequence

from jinja2 import Environment, PackageLoader, StrictUndefined

import plaquecast
from plaquecast.report.sections import Figure, Section


def render_page(title: str, answer: Sequence[str], sections: Sequence[Section], simulated: bool) -> str:
    """Render a page that opens with the answer and says on top whether its data are simulated.

    Every text is escaped; pictures are embedded, so the file can be moved and opened anywhere.
    """
    environment = Environment(
        loader=PackageLoader("plaquecast.report", "."), autoescape=True, undefined=StrictUndefined, trim_blocks=True
    )
    environment.filters["data_uri"] = _data_uri
    return environment.get_template("page.html.j2").render(
        title=title, answer=answer, sections=sections, simulated=simulated, version=plaquecast.__version__
    )


def _data_uri(figure: Figure) -> str:
    return f"data:{figure.media_type};base64,{base64.b64encode(figure.data).decode('ascii')}"
