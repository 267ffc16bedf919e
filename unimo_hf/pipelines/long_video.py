# Copyright 2026 The UniMo-HF authors. Licensed under the Apache License, Version 2.0.
"""The motion in a video of any length: window after window, each one pass over its pictures."""

from collections.abc import Callable

import torch

from unimo_hf.model.code_choice import Decoding
from unimo_hf.model.target_writer import TargetWriter
from unimo_hf.model.tasks import Segment, Task
from unimo_hf.motion.motion import Motion
from unimo_hf.pipelines.frame_source import FrameSource, to_clock_of
from unimo_hf.pipelines.modality_values import MotionValues, VisualValues
from unimo_hf.pipelines.unimo_parts import UniMoParts
from unimo_hf.pipelines.windows import MotionOfWindows, cut_windows

# Frames that a window shares with the one before it.
OVERLAP = 4


def takes_long_videos(task: Task) -> bool:
    """Whether a task can go on window by window: of a whole video, the whole motion and nothing else."""
    return task.condition == (Segment("visual"),) and task.target == (Segment("motion"),)


def motion_of_video(
    unimo: UniMoParts,
    task: Task,
    source: FrameSource,
    decoding: Decoding,
    alone: Decoding,
    generator: torch.Generator | None = None,
    on_frames: Callable[[int, int], None] | None = None,
) -> Motion:
    """Estimate the motion in a video.

    Args:
        unimo ([`UniMoParts`]): The model.
        task ([`Task`]): One that [`takes_long_videos`].
        source ([`FrameSource`]): The video, at the model's frames per second.
        decoding ([`Decoding`]): How codes are chosen.
        alone ([`Decoding`]): How those are that say where a window sees the person.
        generator (`torch.Generator`, *optional*): Of the sampling.
        on_frames (`Callable[[int, int], None]`, *optional*): Called as `on_frames(done, total)` after each window, in
            frames of the video.

    Returns:
        [`Motion`]: One pose for each frame of the video, at its fps.
    """
    processor = unimo.processor
    visual, values = (processor.table[name] for name in ("visual", "motion"))
    pictures, motions = VisualValues(unimo, visual), MotionValues(unimo, values)
    motion, done = MotionOfWindows(unimo.body), 0
    for window in cut_windows(pictures.squares(source), unimo.frames, min(OVERLAP, unimo.frames // 2)):
        condition = processor.build_condition(task, {"visual": unimo.encode_video(window.video)})
        sequence = condition["sequence"]
        writer = TargetWriter(unimo.model, condition["input_ids"], sequence)
        known = None
        if window.known:
            codes = motions.encode(motion.last(window.known))
            known = processor.tokenizer.vocabulary.to_ids("motion", codes).flatten(1)
        target = writer.write(
            forced_target_ids=known,
            max_target_ids=window.real * values.codes,
            decoding=decoding,
            generator=generator,
        )
        codes = processor.post_process(target, sequence)["motion"]
        if known is None:
            motion.begin(motions.decode(codes)[0])
        else:
            # The first frame once more, from the video alone: that is where the window sees the person.
            target = writer.write(max_target_ids=values.codes, decoding=alone)
            first = processor.post_process(target, sequence)["motion"]
            seen = motions.decode(torch.cat([first, codes[:, 1:]], dim=1))[0]
            motion.go_on(motions.decode(codes)[0], window.known, seen[:1])
        done += window.real - window.known
        if on_frames is not None:
            on_frames(min(round(done * source.fps / unimo.fps), source.count), source.count)
    return to_clock_of(source, motion.whole())
