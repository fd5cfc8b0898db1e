"""What went wrong in the trainings of a study: every history, read and said in plain words."""

from __future__ import annotations

from pathlib import Path

from multibeta.report.health import in_words
from multibeta.results import StudyFolder
from multibeta.stages.shared.gather import gather


def doctor(study_folder: Path) -> str:
    """A line for each finding and the runs it is true of, as text.

    Args:
        study_folder: ``results/<study>``, finished or not.

    Raises:
        FileNotFoundError: the folder holds no study.
    """
    return "\n".join(in_words(gather(StudyFolder(study_folder))))
