"""What pictures, films and files can be asked to be like, as a table: `features` for everything that is not words.

Pure.
"""

import msgspec

from grok2api.simulator.features import Feature
from grok2api.simulator.script import Film, Picture, Script, Step


def _changed(script: Script, changes: list[tuple[int, Step]]) -> Script:
    steps = list(script.steps)
    for at, step in changes:
        steps[at] = step
    return msgspec.structs.replace(script, steps=tuple(steps))


def _made(script: Script) -> list[tuple[int, Picture | Film]]:
    """What the script makes, with its place."""
    return [(at, step) for at, step in enumerate(script.steps) if isinstance(step, Picture | Film)]


def _withheld(script: Script, at: int | None) -> Script:
    first = _made(script)[: 1 << 20 if at is None else at]
    return _changed(script, [(place, msgspec.structs.replace(step, moderated=True)) for place, step in first])


def _unfinished(script: Script, at: int | None) -> Script:
    last = _made(script)[::-1][: 1 if at is None else at]
    begun = {place: tuple(percent for percent in step.progress if percent < 100) for place, step in last}
    return _changed(script, [(place, msgspec.structs.replace(step, progress=begun[place])) for place, step in last])


def _slots(script: Script, at: int | None) -> Script:
    pictures = script.pictures
    if not pictures:
        return script
    rest = tuple(step for step in script.steps if not isinstance(step, Picture))
    return msgspec.structs.replace(script, steps=(*rest, *(pictures[:1] * (1 if at is None else at))))


def _png(script: Script, at: int | None) -> Script:
    return _formed(script, "png")


def _webp(script: Script, at: int | None) -> Script:
    return _formed(script, "webp")


def _formed(script: Script, form: str) -> Script:
    steps = [(at, step) for at, step in _made(script) if isinstance(step, Picture)]
    return _changed(script, [(at, msgspec.structs.replace(step, form=form)) for at, step in steps])


MEDIA_FEATURES: tuple[Feature, ...] = (
    Feature(
        name="withheld",
        written="withheld@N",
        says="the first N pictures (default all), or the film, are made and withheld",
        script=_withheld,
    ),
    Feature(
        name="unfinished",
        written="unfinished@N",
        says="the last N pictures (default 1), or the film, are begun and never finished",
        script=_unfinished,
    ),
    Feature(name="slots", written="slots@N", says="N pictures (default 1), however many were asked for", script=_slots),
    Feature(name="png", written="png", says="finished pictures are PNG files", script=_png),
    Feature(name="webp", written="webp", says="finished pictures are WebP files", script=_webp),
    Feature(
        name="shuffled",
        written="shuffled",
        says="imagine: slots improve and complete in the opposite order",
        options={"shuffled": True},
    ),
    Feature(name="url-only", written="url-only", says="imagine: URLs without blobs", options={"blobs": False}),
    Feature(name="blob-uri", written="blob-uri", says="imagine: blobs as data URIs", options={"blob_uris": True}),
    Feature(
        name="relative",
        written="relative",
        says="imagine: paths on the host of account files instead of public URLs",
        options={"relative_urls": True},
    ),
    Feature(
        name="job-names",
        written="job-names",
        says="imagine: `job_id` and `grid_index` instead of `image_id` and `order`",
        options={"job_names": True},
    ),
    Feature(
        name="no-final-frame",
        written="no-final-frame",
        says="edits, films: no frame of 100 percent, only what `modelResponse` lists",
        options={"final_frame": False},
    ),
    Feature(
        name="no-urls",
        written="no-urls",
        says="edits: `modelResponse` lists files, but no URLs",
        options={"generated_urls": False},
    ),
    Feature(
        name="no-film-url",
        written="no-film-url",
        says="films: the last frame names the file only by its id",
        options={"film_url": False},
    ),
    Feature(
        name="early-response",
        written="early-response",
        says="films: `modelResponse` before the last frame of progress",
        options={"early_response": True},
    ),
    Feature(
        name="upload-ids",
        written="upload-ids@N",
        says="uploads: the first N (default 1) of the ids `fileMetadataId`, `fileId` are left out",
        options={"upload_ids": 1},
        counted="upload_ids",
    ),
    Feature(
        name="no-upload-path",
        written="no-upload-path",
        says="uploads: no `fileUri`",
        options={"upload_paths": False},
    ),
    Feature(
        name="terminal-error",
        written="terminal-error",
        says="uploads of the newer form: the file is refused inside a 200",
        options={"terminal_error": True},
    ),
    Feature(
        name="spelling",
        written="spelling@N",
        says="lists of files: the other spellings of the members, 1 (default) or 2",
        options={"spelling": 1},
        counted="spelling",
    ),
    Feature(
        name="same-page",
        written="same-page",
        says="lists of files: `nextPageToken` is always that of the same page",
        options={"same_page": True},
    ),
)
