"""All rows of the matrix, chapter by chapter; the numbers are those of the documentation's table."""

from __future__ import annotations

from tests.faults.matrix.declared import Chapter, Row
from tests.faults.matrix.rows import (
    admin,
    clients,
    clock,
    configuration,
    disk,
    distributed,
    doors,
    ga4,
    intake,
    meta,
    plugins,
    process,
    segment,
    shapes,
    stape,
    vendor,
    vendor_answers,
)

CHAPTERS: tuple[Chapter, ...] = (
    process.chapter,
    disk.chapter,
    vendor.chapter,
    vendor_answers.chapter,
    distributed.chapter,
    configuration.chapter,
    plugins.chapter,
    clock.chapter,
    intake.chapter,
    clients.chapter,
    doors.chapter,
    ga4.chapter,
    segment.chapter,
    stape.chapter,
    meta.chapter,
    shapes.chapter,
    admin.chapter,
)
ROWS: tuple[Row, ...] = tuple(row for chapter in CHAPTERS for row in chapter.rows)
