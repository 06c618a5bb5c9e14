"""What models read of a row must not depend on how the row came about, nor know more than a row can know."""

from __future__ import annotations

import math

import torch

from singleline_pipeline.sketch_models.features import (
    WINDOW,
    heading,
    into_frame,
    next_row,
    out_of_frame,
    point_rows,
    with_start_row,
)
from singleline_pipeline.sketch_models.mixture import MixtureHead, log_density, sample_offset


def drawing(points: int = 9) -> torch.Tensor:
    """Two strokes, (1, points, 3)."""
    rows = torch.randn(1, points, 3, generator=torch.Generator().manual_seed(1)) * 10
    rows[..., 2] = 0
    rows[0, [3, points - 1], 2] = 1
    return rows


def test_rows_grown_one_by_one_are_those_of_the_whole_drawing():
    """Sampling builds rows step by step, training all at once: a difference would be noise that only samples show."""
    points = drawing()
    whole, grown = with_start_row(points), with_start_row(points[:, :0])
    for step in range(points.shape[1]):
        grown = next_row(grown, points[:, step, :2], points[:, step, 2])
        for part, same in zip(grown, whole, strict=True):
            torch.testing.assert_close(part[:, -1], same[:, step + 1])


def test_the_last_steps_are_told_newest_first_with_jumps_marked():
    """A row tells of steps before it only, and of which the pen was above the paper."""
    points = drawing()
    rows = point_rows(points)
    for step in range(points.shape[1]):
        for back in range(WINDOW):
            told = rows.recent[0, step, back]
            if back > step:
                assert not told.any()
                continue
            torch.testing.assert_close(told[:2], points[0, step - back, :2])
            drawn = step - back > 0 and points[0, step - back - 1, 2] == 0
            assert float(told[2]) == drawn


def test_a_line_has_a_heading_only_while_it_goes_on():
    """After a jump, a lift, the start or a step of no length, there is no direction to go on in."""
    points = drawing()
    points[0, 6, :2] = 0
    frame = heading(with_start_row(points))[0]
    ahead = torch.tensor([1.0, 0.0])
    for row in (
        0,
        1,
        4,
        5,
        7,
        9,
    ):  # start, first point, lifted, after the jump, standing still, lifted at the end
        torch.testing.assert_close(frame[row], ahead)
    for row in (2, 3, 6, 8):
        torch.testing.assert_close(frame[row], points[0, row - 1, :2] / points[0, row - 1, :2].norm())


def test_frames_turn_forth_and_back():
    """An offset along the frame's own direction lies on its first axis; turning back gives it again."""
    angle = torch.linspace(-3, 3, 7)
    frame = torch.stack([angle.cos(), angle.sin()], dim=-1)
    torch.testing.assert_close(into_frame(frame, 5 * frame), torch.tensor([[5.0, 0.0]]).expand(7, 2))
    offsets = torch.randn(7, 2, generator=torch.Generator().manual_seed(1))
    torch.testing.assert_close(out_of_frame(frame, into_frame(frame, offsets)), offsets)


def test_a_turned_frame_turns_density_and_samples():
    """The density is of offsets on the canvas: turning frame and offset together leaves it, and samples turn along."""
    head, hidden = MixtureHead(16), torch.randn(6, 16, generator=torch.Generator().manual_seed(2))
    offsets = torch.randn(6, 2, generator=torch.Generator().manual_seed(3))
    angle = math.radians(70)
    turn = torch.tensor([math.cos(angle), math.sin(angle)]).expand(6, 2)
    plain, turned = head(hidden), head(hidden, turn)
    torch.testing.assert_close(log_density(turned, out_of_frame(turn, offsets)), log_density(plain, offsets))
    same = [sample_offset(of, torch.Generator().manual_seed(4)) for of in (plain, turned)]
    torch.testing.assert_close(same[1], out_of_frame(turn, same[0]))
